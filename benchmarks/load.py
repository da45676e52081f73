"""How many visitors one server carries: virtual users over Streamlit's own websocket, on the machine of the server.

    python -m benchmarks.load [--seconds 15] [--write]

Prints latencies (docs/LOAD.md): from the message a browser would send to the end of the script's run. A user thinks 2 s
between two moves, exponentially distributed. What a server holds on to is in benchmarks/flat.py.
"""

import asyncio
import os
import platform
import random
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import click
import psutil

from llm_explorer.machine import processor_name
from llm_explorer.texts.compute import NOISE
from tests.browser.screen import Server
from tests.server.visitor import Visitor

FILE: Final = Path(__file__).parent.parent / "docs" / "LOAD.md"
THINK_S: Final = 2.0
USERS: Final = (1, 10, 30, 60, 100)
DRAGGING: Final = (10, 30)
CLASS: Final = 30
DRAG_PAUSE_S: Final = 0.016  # a browser tells at most once a frame
LESSONS: Final = ("concepts", "pretraining", "tensors", "autograd", "backprop")
FIELDS: Final = ("vocab_size", "context_length", "n_layers", "drop_rate")
SMALL: Final = (
    "vocab_size=65&context_length=64&emb_dim=64&n_heads=4&n_layers={layers}&drop_rate=0.0&batch_size=4"
    "&set=seed%3D{seed}"
)
MEASURED: Final = re.compile(r"Measured: really run here")
SPEED: Final = re.compile(r"([\d,]+) tokens/s")
WARNING: Final = NOISE.partition("{")[0]
REPEATS: Final = 3


class Row(NamedTuple):
    """One profile: what was done, by how many, and how long the answers took, in seconds."""

    what: str
    users: int
    times: list[float]
    errors: list[str]
    remark: str = ""

    def per_second(self, seconds: float, worked_s: float) -> "Row":
        """With a remark on how many a second those were, and what of the processor each took."""
        each = 1000 * worked_s / max(1, len(self.times))
        return self._replace(remark=f"{len(self.times) / seconds:.1f} a second, {each:.0f} ms of processor time each")

    def cells(self) -> tuple[object, ...]:
        """As the table shows it."""
        quantiles = [f"{1000 * quantile(self.times, share):.0f}" for share in (0.5, 0.95, 0.99)]
        return (self.what, self.users, len(self.times), *quantiles, len(self.errors), self.remark)


class Told(NamedTuple):
    """What the screen says of a measurement: tokens a second, and whether something else was using the processor."""

    speed: float
    warned: bool


def quantile(values: list[float], share: float) -> float:
    """NaN where there is nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


@contextmanager
def serving() -> Iterator[Server]:
    """A server that has been up for a while: one visitor has been there, the spare has imported torch."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            asyncio.run(_warm(server.url))
            time.sleep(8)
            yield server
        finally:
            server.stop()


async def _warm(url: str) -> None:
    for page in ("", "memory", *LESSONS):
        await (await Visitor.open(url, page)).close()


async def explore(visitor: Visitor, until: float, row: Row, think_s: float = THINK_S) -> None:
    """Moves one slider after another, each time to any of its options."""
    await asyncio.sleep(random.random() * think_s)
    while time.monotonic() < until:
        await asyncio.sleep(random.expovariate(1 / think_s))
        field = random.choice(FIELDS)
        row.times.append(await visitor.move(field, random.choice(visitor.options(field))))
    await leave(visitor, row)


async def trace(visitor: Visitor, until: float, row: Row) -> None:
    """Moves the layers on the Memory page, where each config is traced, and looks for the trace as a browser does."""
    while time.monotonic() < until:
        await asyncio.sleep(random.expovariate(1 / THINK_S))
        if visitor.polls:
            row.times.append(await visitor.poll())
        row.times.append(await visitor.move("n_layers", random.choice(visitor.options("n_layers")[:24])))
    await leave(visitor, row)


async def read_a_lesson(visitor: Visitor, until: float, row: Row) -> None:
    """Draws a lesson anew, as a click does, and goes on to another one after three."""
    while time.monotonic() < until:
        visitor.page = random.choice(LESSONS)
        for _ in range(3):
            await asyncio.sleep(random.expovariate(1 / THINK_S))
            row.times.append(await visitor.run())
    await leave(visitor, row)


async def drag(visitor: Visitor, until: float, row: Row) -> None:
    """Drags a slider for two seconds, one message in flight, lets go, thinks, and drags again."""
    number = 0
    await asyncio.sleep(random.random() * THINK_S)
    while time.monotonic() < until:
        values = [value for value in visitor.options("n_layers") if int(value) <= 96]
        end = time.monotonic() + 2
        while time.monotonic() < end:
            number += 1
            row.times.append(await visitor.drag("n_layers", int(random.choice(values)), number))
            await asyncio.sleep(DRAG_PAUSE_S)
        before = visitor.number("n_layers")
        last = random.choice([value for value in values if int(value) != before])
        await visitor.move("n_layers", last)
        if visitor.number("n_layers") != int(last):
            visitor.errors.append(f"let go at {last}, the number says {visitor.number('n_layers')}")
        await asyncio.sleep(random.expovariate(1 / THINK_S))
    await leave(visitor, row)


async def enter(url: str, users: int, page: str = "") -> list[Visitor]:
    """So many visitors, one after another: what is measured begins when all are there."""
    return [await Visitor.open(url, page) for _ in range(users)]


async def leave(visitor: Visitor, row: Row) -> None:
    """Close the page; what went wrong there is the row's."""
    row.errors.extend(visitor.errors)
    await visitor.close()


async def build(url: str, row: Row, *, layers: int, seed: int = 0, places: list[int] | None = None) -> Told | None:
    """Presses 'Build and time it' and waits for the result as a browser does, however long the line."""
    visitor = await Visitor.open(url, query=SMALL.format(layers=layers, seed=seed))
    begin = time.monotonic()
    await visitor.press("Build and time it")
    while not MEASURED.search(words := visitor.words()):
        if (found := re.search(r"runs before this one on this server: (\d+)", words)) and places is not None:
            places.append(int(found[1]))
        await asyncio.sleep(max(0.2, *visitor.polls.values()) if visitor.polls else 0.5)
        await (visitor.poll() if visitor.polls else visitor.run())
        if visitor.errors or time.monotonic() - begin > 900:
            visitor.errors.append("no result")
            break
    row.times.append(time.monotonic() - begin)
    await leave(visitor, row)
    speed = SPEED.search(words)
    return Told(float(speed[1].replace(",", "")), WARNING in words) if speed else None


async def together(jobs: Iterable[Awaitable[object]], row: Row) -> None:
    """All at once; an exception of the client is an error of the row."""
    for result in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(result, BaseException):
            row.errors.append(repr(result)[:200])


def moves(server: Server, users: int, seconds: float) -> Row:
    """Slider moves of so many users."""
    row, process = Row("slider moves", users, [], []), psutil.Process(server.process.pid)

    async def run() -> float:
        visitors = await enter(server.url, users)
        before, until = process.cpu_times(), time.monotonic() + seconds
        await together((explore(visitor, until, row) for visitor in visitors), row)
        after = process.cpu_times()
        return after.user + after.system - before.user - before.system

    return row.per_second(seconds, asyncio.run(run()))


def openings(url: str) -> Row:
    """A class that opens the page within the same second: seconds until the first screen is complete."""
    row = Row("opening the page, all in one second", CLASS, [], [])

    async def come() -> None:
        await asyncio.sleep(random.random())
        begin = time.perf_counter()
        visitor = await Visitor.open(url)
        row.times.append(time.perf_counter() - begin)
        await leave(visitor, row)

    asyncio.run(together((come() for _ in range(CLASS)), row))
    return row


def mixed(url: str, seconds: float) -> list[Row]:
    """A class at work: most explore, some read lessons, some trace, one measures."""
    parts: list[tuple[str, int, str, Callable[[Visitor, float, Row], Awaitable[None]]]] = [
        ("mixed: exploring", 18, "", explore),
        ("mixed: lessons", 8, LESSONS[0], read_a_lesson),
        ("mixed: tracing", 3, "memory", trace),
    ]
    rows = [Row(what, users, [], []) for what, users, _, _ in parts]
    measuring = Row("mixed: measuring, until the result", 1, [], [])

    async def run() -> None:
        there = [await enter(url, users, page) for _, users, page, _ in parts]
        until = time.monotonic() + seconds
        jobs = [
            act(visitor, until, row)
            for row, (_, _, _, act), visitors in zip(rows, parts, there, strict=True)
            for visitor in visitors
        ]
        await together([*jobs, build(url, measuring, layers=2)], rows[0])

    asyncio.run(run())
    return [*rows, measuring]


def dragging(url: str, users: int, seconds: float) -> list[Row]:
    """So many drags at once, and one user who moves a slider now and then."""
    drags = Row("dragging: each message", users, [], [])
    others = Row("dragging: slider moves of one more", 1, [], [])

    async def run() -> None:
        one, *many = await enter(url, users + 1)
        until = time.monotonic() + seconds
        await together([*(drag(each, until, drags) for each in many), explore(one, until, others, 0.5)], drags)

    asyncio.run(run())
    return [drags._replace(remark=f"{len(drags.times) / seconds / users:.1f} a second each"), others]


def measuring(url: str) -> list[Row]:
    """The same model measured alone, and while a class moves sliders: how far the times it is told are apart."""
    alone, beside = Row("build and time, alone", 1, [], []), Row(f"build and time, {CLASS} exploring", 1, [], [])

    async def several(row: Row, first: int) -> list[Told]:
        found = [await build(url, row, layers=3, seed=first + number) for number in range(REPEATS)]
        return [told for told in found if told]

    async def in_a_class() -> list[Told]:
        until, aside = time.monotonic() + 600, Row("", 1, [], [])
        moving = [asyncio.create_task(explore(each, until, aside)) for each in await enter(url, CLASS)]
        await asyncio.sleep(5)
        found = await several(beside, REPEATS)
        for each in moving:
            each.cancel()
        return found

    usual, loaded = asyncio.run(several(alone, 0)), asyncio.run(in_a_class())
    change = median(told.speed for told in loaded) / median(told.speed for told in usual) - 1
    remark = f"{100 * change:+.0f} % tokens a second; warned in {sum(told.warned for told in loaded)} of {len(loaded)}"
    return [
        alone._replace(remark=f"warned in {sum(told.warned for told in usual)} of {len(usual)}"),
        beside._replace(remark=remark),
    ]


def pressing(url: str) -> list[Row]:
    """A class presses 'Build and time it' at once, each with another config, while others move sliders."""
    places: list[int] = []
    builds = Row("build and time, all at once", CLASS, [], [])
    others = Row("meanwhile: slider moves", 10, [], [])

    async def run() -> None:
        waiting = (build(url, builds, layers=10 + number, places=places) for number in range(CLASS))
        there = await enter(url, 10)
        moving = [asyncio.create_task(explore(each, time.monotonic() + 60, others)) for each in there]
        await asyncio.gather(*waiting, *moving)

    asyncio.run(run())
    shown = f"places shown: {min(places)} to {max(places)}" if places else "no place shown"
    return [builds._replace(remark=shown), others]


def report(rows: list[Row], seconds: float) -> str:
    """The whole document."""
    today = datetime.now(UTC).date().isoformat()
    machine = f"{processor_name()}, {os.cpu_count()} processors, {platform.system()}"
    head = ("what", "users", "n", "p50 (ms)", "p95 (ms)", "p99 (ms)", "errors", "")
    table: list[Iterable[object]] = [head, ("---", *["---:"] * 6, "---"), *(row.cells() for row in rows)]
    lines = ["| " + " | ".join(map(str, line)) + " |" for line in table]
    parts = (
        "# How many visitors one server carries",
        (
            f"Generated {today} by `python -m benchmarks.load --seconds {seconds:g} --write` on {machine}; server and "
            "visitors on the same machine. From the message that a browser would send to the end of the script's run; "
            "what a browser takes to draw comes on top (benchmarks/interaction.py). A user thinks "
            f"{THINK_S:g} s between two moves; moves and drags are counted from when all have opened the page."
        ),
        "\n".join(lines),
        "What limits: one server is one Python process, so its script runs share one processor.",
    )
    return "\n\n".join(parts) + "\n"


@click.command()
@click.option("--seconds", default=15.0, help="Of each profile.")
@click.option("--write", is_flag=True, help=f"Write {FILE.name}.")
def main(seconds: float, *, write: bool) -> None:
    """Load a server and print what came of it."""
    random.seed(0)
    rows: list[Row] = []

    def tell(*found: Row) -> None:
        for row in found:
            print(*row.cells(), *row.errors[:2], sep="\t", flush=True)
        rows.extend(found)

    with serving() as server:
        for users in USERS:
            tell(moves(server, users, seconds))
        tell(openings(server.url))
        tell(*mixed(server.url, seconds))
        for users in DRAGGING:
            tell(*dragging(server.url, users, seconds))
        tell(*measuring(server.url))
        tell(*pressing(server.url))
    if write:
        FILE.write_text(report(rows, seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
