"""Share: the link of this page as a QR code and as text, and what it may ask of the screen that opens it."""

from io import BytesIO
from typing import Final
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from llm_explorer.texts import look as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import state
from llm_explorer.ui.visit.pins import MOST_PINS, PIN

SIDE: Final = 480  # pixels of the code: read from ten times as far as it is wide
QUIET: Final = 4  # modules of white around it: ISO/IEC 18004 asks for four
LOCAL: Final = ("localhost", "127.0.0.1", "::1")

LONGEST: Final = 2000  # characters: what the text `set` may have
KNOWN: Final = {*state.IN_FRAME, state.STEP, PIN, *appearance.PARAMETERS}

Address = dict[str, str | list[str]]


def draw() -> None:
    """The button in the frame."""
    if st.button("Share", icon=":material/qr_code_2:", key="share", help=texts.SHARE_HELP, type="tertiary"):
        _dialog()


@st.dialog(texts.SHARE_TITLE, width="large")
def _dialog() -> None:
    grid = st.grid(2, min_column_width=appearance.wide(300))
    code, words = grid.cell(), grid.cell()
    with words:
        link = link_to(page_url(), _asked())
        st.code(link, language=None, wrap_lines=True)
        if urlsplit(link).hostname in LOCAL:
            st.warning(texts.ONLY_HERE, icon=":material/info:")
        st.link_button(texts.OPEN, link, icon=":material/open_in_new:")
    with code:
        picture = qr_code(link)
        if picture is None:
            st.warning(texts.TOO_LONG.format(letters=len(link)), icon=":material/info:")
        else:
            st.image(picture, width=SIDE, alt=texts.ALT)


def page_url() -> str:
    """The address of this page as the browser tells it; '' where that is none, as a stranger may tell."""
    url = st.context.url or ""
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url


def _asked() -> Address:
    """The address of this page with what the switches add to it."""
    large = st.toggle(texts.LARGER, appearance.is_large(), key="share_large", help=texts.LARGER_HELP)
    left_out = st.pills(
        texts.LEAVE_OUT,
        tuple(texts.PARTS),
        selection_mode="multi",
        default=appearance.hidden(),
        format_func=texts.PARTS.__getitem__,
        key="share_hide",
        wrap=True,
        help=texts.LEAVE_OUT_HELP,
    )
    return with_look(here(), large=large, hidden=left_out)


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


def qr_code(link: str) -> str | None:
    """A black and white drawing (SVG) of the link's code; None where a link is longer than a code can be."""
    try:
        code = segno.make_qr(link, error="l")
    except segno.DataOverflowError:
        return None
    drawing = BytesIO()
    code.save(drawing, kind="svg", border=QUIET, dark="#000000", light="#ffffff", xmldecl=False, omitsize=True)
    return drawing.getvalue().decode()
