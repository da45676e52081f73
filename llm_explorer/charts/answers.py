"""How often each answer is given, by two who were taught differently."""

from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from llm_explorer.charts.bars import side_by_side
from llm_explorer.charts.layout import LEGEND, TITLE_AND_LEGEND, titled
from llm_explorer.charts.palette import CATEGORIES

HEIGHT: Final = 300


def answers_chart(title: str, across: str, counts: Mapping[str, Sequence[float]]) -> go.Figure:
    """Bars side by side over equal bins from 0 to 1, for two sets of ``counts``; the dotted line is at 0.5."""
    bins = len(next(iter(counts.values())))
    middles = [(number + 0.5) / bins for number in range(bins)]
    look = {"dash": "dot", "width": 1.5, "color": CATEGORIES["batch"]}
    half = {"type": "line", "x0": 0.5, "x1": 0.5, "y0": 0, "y1": 1, "yref": "y domain", "line": look}
    layout = titled(title, HEIGHT, t=TITLE_AND_LEGEND) | {
        "legend": LEGEND,
        "bargap": 0.15,
        "xaxis": {"title": {"text": across}, "range": [0, 1], "automargin": True},
        "yaxis": {"automargin": True},
        "shapes": [half],
    }
    return go.Figure(side_by_side(counts, "around %{x:.2f}: %{y:.0f}", x=middles), layout)
