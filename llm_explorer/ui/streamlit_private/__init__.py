"""All that rests on what Streamlit (1.67) does not promise: each piece is put in once, or left out where it cannot be.

A piece names what it ``NEEDS``; where another Streamlit lacks one of these, the app runs on without the piece, and the
log says what that costs. ``tests/private`` names each and tries the app without it. ``selectors.py`` has what of
Streamlit's page scripts and styles look for.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import streamlit as st

PIECES: Final = {
    "theme": "each run reads all of its options again: about 5 ms slower",
    "to_browser": "each message goes to the browser alone: slower, most of all with many visitors",
    "from_browser": "a made-up message or file may end its own session in an error",
    "values_on_the_way": "a slow browser may undo what the app has just set",
    "all_pages": "the address loses its parameters where the page changes",
}

_log: Final = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def install() -> Mapping[str, ModuleType]:
    """Put in all pieces, for all sessions of this server; those that are in."""
    found = {name: _put_in(name) for name in PIECES}
    return {name: piece for name, piece in found.items() if piece is not None}


def _put_in(name: str) -> ModuleType | None:
    try:
        piece = import_module(f"{__name__}.{name}")
        lacking = [f"{owner.__name__}.{need}" for owner, needs in piece.NEEDS for need in needs if not has(owner, need)]
        if lacking:
            raise AttributeError(f"it has no {', '.join(lacking)}")
        piece.install()
    except (ImportError, AttributeError) as error:
        _log.warning("Streamlit %s is not the one this app knows (%s); %s", st.__version__, error, PIECES[name])
        return None
    return piece


def has(owner: Any, name: str) -> bool:
    """Whether a module or class has it, or its instances from their first moment on."""
    made = getattr(getattr(owner, "__init__", None), "__code__", None)
    return hasattr(owner, name) or (made is not None and name in made.co_names)
