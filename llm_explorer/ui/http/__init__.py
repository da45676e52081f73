"""What stands before Streamlit where the app is served as ``st.App``: headers, and what strangers are refused.

Served otherwise, ``from_browser.py`` of streamlit_private refuses the same messages and files inside Streamlit, and the
rest is missing.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import streamlit as st
from starlette.middleware import Middleware

from llm_explorer.ui import streamlit_private
from llm_explorer.ui.http.headers import Headers
from llm_explorer.ui.http.messages import Messages
from llm_explorer.ui.http.refusals import Refusals
from llm_explorer.ui.http.uploads import Uploads

MIDDLEWARE: Final = (Middleware(Headers), Middleware(Refusals), Middleware(Uploads), Middleware(Messages))


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Guard the first session too, and have the server end in order."""
    streamlit_private.install()
    yield
    # uvicorn (0.54) ends in order and then has the signal that it was told by end the process: Python would not come to
    # what is left to its exit, the children and folders of runs
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
