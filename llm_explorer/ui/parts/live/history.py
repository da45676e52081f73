"""One entry of the browser's history a page, by a small browser part without a face."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from llm_explorer.ui.parts import live


@st.cache_resource(max_entries=1, show_spinner=False)
def _part() -> Any:
    code = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return st.components.v2.component("llm_explorer_history", js=code, isolate_styles=False)


def one_entry_a_page(settings: Sequence[str]) -> None:
    """Have the browser make an entry where the page changes, not where a value does; drawn with the frame.

    ``settings`` are the parameters that its address is to have once.
    """
    if live.is_on():
        _part()(key="one_entry_a_page", data={"settings": list(settings)}, width="content")
