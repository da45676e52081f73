"""The hosted mode within 1 GB: every page, the main job, a trace, a lesson, a training run, an import that is refused.

    python -m benchmarks.hosted [--write]

A server of its own with LLM_EXPLORER_HOSTED=1, all its processes in a control group of 1 GB where one can be made
(benchmarks/control_group.py). Then it is attacked (benchmarks/attacks.py), and after each attack the main job and a
lesson are to work as before. Every 0.1 s the memory of each process is read: PSS, where a page that several share is
shared out among them. ``--write`` generates docs/HOSTED.md; about six minutes.
"""

import asyncio
import os
import platform
import random
import re
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click
import psutil
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.attacks import ATTACKS
from benchmarks.control_group import LIMIT, Group, hosted_server, limited
from llm_explorer.formats import to_address
from llm_explorer.machine import processor_name, torch_version
from llm_explorer.presets import find
from llm_explorer.texts.pretraining import PASTE
from llm_explorer.ui.frame.shell import PAGES
from tests.server.visitor import Visitor

FILE: Final = Path(__file__).parent.parent / "docs" / "HOSTED.md"
SERVER_GOAL: Final = 200 * 10**6
SAMPLE_S: Final = 0.1
PATIENCE_S: Final = 120


class Row(NamedTuple):
    """One thing that visitors did: what the screen said, and the most memory meanwhile, in bytes."""

    what: str
    said: str
    seconds: float
    server: int
    total: int


class Sampler:
    """Looks at the memory of a server and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._server = psutil.Process(pid)
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self.server = self.total = 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more looks."""
        self._stopped.set()
        self._thread.join()

    def restart(self) -> tuple[int, int]:
        """The most of the server alone and of all since the last call."""
        with self._lock:
            found = self.server, self.total
            self.server = self.total = 0
        return found

    def _look(self) -> None:
        while not self._stopped.wait(SAMPLE_S):
            server, children = held(self._server), sum(map(held, self._server.children(recursive=True)))
            with self._lock:
                self.server, self.total = max(self.server, server), max(self.total, server + children)


def held(process: psutil.Process) -> int:
    """The PSS of a process, its RSS where there is none; 0 when it has ended."""
    try:
        found = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(found, "pss", found.rss))


async def until(visitor: Visitor, *words: str) -> str:
    """Look as a browser does until one of these is on the screen; the line with it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for line in visitor.words().splitlines():
            if any(word in line for word in words):
                return line
        assert not visitor.errors, visitor.errors
        assert time.monotonic() < deadline, f"{words} did not come: {visitor.words()}"
        await asyncio.sleep(0.3)
        await (visitor.poll() if visitor.polls else visitor.run())


async def main_job(url: str, query: str = "") -> str:
    """Build and time, whatever the button builds."""
    visitor = await Visitor.open(url, query=query)
    label = next(found.proto.label for found in visitor.widgets.values() if _is_main_button(found.proto))
    await visitor.press(label)
    said = await until(visitor, "Measured: really run here", "Not started", "Out of memory", "Ended:", "Failed:")
    await visitor.close()
    return f"{label} → {said}"


async def small_job(url: str) -> str:
    """The main job of a config that fits."""
    return await main_job(url, query_of("class-0.1m"))


def _is_main_button(proto: object) -> bool:
    return getattr(proto, "label", "").startswith("Build and time")


async def trace(url: str, query: str = "") -> str:
    """The Memory page traces its config."""
    visitor = await Visitor.open(url, "memory", query)
    said = await until(visitor, "operations, traced in", "could not be traced", "No trace")
    await visitor.close()
    return said


async def lesson(url: str) -> str:
    """One screen of a lesson that torch computes, about a neuron that nobody has asked about."""
    visitor = await Visitor.open(url, "autograd", "step=2")
    weight = visitor.widgets["autograd_w"]
    await visitor.run(WidgetState(id=weight.id, double_value=random.random()), fragment=weight.fragment)
    said = await until(visitor, "2 of")
    assert not any(word in visitor.words() for word in ("ended", "could not be computed")), visitor.words()
    await visitor.close()
    return said


async def train(url: str, letter: str = "a") -> str:
    """The longest run that is offered, on as long a text as may be pasted."""
    visitor = await Visitor.open(url, "pretraining", "step=6")
    await visitor.run(_text_state(visitor, "pretraining_corpus", PASTE))
    pasted = visitor.widgets["pretraining_paste"]
    text = "".join(chr(ord(letter) + number * number % 23) for number in range(pasted.proto.max_chars))
    await visitor.run(WidgetState(id=pasted.id, string_value=text), fragment=pasted.fragment)
    steps = visitor.widgets["pretraining_steps"]
    state = _text_state(visitor, "pretraining_steps", list(steps.proto.options)[-1])
    await visitor.run(state, fragment=steps.fragment)
    await visitor.press("Train it")
    said = await until(visitor, "Really trained here", "Not started:", "Ended:", "Failed:", "Out of memory:")
    await visitor.close()
    return said


def _text_state(visitor: Visitor, key: str, value: str) -> WidgetState:
    state = WidgetState(id=visitor.widgets[key].id)
    state.string_array_value.data.append(value)
    return state


async def both(url: str) -> str:
    """Two visitors: one waits in line for the other."""
    trained, measured = await asyncio.gather(train(url, "b"), main_job(url, query_of("gpt2-medium")))
    return f"{trained}; {measured}"


async def refused(url: str) -> str:
    """A config that cannot be."""
    visitor = await Visitor.open(url, query="n_heads=11")
    said = await until(visitor, "does not divide")
    await visitor.close()
    return said


async def import_too_much(url: str) -> str:
    """A pasted text beyond every limit."""
    visitor = await Visitor.open(url)
    box = visitor.widgets["import"]
    await visitor.run(WidgetState(id=box.id, bool_value=True), fragment=box.fragment)
    text = visitor.widgets["import_text"]
    await visitor.run(WidgetState(id=text.id, string_value="x" * 5_000_000), fragment=text.fragment)
    said = await until(visitor, ":material/error:")
    await visitor.close()
    return said


async def open_pages(url: str) -> str:
    """Every page, each in a tab of its own."""
    names = ["" if path == "streamlit_app.py" else Path(path).stem for path, _ in PAGES]
    visitors = [await Visitor.open(url, name) for name in names]
    errors = [error for visitor in visitors for error in visitor.errors]
    for visitor in visitors:
        await visitor.close()
    return f"{len(names)} pages, errors: {len(errors)}"


JOBS: Final[tuple[tuple[str, Callable[[str], Coroutine[None, None, str]]], ...]] = (
    ("every page, open at once", open_pages),
    ("the main job, default config", main_job),
    ("a trace, default config", trace),
    ("a trace, Qwen 3 30B", lambda url: trace(url, query_of("qwen3-30b-a3b"))),
    ("the main job beside that child", lambda url: main_job(url, query_of("class-1m"))),
    ("the main job, Llama 3 8B", lambda url: main_job(url, query_of("llama-3-8b"))),
    ("a lesson", lesson),
    ("a training run, as much text as may be pasted", train),
    ("a training run, and the main job at once", both),
    ("a config that is refused", refused),
    ("an import of 5 MB", import_too_much),
    *(
        job
        for attack, attempt in ATTACKS
        for job in ((f"attack: {attack}", attempt), ("then the main job", small_job), ("and a lesson", lesson))
    ),
)


def query_of(name: str) -> str:
    """The address of a preset."""
    preset = find(name)
    assert preset is not None
    return to_address(preset.model, preset.run).removeprefix("?")


def run_all() -> tuple[list[Row], Group | None]:
    """A server, and one job after the other on it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, limited() as group:
        server = hosted_server(Path(folder), group)
        sampler = Sampler(server.process.pid)
        try:
            for what, job in JOBS:
                sampler.restart()
                begin = time.monotonic()
                said = asyncio.run(job(server.url))
                rows.append(Row(what, said, time.monotonic() - begin, *sampler.restart()))
                print(*rows[-1], sep="\t", flush=True)
        finally:
            sampler.stop()
            server.stop()
        highest = group.highest_bytes() if group else None
        print(f"highest usage of the control group, files included: {highest}")
    return rows, group


def report(rows: list[Row], *, in_group: bool) -> str:
    """The whole document."""
    today = datetime.now(UTC).date().isoformat()
    machine = f"{processor_name()}, {os.cpu_count()} processors, {platform.system()}, PyTorch {torch_version()}"
    how = (
        f"Its processes were in a control group of {LIMIT / 1e6:,.0f} MB: beyond it the kernel would have ended them."
        if in_group
        else f"No control group could be made here; instead the sum of its processes was held against {LIMIT:,} bytes."
    )
    server, total = max(row.server for row in rows), max(row.total for row in rows)
    lines = [
        "| what visitors did | seconds | server (MB) | all processes (MB) | what the screen said |",
        "| --- | ---: | ---: | ---: | --- |",
        *(
            f"| {row.what} | {row.seconds:.0f} | {row.server / 1e6:.0f} | {row.total / 1e6:.0f} | {_cell(row.said)} |"
            for row in rows
        ),
        f"| **most** | | **{server / 1e6:.0f}** | **{total / 1e6:.0f}** | |",
    ]
    goals = (
        f"Goals: the server under {SERVER_GOAL / 1e6:.0f} MB ({_met(server, SERVER_GOAL)}), everything under "
        f"{LIMIT / 1e6:,.0f} MB ({_met(total, LIMIT)})."
    )
    introduction = (
        f"Generated {today} by `python -m benchmarks.hosted --write` on {machine}. One server with "
        f"`LLM_EXPLORER_HOSTED=1`, visited over its websocket, one line after the other. {how} Memory is PSS, read "
        f"every {SAMPLE_S:g} s: a page that several processes share is shared out among them. MB are 10^6 bytes."
    )
    return "\n\n".join(("# Hosted mode within 1 GB", introduction, "\n".join(lines), goals)) + "\n"


def _met(most: int, goal: int) -> str:
    return "met" if most < goal else "missed"


def _cell(said: str) -> str:
    """A line of the screen in a table: no icons, no bold, nothing that would end the cell."""
    return re.sub(r":material/\w+: ?|:red\[|\*\*|\]$|\\|^#+ ", "", said).replace("|", "/")


@click.command()
@click.option("--write", is_flag=True, help=f"Write {FILE.name}.")
def main(*, write: bool) -> None:
    """Visit a hosted server and print what it took."""
    rows, group = run_all()
    text = report(rows, in_group=group is not None)
    print(text)
    if write:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
