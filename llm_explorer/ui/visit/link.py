"""Links to the pages of this app: what of the address they pass on."""

from typing import Final
from urllib.parse import urlencode, urlsplit

import streamlit as st

from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import state
from llm_explorer.ui.visit.pins import MOST_PINS, PIN

LONGEST: Final = 2000  # characters: what the text `set` may have
KNOWN: Final = {*state.IN_FRAME, state.STEP, PIN, *appearance.PARAMETERS}

Address = dict[str, str | list[str]]


def page_url() -> str:
    """The address of this page as the browser tells it; '' where that is none, as a stranger may tell."""
    url = st.context.url or ""
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url


def here() -> Address:
    """The parameters of the address that mean something here, a pin as often as there may be pins.

    What else a stranger's link brings is in none of the ten links of each page. A setting has one value: where a link
    has brought it twice, the newer comes first.
    """
    found: Address = {}
    for name in st.query_params:
        values = [text for text in st.query_params.get_all(name)[:MOST_PINS] if len(text) <= LONGEST]
        if name == appearance.HIDE:
            values = [",".join(appearance.hidden())]
        if name in KNOWN and any(values):
            found[name] = values[0] if len(values) == 1 or name in state.IN_FRAME else values
    return found


def passed_on() -> Address:
    """The parameters that a link to another page passes on: without them a new tab would start from the defaults."""
    return {name: text for name, text in here().items() if name != state.STEP}


def with_look(address: Address, *, large: bool, hidden: list[str]) -> Address:
    """An address that asks for larger type, and for some parts to be off the screen."""
    kept = {name: text for name, text in address.items() if name not in appearance.PARAMETERS}
    asks = {appearance.TYPE: "large"} if large else {}
    return kept | asks | ({appearance.HIDE: ",".join(hidden)} if hidden else {})


def link_to(url: str, address: Address) -> str:
    """The whole link, with commas and colons as they are read.

    >>> link_to("https://host/memory?old=1", {"n_layers": "24", "hide": "run,build"})
    'https://host/memory?n_layers=24&hide=run,build'
    """
    page = urlsplit(url)
    query = urlencode(address, doseq=True, safe=",:=")
    return page._replace(path=page.path or "/", query=query, fragment="").geturl()
