"""What of a browser's messages is used."""

from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from llm_explorer.formats.address import LONGEST_QUERY
from llm_explorer.ui.streamlit_private.from_browser import MOST_BESIDE, MOST_WIDGETS, is_used


def message(kind: str, **fields: Any) -> BackMsg:
    """One whose content is a message of its own."""
    content: dict[str, Any] = {kind: fields}
    return BackMsg(**content)


USED = [
    message("rerun_script", query_string="n_layers=13", page_name="memory"),
    message("rerun_script", query_string="x" * LONGEST_QUERY),
    message("rerun_script", widget_states={"widgets": [{"id": "x", "string_value": "x" * 4_000_000}] * 2}),
    BackMsg(stop_script=True),
    BackMsg(app_heartbeat=True),
    message("file_urls_request", file_names=["config.json"]),
]
UNUSED = [
    BackMsg(),
    BackMsg(clear_cache=True),
    BackMsg(clear_cache=False),
    BackMsg(set_run_on_save=True),
    BackMsg(load_git_info=True),
    BackMsg(debug_disconnect_websocket=True),
    BackMsg(debug_shutdown_runtime=True),
    message("backend_operation_request", install_skills={}),
    message("backend_operation_request", dismiss_skills_nudge={}),
    message("rerun_script", query_string="x" * (LONGEST_QUERY + 1)),
    message("rerun_script", context_info={"timezone": "x" * MOST_BESIDE}),
    message("rerun_script", fragment_id="x" * MOST_BESIDE),
    message("rerun_script", widget_states={"widgets": [{"id": "x"}] * (MOST_WIDGETS + 1)}),
    message("file_urls_request", file_names=["a", "b"]),
]


@pytest.mark.parametrize("message", USED, ids=lambda message: str(message)[:60])
def test_what_the_pages_use_is_heard(message: BackMsg) -> None:
    assert is_used(message)


@pytest.mark.parametrize("message", UNUSED, ids=lambda message: str(message)[:60])
def test_what_they_do_not_is_not(message: BackMsg) -> None:
    assert not is_used(message)


def test_every_kind_that_streamlit_knows_is_one_or_the_other() -> None:
    kinds = {field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}
    assert kinds == {message.WhichOneof("type") for message in (*USED, *UNUSED)} - {None}


def test_a_shared_server_is_asked_for_no_places_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    assert not is_used(message("file_urls_request", file_names=["config.json"]))
