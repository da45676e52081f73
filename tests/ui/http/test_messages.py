"""What of a browser's messages reaches Streamlit."""

import asyncio
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from llm_explorer.ui.http.messages import A_SECOND, AT_ONCE, MOST_BESIDE, MOST_WIDGETS, Messages, Pace, is_used
from llm_explorer.ui.http.refusals import LONGEST_QUERY


def with_fields(**fields: Any) -> BackMsg:
    """A message whose inner messages are given as plain dicts."""
    return BackMsg(**fields)


USED = [
    with_fields(rerun_script={"query_string": "n_layers=13", "page_name": "memory"}),
    with_fields(rerun_script={"query_string": "x" * LONGEST_QUERY}),
    with_fields(rerun_script={"widget_states": {"widgets": [{"id": "x", "string_value": "x" * 4_000_000}] * 2}}),
    BackMsg(stop_script=True),
    BackMsg(app_heartbeat=True),
    with_fields(file_urls_request={"file_names": ["config.json"]}),
]
UNUSED = [
    BackMsg(),
    BackMsg(clear_cache=True),
    BackMsg(clear_cache=False),
    BackMsg(set_run_on_save=True),
    BackMsg(load_git_info=True),
    BackMsg(debug_disconnect_websocket=True),
    BackMsg(debug_shutdown_runtime=True),
    with_fields(backend_operation_request={"install_skills": {}}),
    with_fields(backend_operation_request={"dismiss_skills_nudge": {}}),
    with_fields(rerun_script={"query_string": "x" * (LONGEST_QUERY + 1)}),
    with_fields(rerun_script={"context_info": {"timezone": "x" * MOST_BESIDE}}),
    with_fields(rerun_script={"fragment_id": "x" * MOST_BESIDE}),
    with_fields(rerun_script={"widget_states": {"widgets": [{"id": "x"}] * (MOST_WIDGETS + 1)}}),
    with_fields(file_urls_request={"file_names": ["a", "b"]}),
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
    assert not is_used(with_fields(file_urls_request={"file_names": ["config.json"]}))


def test_texts_and_what_is_no_message_are_passed_over_and_the_rest_comes_in_its_order() -> None:
    good = BackMsg(app_heartbeat=True).SerializeToString()
    sent: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "bytes": b"\xff\xff"},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.receive", "bytes": good},
        {"type": "websocket.disconnect", "code": 1000},
    ]
    heard: list[Any] = []

    async def receive() -> Any:
        return sent.pop(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([await receive() for _ in range(3)])

    asyncio.run(Messages(app)({"type": "websocket"}, receive, None))  # type: ignore[arg-type]
    assert [message["type"] for message in heard] == ["websocket.connect", "websocket.receive", "websocket.disconnect"]
    assert heard[1]["bytes"] == good


def test_a_flood_is_heard_as_fast_as_a_browser_tells_and_who_pauses_may_tell_much_again() -> None:
    pace = Pace()
    assert [pace.wait_s(1000.0) for _ in range(AT_ONCE)] == [0.0] * AT_ONCE
    assert pace.wait_s(1000.0) == pytest.approx(1 / A_SECOND)
    assert [pace.wait_s(1010.0 + number / A_SECOND) for number in range(500)] == [0.0] * 500
