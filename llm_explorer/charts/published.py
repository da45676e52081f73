"""The values that published models have, and the learner's own among them."""

from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from llm_explorer.charts.layout import around
from llm_explorer.charts.palette import PAIR
from llm_explorer.units import Writer

ROW_HEIGHT: Final = 24
WIDE: Final = 20  # above this ratio of the largest to the smallest value the axis is logarithmic

Models = Sequence[tuple[str, float]]  # title and value


def published_values(title: str, families: Mapping[str, Models], own: tuple[str, float], write: Writer) -> go.Figure:
    """A row of points a family, one point a model, and a diamond for ``own`` in the last row."""
    rows = {**families, own[0]: [own]}
    values = [value for models in rows.values() for _title, value in models]
    traces = [_row(name, models, write, own=name == own[0]) for name, models in rows.items()]
    wide = min(values) > 0 and max(values) > WIDE * min(values)
    layout = around(title, ROW_HEIGHT * len(rows), r=16, b=24) | {
        "showlegend": False,
        "xaxis": {"type": "log" if wide else "linear", "automargin": True, **_ticks(values, write)},
        "yaxis": {"autorange": "reversed", "automargin": True, "ticks": ""},
    }
    return go.Figure(traces, layout)


def _row(name: str, models: Models, write: Writer, *, own: bool) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [value for _title, value in models],
        "y": [name] * len(models),
        "marker": {"size": 13 if own else 11, "symbol": "diamond" if own else "circle", "color": PAIR[int(own)]},
        "text": [f"{title}: {write(value)}" for title, value in models],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _ticks(values: Sequence[float], write: Writer) -> dict[str, object]:
    """Ticks at values that models have, at most six and none so near another that the words would touch."""
    distinct = sorted(set(values))
    every = -(-len(distinct) // 6)
    shown = distinct[::-1][::every][::-1]
    return {"tickvals": shown, "ticktext": [write(value) for value in shown]}
