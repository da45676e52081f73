"""A drawing of boxes, lines and words, made from the top down: across it is 100 wide, down it is in pixels."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

from llm_explorer.charts.layout import around
from llm_explorer.charts.palette import COMPONENTS, PARTS, glass

BOX: Final = 26  # pixels of a box of one line
LINE: Final = 15  # of each further line in it
GAP: Final = 13  # between two boxes, with an arrow
CELL: Final = 12  # of a row of cells
LEFT, RIGHT = 17.0, 94.0  # ends of a box unless told
MIDDLE: Final = (LEFT + RIGHT) / 2
STREAM: Final = PARTS["residual stream"]  # of lines and arrows

Point = tuple[float, float]


class Box(NamedTuple):
    """A box: what stands at its left and at its right, its component, further lines, and its ends across."""

    left: str
    right: str
    component: str
    lines: tuple[str, ...] = ()
    ends: tuple[float, float] = (LEFT, RIGHT)

    @property
    def height(self) -> int:
        """Pixels."""
        return BOX + LINE * len(self.lines)


class Drawing:
    """What has been drawn so far; ``y`` is where it goes on."""

    def __init__(self) -> None:
        self.y = 4.0
        self.shapes: list[dict[str, Any]] = []
        self.words: list[dict[str, Any]] = []
        self.heads: list[Point] = []
        self.sums: list[Point] = []

    def rectangle(self, ends: tuple[float, float], top: float, bottom: float, colour: str, strength: float) -> None:
        """A rectangle of glass; of no strength it is only its dotted line."""
        (x0, x1), dash = ends, "solid" if strength else "dot"
        place = {"x0": x0, "x1": x1, "y0": top, "y1": bottom}
        look = {"fillcolor": glass(colour, strength), "line": {"color": colour, "width": 1.2, "dash": dash}}
        self.shapes.append({"type": "rect", "layer": "below", **place, **look})

    def cells(self, ends: tuple[float, float], top: float, count: int, colour: str, filled: int) -> None:
        """A row of ``count`` cells from end to end, the first ``filled`` of them strong: one shape for each kind."""
        (x0, x1), width = ends, (ends[1] - ends[0]) / count
        gap = min(0.12 * width, 0.6)
        for numbers, strength in ((range(filled), 0.75), (range(filled, count), 0.0)):
            squares = [(x0 + width * n, min(x0 + width * (n + 1), x1) - gap) for n in numbers]
            path = " ".join(f"M {a},{top} L {b},{top} L {b},{top + CELL} L {a},{top + CELL} Z" for a, b in squares)
            if path:
                look = {"fillcolor": glass(colour, strength), "line": {"color": colour, "width": 1}}
                self.shapes.append({"type": "path", "layer": "below", "path": path, **look})

    def line(self, *points: Point, head: bool = False, colour: str = STREAM) -> None:
        """A line through some points, at its end with an arrow's head."""
        path = "M " + " L ".join(f"{x},{y}" for x, y in points)
        self.shapes.append({"type": "path", "layer": "below", "path": path, "line": {"color": colour, "width": 2}})
        if head:
            self.heads.append((points[-1][0], points[-1][1] - 3))  # its middle; its point is on the line's end

    def say(self, x: float, y: float, text: str, side: str = "left", size: int = 12) -> None:
        """Words whose ``side`` is at a place, in the middle of their height."""
        place = {"x": x, "y": y, "xanchor": side, "yanchor": "middle"}
        self.words.append({**place, "text": text, "showarrow": False, "font": {"size": size}})

    def box(self, box: Box) -> None:
        """A box at the place where it goes on, which is then below it."""
        (x0, x1), top = box.ends, self.y
        self.rectangle(box.ends, top, top + box.height, COMPONENTS[box.component], 0.2)
        self.say(x0 + 1.5, top + BOX / 2, f"<b>{box.left}</b>")
        self.say(x1 - 1.5, top + BOX / 2, box.right, "right")
        for number, words in enumerate(box.lines):
            self.say(x0 + 1.5, top + BOX + LINE * (number + 0.5) - 4, words)
        self.y = top + box.height

    def arrow(self, x: float = MIDDLE, colour: str = STREAM) -> None:
        """A short arrow down."""
        self.line((x, self.y), (x, self.y + GAP), head=True, colour=colour)
        self.y += GAP

    def boxes(self, boxes: Sequence[Box]) -> None:
        """Boxes below one another, an arrow from each to the next."""
        for number, box in enumerate(boxes):
            if number:
                self.arrow()
            self.box(box)

    def figure(self, title: str) -> go.Figure:
        """The drawing as a figure, as high as it is long."""
        layout = around(title, round(self.y) + 4, r=0) | {
            "showlegend": False,
            "hovermode": False,
            "shapes": self.shapes,
            "annotations": self.words,
            "xaxis": {"visible": False, "range": [-0.5, 100.5], "fixedrange": True},
            "yaxis": {"visible": False, "range": [self.y + 4, 0], "fixedrange": True},
        }
        return go.Figure([_marks(self.heads, "triangle-down", 9), self._plus_signs()], layout)

    def _plus_signs(self) -> dict[str, Any]:
        signs = _marks(self.sums, "circle", 18)
        text = {"mode": "markers+text", "text": ["+"] * len(self.sums), "textfont": {"size": 16, "color": "#ffffff"}}
        return signs | text


def _marks(places: Sequence[Point], symbol: str, size: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _y in places],
        "y": [y for _x, y in places],
        "marker": {"symbol": symbol, "size": size, "color": STREAM, "opacity": 1},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
