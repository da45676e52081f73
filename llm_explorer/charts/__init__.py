"""Figures from plain data: no streamlit, no torch, one colour per component on every page."""

import plotly.io


def without_a_theme() -> None:
    """Make figures without a template of their own: the app's theme is put on in the browser.

    A template would be 7 kB and a millisecond in every chart.
    """
    plotly.io.templates.default = "none"


without_a_theme()
