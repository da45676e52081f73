"""How the screen looks, by the address: parts that are hidden, larger type.

A hidden part with widgets that hold the config is drawn all the same and taken off the screen by a style: a widget that
is not drawn loses its value and its place in the address. All other hidden parts are not drawn.
"""

import os
from difflib import get_close_matches
from typing import Any, Final

import streamlit as st

from llm_explorer.config import Problem
from llm_explorer.texts import look as texts
from llm_explorer.ui.streamlit_private import selectors

HIDE: Final = "hide"
TYPE: Final = "type"
PARAMETERS: Final = (HIDE, TYPE)
TYPES: Final = ("normal", "large")
LARGER: Final = 1.25
RUN: Final = "run_settings"  # the key of the container around them

# constants only: nothing that a visitor wrote gets into a style
_STYLES: Final = {
    "sidebar": f"{selectors.SIDEBAR}, {selectors.OPEN_SIDEBAR} {{ display: none !important; }}",
    "run": f".st-key-{RUN} {{ display: none !important; }}",
}
_FOUR: Final = "four_"  # the keys of such grids begin with it
_TWO_AND_TWO: Final = (
    "@media (min-width: 480px) and (max-width: %dpx) "
    f"{{ [class*='st-key-{_FOUR}'] {{ grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }} }}"
)
# the width of a window that has room for four, with the sidebar
_ROOM: Final = {"normal": 1240, "large": 1440}
_FOCUS_STYLE: Final = f"{selectors.PAGE_LINK}:focus-visible {{ outline: 2px solid currentColor; }}"
_LARGE_STYLE: Final = (
    f":root {{ font-size: {100 * LARGER:g}% !important; }} "
    f"{selectors.PAGE} {{ padding-left: 2rem; padding-right: 2rem; }}"
)


def apply() -> None:
    """Send the styles that the address asks for; drawn with the frame.

    And always a frame around the page link that has the focus: Streamlit (1.67) only tints it.
    """
    room = _ROOM["large" if is_large() else "normal"]
    styles = [_FOCUS_STYLE, _TWO_AND_TWO % (room - 1), *(style for part, style in _STYLES.items() if hides(part))]
    if is_large():
        styles.append(_LARGE_STYLE)
    st.html(f"<style>{' '.join(styles)}</style>")


def hides(part: str) -> bool:
    """Whether the address takes a part off the screen."""
    return part in hidden()


def hidden() -> tuple[str, ...]:
    """The parts that the address takes off the screen."""
    asked = names(",".join(st.query_params.get_all(HIDE)))
    return tuple(part for part in texts.PARTS if part in asked)


def names(text: str) -> list[str]:
    """The names in a list with commas.

    >>> names("run, build,")
    ['run', 'build']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def is_large() -> bool:
    """Whether type is larger: by the address, else by LLM_EXPLORER_TYPE=large of the server."""
    asked = st.query_params.get(TYPE)
    return (asked if asked in TYPES else os.environ.get("LLM_EXPLORER_TYPE")) == "large"


def wide(pixels: int) -> int:
    """A width in pixels that holds the type there is."""
    return round(pixels * LARGER) if is_large() else pixels


def four(name: str, narrowest: int = 180) -> Any:
    """A grid for four cells: side by side, or two and two, or one by one, but never three over one."""
    return st.grid(4, min_column_width=wide(narrowest), key=f"{_FOUR}{name}")


def two(narrowest: int) -> tuple[Any, Any]:
    """Two columns, one below the other where they would be narrower than this."""
    grid = st.grid(2, min_column_width=wide(narrowest))
    return grid.cell(), grid.cell()


def problems(field: str, asked: str) -> tuple[Problem, ...]:
    """What of ``hide=`` or ``type=`` in the address means nothing."""
    if field == TYPE:
        wrong = () if asked in TYPES else (asked,)
        return tuple(Problem(TYPE, text, f"type={text[:40]} is neither normal nor large") for text in wrong)
    unknown = [name for name in names(asked) if name not in texts.PARTS]
    return tuple(Problem(HIDE, name, _unknown(name)) for name in unknown[:5])


def _unknown(name: str) -> str:
    near = get_close_matches(name[:40], texts.PARTS, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(texts.PARTS)}"
    return f"hide={name[:40]} is no part of the screen; {meant}"
