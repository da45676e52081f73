"""A chart that is changed in place in the browser instead of being torn down and built anew."""

from pathlib import Path
from typing import Any, Final

import plotly
import plotly.graph_objects as go
import streamlit as st

from llm_explorer.ui.parts import live
from llm_explorer.ui.streamlit_private.selectors import OWN_SCRIPT

SCRIPT: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@st.cache_resource(max_entries=1, show_spinner=False)
def _part() -> tuple[Any, str]:
    """The browser part, and the address under which the server hands out the installed plotly's own script."""
    scripts = st.components.v1.declare_component("plotly_js", path=str(SCRIPT.parent))
    code = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    part = st.components.v2.component("llm_explorer_chart", js=code, isolate_styles=False)
    return part, f"component/{scripts.name}/{SCRIPT.name}"


def is_available() -> bool:
    """Whether charts can be changed in place here: the part is on, its script is there and has not failed."""
    return live.is_on() and SCRIPT.is_file() and not st.session_state.get("live_chart_failed")


def draw(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure of fixed height; ``key`` says which kept chart becomes it."""
    part, script = _part()
    height = figure.layout.height
    part(
        key=key,
        data={
            "figure": figure.to_json(),
            "height": height,
            "alt": alt,
            "name": key,
            "script": script,
            "root": OWN_SCRIPT,
        },
        height=height,
        on_failed_change=_note_failure,
    )


def _note_failure() -> None:
    st.session_state["live_chart_failed"] = True
