"""The few looks that the theme file cannot say."""

import streamlit as st

from core.ui.navigation import LOGO

CSS = """<style>
[data-testid="stImage"] img { image-rendering: pixelated; border-radius: 4px; }
[data-testid="stMainBlockContainer"] { padding-top: 4rem; padding-bottom: 2rem; max-width: 1500px; }
[data-testid="stSidebarContent"] hr { margin: 0.5rem 0; }
/* The primary colour carries white text; as text itself it is too dark on the dark page. */
button[role="radio"][aria-checked="true"] *, [data-testid="stSliderThumbValue"] * { color: CanvasText; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
/* What saves a figure stands close below it and is quieter than what acts. */
[class*="-as-file"] { margin-top: -0.9rem; }
[class*="-as-file"] button { min-height: 1.6rem; padding: 0; opacity: 0.8; }
[class*="-as-file"] button:is(:hover, :focus-visible) { opacity: 1; }
[class*="-as-file"] button * { font-size: 0.8rem; }
.plotly-notifier .notifier-note { background-color: #0E1116; } /* white on pale blue is hard to read */
</style>"""


def apply() -> None:
    """Set logo and style; called once per script run by app.py."""
    st.logo(str(LOGO), size="large")
    st.html(CSS)
