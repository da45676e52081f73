"""The one way a chart gets on a page."""

import plotly.graph_objects as go
import streamlit as st

from llm_explorer import charts
from llm_explorer.charts.enlarge import enlarged
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.live import chart as live_chart


def chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure: fixed height, text alternative, no toolbar."""
    if appearance.is_large():
        figure = enlarged(figure, appearance.LARGER)
    if live_chart.is_available():
        live_chart.draw(figure, key=key, alt=alt)
        return
    st.plotly_chart(
        figure, key=key, alt=alt, height=figure.layout.height, config={"displayModeBar": False}, width="stretch"
    )
    charts.without_a_theme()  # Streamlit has just put its own there, for all figures of all visitors
