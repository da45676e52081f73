"""The theme that is read once is what Streamlit reads each time."""

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from llm_explorer.ui.streamlit_private import theme
from tests.ui.app_visit import Visit

SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.light.sidebar", "theme.dark.sidebar")


def of(section: str) -> CustomThemeConfig:
    message = CustomThemeConfig()
    app_session._populate_theme_msg(message, section)
    return message


@pytest.mark.parametrize("section", SECTIONS)
def test_the_browser_is_told_the_same_theme(section: str) -> None:
    expected = CustomThemeConfig()
    theme._read_theme(expected, section)
    Visit()  # whose first run has put ours in the place of Streamlit's
    assert app_session._populate_theme_msg is theme._put_theme
    assert [of(section), of(section)] == [expected, expected]


def test_the_theme_of_the_config_file_arrives() -> None:
    Visit()
    whole = CustomThemeConfig()
    for section, part in zip(SECTIONS, (whole, whole.light, whole.dark), strict=False):
        app_session._populate_theme_msg(part, section)
    assert whole.light.primary_color == config.get_option("theme.light.primaryColor") != ""
    assert whole.dark.primary_color != whole.light.primary_color
    assert whole.padding_top == config.get_option("theme.paddingTop")
