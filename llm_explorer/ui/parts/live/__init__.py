"""Small browser parts: charts that change in place, sliders whose drag is felt at once, one history entry a page.

They only add: without them, or with LLM_EXPLORER_LIVE=0, charts are drawn anew by Streamlit, a slider tells its value
when it is let go, and the browser's Back goes through each value that was set.
"""

import os
from pathlib import Path
from typing import Any

import streamlit as st


@st.cache_resource(max_entries=8, show_spinner=False)
def part(name: str) -> Any:
    """The browser part that a script of this folder is."""
    code = (Path(__file__).parent / f"{name}.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"llm_explorer_{name}", js=code, isolate_styles=False)


def is_on() -> bool:
    """Whether the browser parts are used."""
    return os.environ.get("LLM_EXPLORER_LIVE") != "0"
