"""Two to four configs side by side: bars that add up, and lines over the context."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.axes import log_axis
from llm_explorer.charts.bars import horizontal
from llm_explorer.charts.layout import LEGEND, around, titled
from llm_explorer.charts.palette import CATEGORIES
from llm_explorer.charts.traces import line
from llm_explorer.units import byte_size

ROW_HEIGHT: Final = 44
BOTTOM: Final = 62  # pixels below the bars: two lines of the legend
# across the whole chart, not only below the bars: a legend that is too narrow gets a scroll bar
BELOW: Final = LEGEND | {"xref": "container", "y": 0, "yref": "container", "traceorder": "normal"}
LINES_HEIGHT: Final = 360
ABOVE: Final = 0.25  # of a row, from the middle of a bar to its name: half of the bar
# colour, dash, marker and width: thinner and thinner, so that a line that lies on another does not hide it
LOOKS: Final = (
    (CATEGORIES["parameters"], "solid", "circle", 5.0),
    (CATEGORIES["gradients"], "dash", "diamond", 3.5),
    (CATEGORIES["activations"], "dot", "square", 2.5),
    (CATEGORIES["optimizer state"], "dashdot", "cross", 1.8),
)
STEP_BITS: Final = (2, 4, 6, 8, 10)  # from one tick to the next of an axis of powers of two
MOST_TICKS: Final = 7


class Config(NamedTuple):
    """The line of a config: its values at its own places."""

    name: str
    places: Sequence[int]
    values: Sequence[int]


def stacked_bars(
    title: str,
    names: Sequence[str],
    bars: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    write: Callable[[float], str],
) -> go.Figure:
    """A bar for each of ``names``, made of parts (part -> its size in each) that stand on one another.

    ``write`` formats a size; the sum stands beside the bar. A part that nobody has is left out.
    """
    used = {part: sizes for part, sizes in bars.items() if any(sizes)}
    sums = [sum(sizes) for sizes in zip(*used.values(), strict=True)] if used else [0.0] * len(names)
    traces = [_bar(part, sizes, colours[part], [write(size) for size in sizes]) for part, sizes in used.items()]
    traces.append(_sums(sums, [write(each) for each in sums]))
    return go.Figure(traces, _bar_layout(title, names) | {"barmode": "stack"})


def grouped_bars(
    title: str, names: Sequence[str], bars: Mapping[str, Sequence[float | None]], write: Callable[[float], str]
) -> go.Figure:
    """For each of ``names`` a bar of each kind, beside one another; None where nothing is known."""
    traces = []
    for (kind, sizes), (colour, *_) in zip(bars.items(), LOOKS, strict=False):
        labels = ["" if size is None else write(size) for size in sizes]
        traces.append(_bar(kind, sizes, colour, labels) | {"text": labels, "textposition": "outside"})
    return go.Figure(traces, _bar_layout(title, names) | {"barmode": "group"})


def cache_lines(title: str, configs: Sequence[Config]) -> go.Figure:
    """Bytes over the tokens of the context, both in powers of two: at most four lines, each to its own context."""
    places = [place for config in configs for place in config.places]
    values = [value for config in configs for value in config.values]
    layout = titled(title, LINES_HEIGHT, r=16, b=BOTTOM) | {
        "legend": BELOW,
        "showlegend": True,
        "xaxis": _powers("tokens in the context", places, lambda tokens: f"{tokens:,}"),
        "yaxis": _powers("", values, byte_size),
    }
    traces = [_line(config, *look) for config, look in zip(configs, LOOKS, strict=False)]
    return go.Figure(traces, layout)


def _bar_layout(title: str, names: Sequence[str]) -> dict[str, Any]:
    """Each name stands above its bar: beside it, a long one would take the room that the bars need."""
    words = [
        {"text": name, "x": 0, "xref": "paper", "xanchor": "left", "y": row - ABOVE, "yanchor": "bottom"}
        for row, name in enumerate(names)
    ]
    return around(title, ROW_HEIGHT * len(names), r=84, b=BOTTOM) | {
        "legend": BELOW,
        "showlegend": True,
        "bargap": 1 - 2 * ABOVE,
        "annotations": [each | {"showarrow": False} for each in words],
        "xaxis": {"visible": False, "rangemode": "tozero"},
        "yaxis": {"visible": False, "range": [len(names) - 0.7, -0.7]},
    }


def _bar(name: str, sizes: Sequence[float | None], colour: str, labels: Sequence[str]) -> dict[str, Any]:
    hover = f"%{{customdata}}<extra>{name}</extra>"
    return horizontal(sizes, range(len(sizes)), colour, hover, name=name, customdata=list(labels))


def _sums(sums: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    """Words at the ends of bars: of a bar that has no length of its own."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": list(sums),
        "y": list(range(len(sums))),
        "text": [f" {label}" for label in labels],
        "textposition": "middle right",
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }


def _line(config: Config, colour: str, dash: str, marker: str, width: float) -> dict[str, Any]:
    look, hover = {"color": colour, "dash": dash, "width": width}, "%{x:,} tokens: %{customdata}"
    words, marker_look = [byte_size(value) for value in config.values], {"symbol": marker, "size": 4 + 1.4 * width}
    return line(*config, look, hover, mode="lines+markers", marker=marker_look, customdata=words)


def _powers(title: str, values: Sequence[int], write: Callable[[int], str]) -> dict[str, Any]:
    """A log axis with its ticks at powers of two."""
    low, high = min(values).bit_length() - 1, (max(values) - 1).bit_length()
    step = next((bits for bits in STEP_BITS if (high - low) / bits < MOST_TICKS), STEP_BITS[-1])
    return log_axis(title, [1 << power for power in range(low, high + 1, step)], write)
