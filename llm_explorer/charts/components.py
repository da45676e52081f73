"""What each part of a step takes: two numbers a part side by side, or one part on the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from llm_explorer.charts.bars import horizontal
from llm_explorer.charts.layout import LEGEND, around

ROW_HEIGHT: Final = 40
TOP: Final = 66  # above the bars: title and legend
ROOM: Final = {False: 62, True: 124}  # right of the longest bar for its label, which tells more where it is of a sum


def components_chart(
    title: str,
    rows: Sequence[str],
    bars: Mapping[str, Mapping[str, float]],
    colours: Mapping[str, str],
    write: Callable[[float], str],
    *,
    stacked: bool = False,
) -> go.Figure:
    """Horizontal bars: a row a part from the top, in it a bar of each of ``bars`` (name -> part -> number).

    ``write`` formats a number. With ``stacked`` the bars of a row stand on one another and only the last is labelled,
    with their sum. The height is that of ``rows``.
    """
    sums = [sum(values.get(row, 0.0) for values in bars.values()) for row in rows]
    last = list(bars)[-1:]
    traces = []
    for name, values in bars.items():
        labels = [write(values[row]) if row in values else "" for row in rows]
        shown = ([write(each) for each in sums] if [name] == last else None) if stacked else labels
        traces.append(_bars(name, rows, values, colours[name], labels, shown))
    layout = around(title, ROW_HEIGHT * max(len(rows), 1), r=ROOM[stacked], t=TOP)
    layout["title"] |= {"y": 1, "yanchor": "top", "pad": {"t": 6}}
    layout |= {
        "barmode": "stack" if stacked else "group",
        "bargap": 0.25,
        "legend": LEGEND | {"traceorder": "normal"},
        "showlegend": True,
        "xaxis": {"visible": False, "rangemode": "tozero"},  # no range of ours: a zoom would be lost with it
        "yaxis": {"autorange": "reversed", "ticks": "", "automargin": True},
    }
    return go.Figure(traces, layout)


def _bars(
    name: str,
    rows: Sequence[str],
    values: Mapping[str, float],
    colour: str,
    labels: Sequence[str],
    shown: Sequence[str] | None,
) -> dict[str, Any]:
    sizes, hover = [values.get(row, 0.0) for row in rows], f"%{{y}}: %{{customdata}}<extra>{name}</extra>"
    words = {} if shown is None else {"text": list(shown), "textposition": "outside"}
    return horizontal(sizes, rows, colour, hover, name=name, customdata=list(labels), **words)
