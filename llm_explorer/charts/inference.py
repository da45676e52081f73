"""The memory of generating text over the tokens of its context."""

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from llm_explorer.charts.axes import bytes_axis
from llm_explorer.charts.layout import LEGEND, TITLE_AND_LEGEND, titled
from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.charts.traces import area

HEIGHT: Final = 300
COLOURS: Final = {"weights": CATEGORIES["parameters"], "KV cache": CATEGORIES["activations"]}


def inference_chart(title: str, tokens: Sequence[int], weights: int, cache: Sequence[int]) -> go.Figure:
    """Two areas: the weights, which stay the same, and on them the cache after each number of ``tokens``."""
    sizes = {"weights": [weights] * len(tokens), "KV cache": cache}
    layout = titled(title, HEIGHT, t=TITLE_AND_LEGEND) | {
        "hovermode": "x unified",
        "legend": LEGEND | {"traceorder": "normal"},
        "xaxis": {"title": {"text": "tokens in the context"}, "automargin": True, "zeroline": False},
        "yaxis": bytes_axis(weights + cache[-1]),
    }
    where = {"x": list(tokens), "stackgroup": "inference"}
    areas = [area(name, values, COLOURS[name], **where) for name, values in sizes.items()]
    return go.Figure(areas, layout)
