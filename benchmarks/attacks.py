"""Three things that once took a shared server down, each done for a minute: what benchmarks/hosted.py does to one."""

import asyncio
import http.client
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Final
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.server.visitor import Visitor

SECONDS: Final = 60.0
FILE: Final = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n%s\r\n--x--\r\n'
MEGABYTE: Final = FILE % (b"x" * (1024**2 - 200))
GIANT: Final = "n_layers={layers}&set=n_experts%3D4096+n_active_experts%3D4096+expert_hidden_dim%3D1"


async def upload(url: str) -> str:
    """Files of 1 MB, one after the other, each under a name made up anew."""
    visitor = await Visitor.open(url)
    answers = await asyncio.to_thread(_put_files, url, visitor.session_id, time.monotonic() + SECONDS)
    await visitor.close()
    return "; ".join(f"{count:,} {answer}" for answer, count in answers.most_common())


def _put_files(url: str, session: str, until: float) -> Counter[str]:
    server = urlsplit(url).netloc
    answers: Counter[str] = Counter()
    token, cookies = _token(server)
    while time.monotonic() < until:
        headers = {"Content-Type": "multipart/form-data; boundary=x", "X-Xsrftoken": token, "Cookie": cookies}
        connection = http.client.HTTPConnection(server, timeout=10)
        try:
            connection.request("PUT", f"/_stcore/upload_file/{session}/{uuid.uuid4()}", MEGABYTE, headers)
            answers[f"answered {connection.getresponse().status}"] += 1
        except OSError as error:  # ended before all of it was sent
            answers[type(error).__name__] += 1
        finally:
            connection.close()
    return answers


def _token(server: str) -> tuple[str, str]:
    """The token that the server hands out to anybody, and the cookies that go with it."""
    connection = http.client.HTTPConnection(server, timeout=10)
    connection.request("GET", "/_stcore/health")
    cookies = [value.partition(";")[0] for name, value in connection.getresponse().getheaders() if name == "set-cookie"]
    connection.close()
    token = next((each.partition("=")[2] for each in cookies if each.startswith("_streamlit_xsrf")), "")
    return token, "; ".join(cookies)


async def clear_caches(url: str) -> str:
    """Messages that have Streamlit forget all it keeps, each followed by a step of a lesson."""
    visitor, count, until = await Visitor.open(url, "autograd", "step=2"), 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        await visitor.socket.send(BackMsg(clear_cache=True).SerializeToString())
        await visitor.run()
        count += 1
    assert not visitor.errors, visitor.errors
    await visitor.close()
    return f"{count:,} messages"


async def ask_for_giants(url: str) -> str:
    """Addresses of models with 4,096 experts, each to be traced, one after the other."""
    until, said = time.monotonic() + SECONDS, Counter[str]()
    layers = 1
    while time.monotonic() < until:
        layers += 1
        visitor = await Visitor.open(url, "memory", GIANT.format(layers=layers))
        while visitor.polls and time.monotonic() < until:
            await asyncio.sleep(0.3)
            await visitor.poll()
        said[next((line for line in visitor.words().splitlines() if "No trace" in line), "still tracing")] += 1
        await visitor.close()
    return f"{said.total():,} addresses, most often: {said.most_common(1)[0][0]}"


ATTACKS: Final[tuple[tuple[str, Callable[[str], Coroutine[None, None, str]]], ...]] = (
    ("files sent, one after the other", upload),
    ("messages that clear caches", clear_caches),
    ("addresses of giants, to be traced", ask_for_giants),
)
