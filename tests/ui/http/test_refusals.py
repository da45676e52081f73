"""Addresses that are refused before Streamlit hears of them."""

import pytest

from llm_explorer.formats.address import LONGEST_QUERY
from llm_explorer.ui.http.refusals import refusal


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/interact",
        "/_stcore/agent/mcp",
        "/_stcore/health/metrics",
        "/_stcore/streams",
        "/explorer/_stcore/metrics",
        "/_stcore/health/../metrics",
        "/_stcore/health/_stcore/metrics",
        "/_stcore/",
    ],
)
def test_streamlits_own_addresses_are_closed_but_for_those_that_a_page_asks(path: str) -> None:
    answer = refusal(path, b"")
    assert answer is not None
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/memory",
        "/static/js/index.js",
        "/_stcore/health",
        "/_stcore/host-config",
        "/explorer/_stcore/stream",
        "/_stcore/upload_file/a/b",
        "/_stcore/bidi-components/x/y.js",
    ],
)
def test_what_a_page_asks_is_open(path: str) -> None:
    assert refusal(path, b"n_layers=13") is None


def test_an_address_that_is_too_long_is_told_both_numbers() -> None:
    assert refusal("/", b"x" * LONGEST_QUERY) is None
    answer = refusal("/", b"x" * (LONGEST_QUERY + 1))
    assert answer is not None
    assert answer.status_code == 414
    assert b"16,385 characters" in answer.body
    assert b"16,384 are read" in answer.body
