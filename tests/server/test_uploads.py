"""Files that nobody asked for: whatever is sent, the server keeps little of it."""

import asyncio
import http.client
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest

from llm_explorer.ui.http.uploads import AT_A_TIME
from tests.browser.screen import PlainServer, Server
from tests.server.visitor import Visitor

pytestmark = pytest.mark.browser
MB = 10**6
Body = bytes | Iterator[bytes]
SENT = 100  # files of 1 MB
GROWN = 30 * MB  # of this much the server may grow by them
HOSTED = {"LLM_EXPLORER_HOSTED": "1"}


class Served(NamedTuple):
    """A kind of server, and what it answers to a whole file."""

    kind: type[Server]
    environment: dict[str, str]
    answer: int


KINDS = {
    "own": Served(Server, {}, 204),
    "shared": Served(Server, HOSTED, 403),
    "own, without what stands before Streamlit": Served(PlainServer, {}, 204),
    "shared, without it": Served(PlainServer, HOSTED, 204),  # and nothing is kept
}


@pytest.fixture(scope="module", params=[*KINDS])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    kind, environment, _answer = KINDS[request.param]
    started = kind(tmp_path_factory.mktemp("server"), **environment)
    yield started
    started.stop()


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> int:
    return KINDS[request.node.callspec.params["server"]].answer


class Uploader:
    """Sends files as the page of a session does, with the token that the server hands out to anybody."""

    def __init__(self, server: Server, session_id: str) -> None:
        self.host = urlsplit(server.url).netloc
        self.session_id = session_id
        health = self.request("GET", "/_stcore/health")
        token = health.getheader("Set-Cookie", "").partition("=")[2].partition(";")[0]
        self.look = {
            "Cookie": f"_streamlit_xsrf={token}",
            "X-Xsrftoken": token,
            "Content-Type": "multipart/form-data; boundary=x",
        }

    def request(self, method: str, path: str, body: Body | None = None, **look: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request(method, path, body, look)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def put(self, file_id: str, body: Body, **look: str) -> int:
        """The status."""
        path = f"/_stcore/upload_file/{self.session_id}/{file_id}"
        return self.request("PUT", path, body, **self.look, **look).status

    def begin(self, file_id: str) -> http.client.HTTPConnection:
        """Announce a file of 1 MB and send nothing of it."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        connection.putrequest("PUT", f"/_stcore/upload_file/{self.session_id}/{file_id}")
        for name, value in {**self.look, "Content-Length": str(MB)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection


def form(data: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n' + data + b"\r\n--x--\r\n"


def rss(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


async def flooded(server: Server) -> tuple[set[int], int]:
    """The answers to many made-up files, and how much the server has grown while the visit goes on."""
    visitor = await Visitor.open(server.url)
    uploader = Uploader(server, visitor.session_id)
    body = form(b"x" * MB)
    for number in range(3):  # its first ones bring their modules
        await asyncio.to_thread(uploader.put, f"first-{number}", body)
    before = rss(server)
    answers = {await asyncio.to_thread(uploader.put, f"made-up-{number}", body) for number in range(SENT)}
    grown = rss(server) - before
    assert await visitor.move("n_layers", "13") < 5
    await visitor.close()
    return answers, grown


def test_a_flood_of_files_leaves_the_memory_as_it_was(server: Server, answer: int) -> None:
    answers, grown = asyncio.run(flooded(server))
    assert grown < GROWN
    assert answers == {answer}


async def sent_in_pieces(server: Server) -> tuple[int, int, int]:
    """The answers to a body without an end that was told, to one longer than was told, and what the server grew by."""
    visitor = await Visitor.open(server.url)
    uploader = Uploader(server, visitor.session_id)
    before = rss(server)
    pieces = iter([form(b"x" * MB)[:-8]] + [b"x" * MB] * 20)
    endless = await asyncio.to_thread(tolerant, lambda: uploader.put("endless", pieces))
    lying = await asyncio.to_thread(
        tolerant, lambda: uploader.put("lying", form(b"x" * MB), **{"Content-Length": "10"})
    )
    grown = rss(server) - before
    assert await visitor.move("n_layers", "13") < 5
    await visitor.close()
    return endless, lying, grown


def tolerant(put: Callable[[], int]) -> int:
    """The status; 400 where the server hangs up in the middle of what is sent."""
    try:
        return put()
    except (BrokenPipeError, ConnectionResetError):
        return 400


def test_a_body_without_its_true_length_is_not_taken(server: Server) -> None:
    endless, lying, grown = asyncio.run(sent_in_pieces(server))
    assert {endless, lying} <= {400, 403, 413}
    assert grown < GROWN
    assert "Traceback" not in server.log.read_text()


async def announced(server: Server, count: int) -> int:
    """The answer to the last of so many files of which nothing comes."""
    visitor = await Visitor.open(server.url)
    uploader = Uploader(server, visitor.session_id)
    begun = [await asyncio.to_thread(uploader.begin, f"begun-{number}") for number in range(count)]
    last = await asyncio.to_thread(begun[-1].getresponse)
    for connection in begun:
        connection.close()
    await visitor.close()
    return last.status


@pytest.mark.parametrize("server", ["shared"], indirect=True)
def test_a_shared_server_answers_before_it_reads(server: Server) -> None:
    assert asyncio.run(announced(server, 1)) == 403


@pytest.mark.parametrize("server", ["own"], indirect=True)
def test_only_a_few_files_come_at_a_time(server: Server) -> None:
    assert asyncio.run(announced(server, AT_A_TIME + 1)) == 503
    assert asyncio.run(flooded(server))[0] == {204}, "those that left make room"
