"""A part of all pages: Streamlit (1.67) binds a parameter to a widget of one page, and on another takes it away.

It is what Streamlit does with all that an entry point draws beside ``st.navigation``; beside a folder of pages there is
no other way to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

NEEDS: Final = ((ScriptRunContext, ("run_with_active_hash",)), (PagesManager, ("main_script_hash",)))


def install() -> None:
    """There is nothing to put in."""


@contextmanager
def of_all_pages() -> Iterator[None]:
    """What is drawn in here is the same part on all pages, with the same widgets."""
    context = get_script_run_ctx()
    assert context is not None
    with context.run_with_active_hash(context.pages_manager.main_script_hash):
        yield
