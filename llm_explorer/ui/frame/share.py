"""Share: the link of this page as a QR code and as text, and what it may ask of the screen that opens it."""

from io import BytesIO
from typing import Final
from urllib.parse import urlsplit

import segno
import streamlit as st

from llm_explorer.texts import look as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import link

SIDE: Final = 480  # pixels of the code: read from ten times as far as it is wide
QUIET: Final = 4  # modules of white around it: ISO/IEC 18004 asks for four
LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def draw() -> None:
    """The button in the frame."""
    if st.button("Share", icon=":material/qr_code_2:", key="share", help=texts.SHARE_HELP, type="tertiary"):
        st.dialog(texts.SHARE_TITLE, width="large")(_content)()


def _content() -> None:
    code, words = appearance.two(300)
    with words:
        told = link.link_to(link.page_url(), _asked())
        st.code(told, language=None, wrap_lines=True)
        if urlsplit(told).hostname in LOCAL:
            st.warning(texts.ONLY_HERE, icon=":material/info:")
        st.link_button(texts.OPEN, told, icon=":material/open_in_new:")
    with code:
        picture = qr_code(told)
        if picture is None:
            st.warning(texts.TOO_LONG.format(letters=len(told)), icon=":material/info:")
        else:
            st.image(picture, width=SIDE, alt=texts.ALT)


def _asked() -> link.Address:
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
    return link.with_look(link.here(), large=large, hidden=left_out)


def qr_code(told: str) -> str | None:
    """A black and white drawing (SVG) of the link's code; None where a link is longer than a code can be."""
    try:
        code = segno.make_qr(told, error="l")
    except segno.DataOverflowError:
        return None
    drawing = BytesIO()
    code.save(drawing, kind="svg", border=QUIET, dark="#000000", light="#ffffff", xmldecl=False, omitsize=True)
    return drawing.getvalue().decode()
