"""Ballast, an interactive dashboard on adversarially robust dataset condensation: `streamlit run app.py`."""

import streamlit as st

from core import api
from core.ui import navigation, style

st.set_page_config(page_title="Ballast", page_icon=str(navigation.LOGO), layout="wide")
style.apply()
page = navigation.navigate()
api.ensure_workers()
page.run()
