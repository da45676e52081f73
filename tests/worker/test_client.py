"""Children that must not be left behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest
from children import SLOW, SLOW_RUN, is_gone

import llm_explorer
from llm_explorer.worker.client import Worker, death_in_words

SLOW_JOB: dict[str, Any] = {
    "kind": "measure",
    "model": SLOW.model_dump(),
    "run": SLOW_RUN.model_dump(),
    "budget_s": 60.0,
    "limit_bytes": None,
}
SERVER = """
import sys, time
sys.path.insert(0, {tests!r})
from test_client import SLOW_JOB
from llm_explorer.worker.client import Worker
worker = Worker()
def listen(message):
    if message.get("phase") == "warm-up":
        print(worker.pid, flush=True)
worker.send(SLOW_JOB, listen)
time.sleep(60)
"""


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.kill()


def hear(worker: Worker, job: dict[str, Any]) -> "Queue[dict[str, Any]]":
    messages: Queue[dict[str, Any]] = Queue()
    worker.send(job, messages.put)
    return messages


def compute(worker: Worker) -> "Queue[dict[str, Any]]":
    """Bring the child into the midst of a step of several seconds."""
    messages = hear(worker, SLOW_JOB)
    while messages.get(timeout=30).get("phase") != "warm-up":
        pass
    time.sleep(0.2)
    return messages


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_kill_ends_a_computing_child_within_half_a_second(worker: Worker) -> None:
    messages = compute(worker)
    start = time.monotonic()
    worker.kill()
    assert time.monotonic() - start < 0.5
    assert is_gone(worker.pid)
    assert messages.get(timeout=1) == {"event": "exit", "code": -signal.SIGTERM}
    worker.kill()  # twice does no harm


def test_a_child_that_will_not_end_is_killed_within_half_a_second(worker: Worker) -> None:
    messages = hear(worker, {"kind": "devices"})
    messages.get(timeout=30)
    psutil.Process(worker.pid).suspend()  # a stopped process does not act on SIGTERM
    start = time.monotonic()
    worker.kill()
    assert time.monotonic() - start < 0.5
    assert is_gone(worker.pid)


def test_the_end_of_its_input_ends_a_computing_child(worker: Worker) -> None:
    compute(worker)
    stdin = worker._process.stdin
    assert stdin is not None
    stdin.close()
    assert within(2, lambda: not worker.is_alive())


def test_kill_minus_nine_of_the_server_leaves_no_child_behind(tmp_path: Path) -> None:
    code = SERVER.format(tests=str(Path(__file__).parent))
    environment = os.environ | {"PYTHONPATH": str(Path(llm_explorer.__file__).parent.parent)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert not is_gone(pid)
        server.kill()
        server.wait()
        assert within(2, lambda: is_gone(pid))


def test_a_child_that_dies_tells_every_listener_also_one_that_comes_later(worker: Worker) -> None:
    early = hear(worker, SLOW_JOB)
    os.kill(worker.pid, signal.SIGSEGV)
    assert early.get(timeout=2) == {"event": "exit", "code": -signal.SIGSEGV}
    late = hear(worker, {"kind": "devices"})
    assert late.get(timeout=2) == {"event": "exit", "code": -signal.SIGSEGV}


def test_a_child_has_a_group_of_its_own(worker: Worker) -> None:
    assert os.getpgid(worker.pid) == worker.pid


def test_deaths_are_told_in_words() -> None:
    assert death_in_words(-9)[0] == "out_of_memory"
    assert "SIGKILL" in death_in_words(-9)[1]
    assert death_in_words(-11) == ("failed", "The measuring process crashed (SIGSEGV)")
    assert death_in_words(1) == ("failed", "The measuring process ended by itself (exit code 1)")


@pytest.mark.parametrize("module", ["queue", "attempt", "client", "limits"])
def test_the_server_side_imports_no_torch_no_numpy_and_no_streamlit(module: str) -> None:
    heavy = "{'torch', 'numpy', 'scipy', 'streamlit'}"
    code = f"import llm_explorer.worker.{module}, sys; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
