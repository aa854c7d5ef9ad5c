"""Learn: lessons on Play's plane; predict, lock, then see what is measured."""

import streamlit as st

from core.errors import BallastError
from core.ui import navigation, words
from core.ui.learn import component
from core.ui.play import lab

navigation.guard()

number = st.query_params.get("learn.lesson", "1")
try:
    asked = component.draw(int(number) if number.isdigit() else 1, present=st.query_params.get("present") == "1")
    if asked:
        lab.open_in_lab(asked)
except BallastError as error:
    st.error(words.plain(error))
