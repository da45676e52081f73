"""Every sample of a measurement, with its median."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from llm_explorer.charts.layout import titled
from llm_explorer.charts.palette import PHASES

HEIGHT = 220


def samples_chart(samples: Mapping[str, Sequence[float]]) -> go.Figure:
    """One row of points a phase ("forward" -> seconds of each repeat), in the order of the mapping from the top."""
    boxes = [
        go.Box(
            x=[1000 * value for value in values],
            name=phase,
            marker={"color": PHASES[phase]},
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            fillcolor="rgba(0,0,0,0)",
            line={"width": 1},
            hovertemplate="%{x:.4g} ms<extra>" + phase + "</extra>",
        )
        for phase, values in samples.items()
    ]
    layout = titled("Every sample", HEIGHT) | {
        "showlegend": False,
        "xaxis": {"title": {"text": "milliseconds"}, "rangemode": "tozero", "automargin": True},
        "yaxis": {"autorange": "reversed", "automargin": True},
    }
    return go.Figure(boxes, layout)
