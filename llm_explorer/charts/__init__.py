"""Figures from plain data: no streamlit, no torch, one colour per component on every page."""

import plotly.io

# the theme is the app's, put on in the browser; plotly's own would be 7 kB and a millisecond in every chart
plotly.io.templates.default = "none"
