"""The headers that every answer gets, and who may frame a page."""

import pytest

from llm_explorer.ui.http.headers import frame_ancestors


@pytest.mark.parametrize(
    "asked",
    ["'self'", "'none'", "*", "https://school.example", "'self' https://*.school.example:8443", "school.example:*"],
)
def test_a_list_of_sites_is_taken_as_it_is(asked: str) -> None:
    assert frame_ancestors(asked) == asked


@pytest.mark.parametrize(
    "asked",
    [
        "",
        " ",
        "https://a.example; script-src *",
        "'none' a.example",
        "javascript:x",
        "a.example, b.example",
        "a\r\nb: c;",
    ],
)
def test_what_is_none_lets_only_the_app_itself(asked: str, caplog: pytest.LogCaptureFixture) -> None:
    frame_ancestors.cache_clear()
    assert frame_ancestors(asked) == "'self'"
    assert ("is no list of sites" in caplog.text) == bool(asked.strip())
