"""What the server lets in and out: settings that are in force, and what it answers to those who try."""

import asyncio
import contextlib
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from streamlit import config
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from llm_explorer.ui.frame.import_export import MOST_BYTES
from tests.browser.screen import Server, is_alive
from tests.server.visitor import Visitor
from tests.waiting import until

ELSEWHERE = "https://example.org"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server.enableXsrfProtection", True),
        ("server.enableCORS", True),
        ("server.corsAllowedOrigins", []),
        ("server.enableStaticServing", False),
        ("server.maxUploadSize", 1),
        ("server.maxMessageSize", 10),
        ("client.showErrorDetails", "none"),
        ("browser.gatherUsageStats", False),
    ],
)
def test_the_settings_that_protect_are_in_force(option: str, value: object) -> None:
    assert config.get_option(option) == value


def answer(server: Server, path: str, **look: object) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    request = urllib.request.Request(server.url + path, **look)  # type: ignore[arg-type]
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, dict(found.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


HEADERS = {
    "content-security-policy": "frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


def protective(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() in HEADERS}


@pytest.mark.browser
@pytest.mark.parametrize(
    "path",
    ["", "memory", "?n_layers=13", "favicon.png", "_stcore/health", "_stcore/metrics", "media/none", "component/none"],
)
def test_every_answer_has_the_headers_that_protect(server: Server, path: str) -> None:
    assert protective(answer(server, path)[1]) == HEADERS


@pytest.mark.browser
@pytest.mark.parametrize(("path", "origin"), [("_stcore/stream", ELSEWHERE), ("_stcore/none", None), ("none", None)])
def test_a_websocket_that_is_refused_has_them_too(server: Server, path: str, origin: str | None) -> None:
    async def refused() -> Mapping[str, str]:
        try:
            async with connect(server.url.replace("http", "ws", 1) + path, origin=origin):  # type: ignore[arg-type]
                return {}
        except InvalidStatus as error:
            return error.response.headers

    assert protective(asyncio.run(refused())) == HEADERS
    assert "Traceback" not in server.log.read_text()


@pytest.mark.browser
def test_whoever_runs_it_says_who_may_frame_it(tmp_path: Path) -> None:
    server = Server(tmp_path, LLM_EXPLORER_FRAME_ANCESTORS="'self' https://school.example")
    found = protective(answer(server, "")[1])
    server.stop()
    assert found["content-security-policy"] == "frame-ancestors 'self' https://school.example"


@pytest.mark.browser
@pytest.mark.parametrize(
    "path", ["metrics", "metrics?families=cache_memory_bytes", "script-health-check", "agent/openapi.json"]
)
def test_what_streamlit_tells_of_the_server_is_not_public(server: Server, path: str) -> None:
    assert answer(server, f"_stcore/{path}")[0] == 404


@pytest.mark.browser
def test_an_address_that_is_too_long_is_told_so(server: Server) -> None:
    assert answer(server, "?hide=" + "run," * 5000)[0] == 414


@pytest.mark.browser
def test_below_a_path_of_its_own_it_is_the_same(tmp_path: Path) -> None:
    server = Server(tmp_path, path="explorer/")
    statuses = [answer(server, path)[0] for path in ("", "memory", "_stcore/health", "_stcore/metrics")]
    words = asyncio.run(first_words(server))
    server.stop()
    assert statuses == [200, 200, 200, 404]
    assert "163.0 M" in words


async def first_words(server: Server) -> str:
    visitor = await Visitor.open(server.url)
    await visitor.close()
    return visitor.words()


@pytest.mark.browser
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_however_it_is_told_to_end_the_server_ends_in_order(tmp_path: Path, told: signal.Signals) -> None:
    server = Server(tmp_path, TMPDIR=str(tmp_path))
    asyncio.run(first_words(server))
    until(server.children)
    children = server.children()
    server.process.send_signal(told)
    assert server.process.wait(20) == 0
    assert not any(map(is_alive, children)), "what is registered for the end of the process is done"


@pytest.mark.browser
def test_a_page_of_another_host_may_not_read_what_the_server_says(server: Server) -> None:
    status, headers = answer(server, "_stcore/health", headers={"Origin": ELSEWHERE})
    allowed = {name.lower(): value for name, value in headers.items()}.get("access-control-allow-origin")
    assert allowed not in ("*", ELSEWHERE), status


@pytest.mark.browser
def test_a_page_of_another_host_may_not_open_a_session(server: Server) -> None:
    async def open_from_elsewhere() -> None:
        address = server.url.replace("http", "ws", 1) + "_stcore/stream"
        async with connect(address, subprotocols=["streamlit"], origin=ELSEWHERE) as socket:  # type: ignore[list-item, arg-type]
            await socket.recv()

    with pytest.raises((InvalidStatus, ConnectionClosed)):
        asyncio.run(open_from_elsewhere())


@pytest.mark.browser
def test_a_file_without_the_token_of_the_page_is_not_taken(server: Server) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n{}\r\n--x--\r\n'
    look = {"data": body, "method": "PUT", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
    assert answer(server, "_stcore/upload_file/session/file", **look)[0] in (400, 403)


@pytest.mark.browser
def test_a_message_over_the_limit_ends_its_own_session_only(server: Server) -> None:
    async def send() -> str:
        loud, quiet = [await Visitor.open(server.url) for _ in range(2)]
        with contextlib.suppress(ConnectionClosed):  # in the middle of it
            await loud.socket.send(b"\x00" * 11_000_000)
        await asyncio.wait_for(loud.socket.wait_closed(), 10)
        await quiet.move("n_layers", "13")
        assert quiet.errors == []
        words = quiet.words()
        await quiet.close()
        return words

    assert "170.1 M parameters" in asyncio.run(send())


def test_a_config_as_long_as_is_allowed_fits_a_message() -> None:
    assert 1e6 * config.get_option("server.maxMessageSize") > 4 * MOST_BYTES


@pytest.mark.browser
def test_no_file_of_the_machine_is_handed_out(server: Server) -> None:
    up = "../../../../../../../../etc/passwd"
    for path in (up, up.replace("/", "%2f"), f"component/plotly_js/{up}", "app/static/x", ".streamlit/config.toml"):
        status, headers = answer(server, path)
        assert status in (400, 403, 404) or re.search("text/html", headers.get("content-type", "")), path
