"""Ballast, an interactive dashboard on adversarially robust dataset condensation: `streamlit run app.py`."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import navigation, session, style, words

st.set_page_config(page_title="Ballast", page_icon=str(navigation.LOGO), layout="wide")
style.apply()
session.admit()
page = navigation.navigate()
try:
    api.ensure_workers()
except BallastError as error:  # no page can do anything without its home
    st.error(words.plain(error))
    st.stop()
if sentence := api.trouble():
    st.warning(words.plain(sentence))
session.greet()
page.run()
