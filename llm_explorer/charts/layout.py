"""What stands around the charts of every page: the title, the margins, the legend."""

from typing import Any, Final

LEGEND: Final = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}  # above the plot
TITLE_AND_LEGEND: Final = 62  # pixels of the margin that has both


def titled(title: str, height: int, **margins: int) -> dict[str, Any]:
    """A layout with its title at the left; of the ``margins`` (l, r, t, b) in pixels those that are not usual."""
    return {
        "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        "height": height,
        "margin": {"l": 0, "r": 8, "t": 34, "b": 4} | margins,
    }


def around(title: str, plot: int, **margins: int) -> dict[str, Any]:
    """The same around a plot of so many pixels down."""
    layout = titled(title, plot, **margins)
    return layout | {"height": plot + layout["margin"]["t"] + layout["margin"]["b"]}
