"""What is done once for all reruns is what Streamlit would have done at each."""

import resource

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from visit import Visit

from llm_explorer.ui import warm

SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.light.sidebar", "theme.dark.sidebar")


def of(section: str) -> CustomThemeConfig:
    message = CustomThemeConfig()
    app_session._populate_theme_msg(message, section)
    return message


@pytest.mark.parametrize("section", SECTIONS)
def test_the_browser_is_told_the_same_theme(section: str) -> None:
    expected = CustomThemeConfig()
    warm._read_theme(expected, section)
    Visit()  # whose first run has put ours in the place of Streamlit's
    assert app_session._populate_theme_msg is warm._put_theme
    assert [of(section), of(section)] == [expected, expected]


def test_the_theme_of_the_config_file_arrives() -> None:
    Visit()
    whole = CustomThemeConfig()
    for section, part in zip(SECTIONS, (whole, whole.light, whole.dark), strict=False):
        app_session._populate_theme_msg(part, section)
    assert whole.light.primary_color == config.get_option("theme.light.primaryColor") != ""
    assert whole.dark.primary_color != whole.light.primary_color
    assert whole.padding_top == config.get_option("theme.paddingTop")


def test_python_collects_when_it_is_due_and_streamlit_not_after_each_run() -> None:
    assert config.get_option("runner.postScriptGC") is False


def test_a_server_may_open_as_many_files_as_the_system_allows() -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, usual[1]))
        Visit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == usual[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
