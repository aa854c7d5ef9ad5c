"""Play: the whole subject in the plane, computed in the browser while the reader moves it."""

import streamlit as st

from core.errors import BallastError
from core.ui import navigation, words
from core.ui.play import component, lab

navigation.guard()

if asked := component.draw():
    try:
        lab.open_in_lab(asked)
    except BallastError as error:
        st.error(words.plain(error))
