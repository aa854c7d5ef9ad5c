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
/* A formula that fits must not count as an area to scroll, which nobody could reach by keyboard. */
[data-testid="stMarkdownContainer"] .katex-display { overflow: visible !important; }
/* What saves a figure stands close below it and is quieter than what acts. */
[class*="-as-file"] { margin-top: -0.9rem; }
[class*="-as-file"] button { min-height: 1.6rem; padding: 0; opacity: 0.8; }
[class*="-as-file"] button:is(:hover, :focus-visible) { opacity: 1; }
[class*="-as-file"] button * { font-size: 0.8rem; }
/* What stays on the page while the next result is computed keeps its place and has no colour. */
.st-key-covering-strip { min-height: 3.2rem; }
@media (min-width: 900px) {
  .st-key-covering-map-box { min-height: 41rem; }
  .st-key-covering-map-box [data-testid="stImage"] img { max-height: 30rem; object-fit: contain; }
}
[data-testid="stCaptionContainer"] code { color: inherit; background: none; } /* green on grey is too pale here */
[data-testid="stMain"] [data-testid="stImage"] { max-width: 100%; }
/* On small screens pictures come before numbers, and what only explains comes last. */
@media (max-width: 1100px) {
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-"][class*="-pictures"]) { order: -1; }
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-"][class*="-last"]) { order: 1; }
}
[data-testid="stMetricLabel"] p { white-space: normal; overflow: visible; } /* a name that is cut is no name */
@media (max-width: 1200px) {
  [data-testid="stMetricValue"] { font-size: 1.5rem; }
  [data-testid="stHorizontalBlock"]:has(
    > [data-testid="stColumn"] > [data-testid="stVerticalBlock"] > * > [data-testid="stMetric"]
  ) { flex-wrap: wrap; }
  [data-testid="stColumn"]:has(> [data-testid="stVerticalBlock"] > * > [data-testid="stMetric"]) { min-width: 5.4rem; }
}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  /* Numbers and small pictures stand beside each other where a column each would be a screen each. */
  [data-testid="stHorizontalBlock"]:has(
    > [data-testid="stColumn"] > [data-testid="stVerticalBlock"] > * > [data-testid="stMetric"]
  ) > [data-testid="stColumn"] { min-width: calc(50% - 1rem); flex: 1 1 calc(50% - 1rem); }
  :is(.st-key-attack-three, [class*="st-key-covering-gallery-row"]) [data-testid="stColumn"] {
    min-width: calc(33% - 1rem); flex: 1 1 calc(33% - 1rem);
  }
}
.plotly-notifier .notifier-note { background-color: #0E1116; } /* white on pale blue is hard to read */
</style>"""


def greyed(key: str, grey: bool) -> None:
    """Take the colours from the container of a key, or leave them; the container itself stays as it is."""
    look = "grayscale(1)" if grey else "none"
    st.html(f"<style>.st-key-{key.replace('.', '-')} {{ filter: {look}; }}</style>")


def apply() -> None:
    """Set logo and style; called once per script run by app.py."""
    st.logo(str(LOGO), size="large")
    st.html(CSS)
