"""Where the parameters are: the modules of a model as areas, each inside the one that it belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import plotly.graph_objects as go

from llm_explorer.accounting.rows import Row
from llm_explorer.charts.layout import titled
from llm_explorer.charts.palette import COMPONENTS
from llm_explorer.units import count, exact

HEIGHT: Final = 430
ROOT: Final = "model"
SHARED_COLOUR: Final = "#6f7378"  # of a module with parts of several components
TEXT_COLOUR: Final = "#ffffff"
LINE_COLOUR: Final = "rgba(255, 255, 255, 0.6)"
LEAST_CONTRAST: Final = 4.5  # of text to what is behind it: WCAG 2.1, 1.4.3

Look = Literal["icicle", "treemap"]


class Node(NamedTuple):
    """A module or a tensor: its path, what it is called, its component ("" for several), its parameters, more words."""

    path: str
    parent: str
    label: str
    component: str
    total: int
    is_leaf: bool
    hover: str


def tree_chart(title: str, rows: Iterable[Row], look: Look = "icicle") -> go.Figure:
    """The rows of an account of parameters as a tree by module; a row of no parameters, as a tied head's, is left out.

    A click on a module shows only what is in it. The height is always the same.
    """
    nodes = module_tree(rows)
    whole = nodes[0].total or 1
    trace: dict[str, Any] = {
        "type": look,
        "ids": [node.path for node in nodes],
        "parents": [node.parent for node in nodes],
        "labels": [node.label for node in nodes],
        # only the leaves: sums of numbers over 2^53 would differ in the browser, which then draws nothing
        "values": [node.total if node.is_leaf else 0 for node in nodes],
        "branchvalues": "remainder",
        "text": [f"{count(node.total)} · {100 * node.total / whole:.1f}%" for node in nodes],
        "textinfo": "label+text",
        "customdata": [node.hover for node in nodes],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"colors": [_colour(node) for node in nodes], "line": {"width": 1, "color": LINE_COLOUR}},
        "textfont": {"color": TEXT_COLOUR, "size": 13},
        "sort": False,  # in the order of the data's way, so that nothing jumps
        "pathbar": {"visible": True, "thickness": 22},
    }
    if look == "icicle":
        trace |= {"tiling": {"orientation": "h", "pad": 1}, "leaf": {"opacity": 1}}
    else:
        trace |= {"tiling": {"pad": 2, "packing": "squarify"}, "marker": trace["marker"] | {"pad": {"t": 22}}}
    layout = titled(title, HEIGHT, r=0, t=62) | {
        "uniformtext": {"minsize": 10, "mode": "hide"},  # else it is shrunk until it fits, down to nothing
    }
    return go.Figure([trace], layout)


def module_tree(rows: Iterable[Row]) -> list[Node]:
    """Every module from the whole model down to the tensors, those before what is in them.

    A module with one thing in it is that thing: ``token_embedding.weight`` has no branch of its own.
    """
    rows = [row for row in rows if row.total]
    sums: dict[str, int] = {}
    components: dict[str, set[str]] = {}
    inside: dict[str, list[str]] = {}
    for row in rows:
        for path, child in _branches(row.name):
            sums[path] = sums.get(path, 0) + row.total
            components.setdefault(path, set()).add(row.component)
            if child and child not in inside.setdefault(path, []):
                inside[path].append(child)
    leaves = {f"{ROOT}.{row.name}": row for row in rows}
    nodes: list[Node] = []

    def add(path: str, parent: str, label: str) -> None:
        while len(inside.get(path, ())) == 1 and path != ROOT:
            path = inside[path][0]
        row = leaves.get(path)
        repeats = leaves[_first_leaf(path, inside)].repeats
        shown = f"{label} × {repeats:,}" if label == "blocks" else label
        component = next(iter(components[path])) if len(components[path]) == 1 else ""
        hover = _row_words(row) if row else f"{path.removeprefix(f'{ROOT}.')}: {exact(sums[path])} parameters"
        nodes.append(Node(path, parent, shown, component, sums[path], row is not None, hover))
        for child in inside.get(path, ()):
            add(child, path, child.rpartition(".")[2])

    if rows:
        add(ROOT, "", ROOT)
    return nodes or [Node(ROOT, "", ROOT, "", 0, is_leaf=True, hover=ROOT)]


def tile_colours(colours: Mapping[str, str] = COMPONENTS) -> dict[str, str]:
    """The colours of the components, each as dark as white text on it needs.

    >>> tile_colours({"norms": "#858585"})
    {'norms': '#757575'}
    """
    return {name: _darkened(colour) for name, colour in colours.items()}


def _branches(name: str) -> Iterable[tuple[str, str]]:
    """Every path from the model to a tensor, with the one below it."""
    parts = [ROOT, *name.split(".")]
    paths = [".".join(parts[: length + 1]) for length in range(len(parts))]
    return zip(paths, [*paths[1:], ""], strict=True)


def _first_leaf(path: str, inside: Mapping[str, list[str]]) -> str:
    while inside.get(path):
        path = inside[path][0]
    return path


def _row_words(row: Row) -> str:
    shape = " × ".join(f"{size:,}" for size in row.shape)
    times = f", {row.repeats:,} times" if row.repeats != 1 else ""
    return f"{row.name}<br>{shape}{times}: {exact(row.total)} parameters"


def _colour(node: Node) -> str:
    return TILES.get(node.component, SHARED_COLOUR)


def _darkened(colour: str) -> str:
    channels = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    while 1.05 / (_luminance(channels) + 0.05) < LEAST_CONTRAST:  # white's own luminance is 1
        channels = [round(0.97 * channel) for channel in channels]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def _luminance(channels: Iterable[int]) -> float:
    """Relative luminance: WCAG 2.1, section 3 (terms)."""
    shares = [channel / 255 for channel in channels]
    red, green, blue = (share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


TILES: Final = tile_colours()
