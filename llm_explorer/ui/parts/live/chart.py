"""A chart that is changed in place in the browser instead of being torn down and built anew."""

from pathlib import Path
from typing import Final

import plotly
import plotly.graph_objects as go
import streamlit as st

from llm_explorer.ui.parts import live
from llm_explorer.ui.streamlit_private.selectors import OWN_SCRIPT

SCRIPT: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@st.cache_resource(max_entries=1, show_spinner=False)
def _address() -> str:
    """Where the server hands out the installed plotly's own script."""
    scripts = st.components.v1.declare_component("plotly_js", path=str(SCRIPT.parent))
    return f"component/{scripts.name}/{SCRIPT.name}"


def is_available() -> bool:
    """Whether charts can be changed in place here: the part is on, its script is there and has not failed."""
    return live.is_on() and SCRIPT.is_file() and not st.session_state.get("live_chart_failed")


def draw(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure of fixed height; ``key`` says which kept chart becomes it."""
    height = figure.layout.height
    live.part("chart")(
        key=key,
        data={
            "figure": figure.to_json(),
            "height": height,
            "alt": alt,
            "name": key,
            "script": _address(),
            "root": OWN_SCRIPT,
        },
        height=height,
        on_failed_change=_note_failure,
    )


def _note_failure() -> None:
    st.session_state["live_chart_failed"] = True
