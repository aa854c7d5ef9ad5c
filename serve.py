"""The dashboard behind its door: `streamlit run serve.py`, which is what `python run.py start` does."""

import streamlit as st
from starlette.middleware import Middleware

from core.ui import door

app = st.App("app.py", middleware=[Middleware(door.Door)], lifespan=door.keeping)
