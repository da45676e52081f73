"""The theme is read once: Streamlit (1.67) reads all its 300 options for each of six sections of it, at every rerun."""
# ruff: noqa: SLF001 -- Streamlit has no other place for it

from typing import Final

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

NEEDS: Final = ((app_session, ("_populate_theme_msg",)),)

_themes: dict[str, CustomThemeConfig] = {}
_read_theme = app_session._populate_theme_msg


def install() -> None:
    """Read each section when it is first asked for."""
    app_session._populate_theme_msg = _put_theme


def _put_theme(msg: CustomThemeConfig, section: str = "theme") -> None:
    if section not in _themes:
        read = CustomThemeConfig()
        _read_theme(read, section)
        _themes[section] = read
    msg.MergeFrom(_themes[section])
