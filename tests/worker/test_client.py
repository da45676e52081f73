"""Children that must not be left behind, however it ends."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest

import llm_explorer
from llm_explorer.worker.client import Worker, death_in_words
from tests.worker.children import SLOW, SLOW_RUN, is_gone, speaks

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


def told(messages: "Queue[dict[str, Any]]") -> dict[str, Any]:
    """The result, or the end."""
    while (message := messages.get(timeout=30))["event"] == "ready":
        pass
    return message


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
    told(messages)
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


@pytest.mark.parametrize(
    "said",
    [
        "print('no JSON')",
        'print(\'{"id": 1, "event": "result", "result": {"half"\', end=\'\', flush=True)',
        "print('[1, 2]')",
        'print(\'{"id": 1, "event": "result"}\')',
        'print(\'{"id": [], "event": "result", "result": 1}\')',
        "print('[' * 100_000)",
        "sys.stdout.buffer.write(b'\\xff\\n')",
        "import os; os.close(1)",
    ],
)
def test_a_child_that_says_what_is_no_message_is_ended_at_once_and_told_once(
    said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ending = "import os; os._exit(3)" if "half" in said else "import time; sys.stdout.flush(); time.sleep(60)"
    speaks(monkeypatch, tmp_path, f"sys.stdin.readline()\n{said}\n{ending}")
    worker = Worker()
    messages = hear(worker, {"kind": "devices"})
    assert messages.get(timeout=20) == {"event": "exit", "code": 3 if "half" in said else None}
    assert is_gone(worker.pid)
    assert hear(worker, {"kind": "devices"}).get(timeout=1)["event"] == "exit"
    worker.kill()
    time.sleep(0.1)
    assert messages.empty()


def test_many_answers_leave_no_listener_behind(worker: Worker) -> None:
    told(hear(worker, {"kind": "devices"}))
    held: list[int] = []
    for _ in range(2):
        for _ in range(2000):
            hear(worker, {"kind": "devices"}).get(timeout=10)
        gc.collect()
        held.append(len(gc.get_objects()))
    assert worker._listeners == {}
    assert held[1] - held[0] < 1000  # a listener kept for each question would be 2,000 and what they hold


def test_a_listener_that_fails_ends_nothing(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    def fail(message: dict[str, Any]) -> None:
        raise ZeroDivisionError("by hand")

    worker.send({"kind": "devices"}, fail)
    assert "cpu" in told(hear(worker, {"kind": "devices"}))["result"]
    assert "by hand" in caplog.text


def test_a_stopped_child_does_not_hold_up_who_sends_or_ends_it(worker: Worker) -> None:
    told(hear(worker, {"kind": "devices"}))
    psutil.Process(worker.pid).suspend()
    start = time.monotonic()
    messages = hear(worker, {"kind": "devices", "long": "x" * 1_000_000})  # far more than a pipe takes
    worker.kill()
    assert time.monotonic() - start < 1
    assert messages.get(timeout=2)["event"] == "exit"


def test_who_sends_after_the_end_is_told_of_it(worker: Worker) -> None:
    worker.kill()
    for _ in range(3):
        messages = hear(worker, {"kind": "devices"})
        assert messages.get(timeout=2)["event"] == "exit"
        assert messages.empty()


def test_a_child_is_ended_where_there_is_no_thread_to_hear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(RuntimeError, match="new thread"):
        Worker()
    assert set(psutil.Process().children()) == before


@pytest.mark.parametrize("module", ["queue", "attempt", "client", "task"])
def test_the_server_side_imports_no_torch_no_numpy_and_no_streamlit(module: str) -> None:
    heavy = "{'torch', 'numpy', 'scipy', 'streamlit'}"
    code = f"import llm_explorer.worker.{module}, sys; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
