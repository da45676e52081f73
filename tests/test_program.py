"""The real program: its status, its one line and its children, whatever its streams and whoever interrupts it."""

import fcntl
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from llm_explorer import __main__ as program
from llm_explorer import cli
from tests.there import there
from tests.waiting import until
from tests.worker.children import is_gone

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-m", "llm_explorer"]
GIANT = ["--set", "emb_dim=98304", "--set", "n_heads=96", "--set", "n_layers=10000"]
# over half a minute of measuring: the model of tests/worker/children.py
SLOW = [
    "class-0.1m",
    *(f"--set={setting}" for setting in ("emb_dim=256", "context_length=256", "n_layers=8", "batch_size=64")),
]
COMMANDS = {
    "presets": ["presets", "--json"],
    "report": ["report", "gpt2"],
    "trace": ["trace", "class-0.1m", "--json"],
    "measure": ["measure", "gpt2", *GIANT, "--json"],  # refused, at once
    "calibrate": ["calibrate", "gpt2", "--set", "device=meta", "--json"],  # refused, at once
    "receipt": ["receipt", "gpt2", *GIANT],
    "export": ["export", "gpt2"],
    "help": ["--help"],
}
# interrupts its own program, as Ctrl-C does, when the import of one module begins
INTERRUPTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""
NO_PROCESSES = """
import subprocess

def refuse(*_, **__):
    raise BlockingIOError(11, "Resource temporarily unavailable")

subprocess.Popen.__init__ = refuse
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A cache folder of the test's own: no other program that measures makes it wait."""
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}


def call(*arguments: str, redirected: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with streams ``redirected`` as a shell does it."""
    shell = ["sh", "-c", f'exec "$@" {redirected}', "sh"]
    usual: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 100}
    return subprocess.run([*shell, *PROGRAM, *arguments], **(usual | more))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_behind_standard_output_is_a_sentence(command: str, surroundings: dict[str, str]) -> None:
    done = call(*COMMANDS[command], redirected="> /dev/full", env=surroundings)
    if sys.platform == "linux":
        assert (done.returncode, done.stderr) == (4, "Standard output: No space left on device\n")
    else:
        assert "/dev/full" in done.stderr, "elsewhere the shell finds no such disk"


@pytest.mark.parametrize("asked", ["no such preset", "--no-such-option"])
def test_a_full_disk_behind_standard_error_leaves_the_status(asked: str) -> None:
    done = call("report", asked, redirected="2> /dev/full")
    assert done.returncode == 2 or ("/dev/full" in done.stderr and sys.platform != "linux")


@pytest.mark.parametrize("arguments", [["report", "gpt2"], ["presets", "--json"]])
def test_a_closed_pipe_ends_it_quietly_as_it_does_other_programs(arguments: list[str]) -> None:
    """As in ``| head -1``: 141 is what a shell says of a program that SIGPIPE ended."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, *arguments], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=100)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("redirected", "told"),
    [
        ("<&-", "-: standard input is closed; name a preset or a file, or give the config there"),
        ("0> /dev/null", "standard input: cannot be read: Bad file descriptor"),
        ("< /dev/null", "the end of the text stands where a dict"),
    ],
)
def test_standard_input_that_gives_nothing_is_exit_2_and_a_sentence(redirected: str, told: str) -> None:
    done = call("report", "-", redirected=redirected)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_closed_standard_output_is_exit_4_and_a_sentence() -> None:
    done = call("report", "gpt2", redirected=">&-")
    assert (done.returncode, done.stderr) == (4, "Standard output is closed: there is nowhere to print to\n")


def test_closed_standard_error_changes_nothing_else(surroundings: dict[str, str]) -> None:
    assert call("report", "no such preset", redirected="2>&-").returncode == 2
    done = call("trace", "class-0.1m", "--json", redirected="<&- 2>&-", env=surroundings)  # its child too is without
    assert done.returncode == 0
    assert json.loads(done.stdout)["error"] is None


def test_what_nobody_foresaw_is_a_sentence_and_exit_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Any) -> None:
        raise KeyError("embedding")

    monkeypatch.setattr(cli.main, "invoke", broken)
    monkeypatch.setattr(sys, "argv", ["", "presets"])
    assert program.status() == 4
    told = "Failed, by a fault of this program: KeyError: 'embedding'; python -X dev shows where\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("command", ["trace", "measure", "calibrate"])
def test_where_no_process_can_be_started_it_is_a_sentence(
    command: str, surroundings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_PROCESSES)
    done = call(command, "class-0.1m", env=surroundings | {"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (4, "")
    assert "Resource temporarily unavailable" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def imported_by_the_program() -> list[str]:
    """The modules that it imports after the package itself, which comes before anything of ours can hear."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *PROGRAM[1:], "presets"], cwd=ROOT, capture_output=True, text=True
    )
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    return [name for name in names[names.index("llm_explorer") + 1 :] if re.fullmatch(r"[\w.]+", name)]


def test_ctrl_c_during_the_imports_is_one_line_and_exit_130(surroundings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING)
    names = imported_by_the_program()
    assert len(names) > 100
    for name in ("llm_explorer.cli", "click", *random.Random(13).sample(names, 6)):
        env = surroundings | {"PYTHONPATH": str(tmp_path), "INTERRUPT_AT": name}
        done = call("presets", env=env)
        assert (name, done.returncode, done.stdout, done.stderr) == (name, 130, "", "Interrupted\n")


def test_where_ctrl_c_is_ignored_it_stays_so(surroundings: dict[str, str], tmp_path: Path) -> None:
    """A shell starts what runs in the background so."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING)
    env = surroundings | {"PYTHONPATH": str(tmp_path), "INTERRUPT_AT": "click"}
    shell = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    done = subprocess.run([*shell, *PROGRAM, "presets"], cwd=ROOT, env=env, capture_output=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, b"")


class Running:
    """The program at work, its standard error a terminal so that it tells how far it is."""

    def __init__(self, arguments: list[str], env: dict[str, str]) -> None:
        self._terminal, theirs = pty.openpty()
        streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": theirs}
        self.process = subprocess.Popen([*PROGRAM, *arguments], cwd=ROOT, env=env, start_new_session=True, **streams)
        os.close(theirs)
        self.told = b""

    def wait_for_children(self, count: int) -> list[int]:
        deadline = time.monotonic() + 60
        while len(children := psutil.Process(self.process.pid).children()) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return [child.pid for child in children]

    def wait_for(self, phase: bytes) -> None:
        while phase not in self.told:
            self.told += os.read(self._terminal, 1000)  # OSError at its end, and the time-out of the test

    def interrupt(self, times: int) -> None:
        for _ in range(times):
            os.killpg(self.process.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group

    def ended(self) -> tuple[int, bytes, list[str]]:
        """Status, standard output, and the last line on the terminal with what came after it."""
        output = self.process.communicate(timeout=30)[0]
        rest = b""
        while True:
            try:
                rest += os.read(self._terminal, 1000)
            except OSError:  # what Linux makes of the other side's end
                break
        os.close(self._terminal)
        return self.process.returncode, output, (self.told + rest).decode().splitlines()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("arguments", "phase"),
    [
        (["trace", "gpt3-175b", "--json"], b""),
        (["measure", *SLOW], b"starting"),
        (["measure", *SLOW], b"warm-up"),
        (["calibrate", "class-0.1m"], b"starting"),
        (["receipt", *SLOW], b""),
        (["receipt", *SLOW], b"warm-up"),
    ],
    ids=lambda value: value if isinstance(value, bytes) else " ".join(value[:1]),
)
def test_ctrl_c_at_work_is_one_line_and_exit_130_and_leaves_no_child(
    arguments: list[str], phase: bytes, times: int, surroundings: dict[str, str]
) -> None:
    running = Running(arguments, surroundings)
    running.wait_for(phase)
    children = running.wait_for_children(1)
    time.sleep(random.Random(f"{arguments}{phase!r}{times}").uniform(0, 0.5))
    running.interrupt(times)
    status, output, lines = running.ended()
    assert (status, output) == (130, b"")
    assert lines[-1] == "Interrupted"
    assert lines.count("Interrupted") == 1
    assert not any("Traceback" in line or "cancelled" in line for line in lines)
    until(lambda: all(map(is_gone, children)), 10)


def test_ctrl_c_while_it_waits_for_a_config_is_one_line_and_exit_130(surroundings: dict[str, str]) -> None:
    running = Running(["report", "-"], surroundings)
    stdin = there(running.process.stdin)
    stdin.write(b"{")
    stdin.flush()
    while fcntl.ioctl(stdin, termios.FIONREAD, b"    ") != b"\0\0\0\0":  # until it has read that
        time.sleep(0.02)
    running.interrupt(1)
    assert running.ended() == (130, b"", ["Interrupted"])
