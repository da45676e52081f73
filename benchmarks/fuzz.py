"""Random inputs to everything that strangers control: how many, how slow, and what memory did.

python -m benchmarks.fuzz [--texts 20000] [--messages 20000] [--seed 7] [--write]

Texts go to whatever reads them, the worst that are known first; goal: 100 ms of the processor each. Messages go to a
running server: half of them ask for a page, half are of every kind that Streamlit knows, and what is no message at all.
Half an hour; --write puts the figures into docs/SECURITY.md.
"""

import asyncio
import random
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import click
import psutil

from llm_explorer.machine import processor_name
from tests.browser.screen import Server
from tests.server.crafted import frames, messages
from tests.server.visitor import Visitor
from tests.strangers import READERS, SLOWEST_S, Reader, try_reader

FILE: Final = Path(__file__).parent.parent / "docs" / "SECURITY.md"
SECTION: Final = "## Random inputs\n"
Send = Callable[[int, int], Coroutine[None, None, list[float]]]  # how many, and the seed
PAGES: Final = ("", "memory", "compare", "tensors", "pretraining")
WARM: Final = 200  # what the first ones leave in caches is not of those that come after
HEADER: Final = (
    "| inputs | how many | taken as valid | 99 of 100 within | slowest | memory grew by |\n|---|--:|--:|--:|--:|--:|\n"
)


class Row(NamedTuple):
    """One kind of input; ``taken`` is None where nothing is refused. Bytes of memory: ``before``, and ``after``."""

    name: str
    tried: int
    taken: int | None
    usual_s: float
    slowest_s: float
    before: int
    after: int

    def line(self) -> str:
        """As the table shows it."""
        taken = "–" if self.taken is None else f"{self.taken:,}"
        times = f"{1000 * self.usual_s:.1f} ms | {1000 * self.slowest_s:.1f} ms"
        grown = self.after - self.before
        memory = f"{grown / 1e6:+.1f} MB, {grown / self.before:+.1%}"
        return f"| {self.name} | {self.tried:,} | {taken} | {times} | {memory} |"


@click.command()
@click.option("--texts", default=20_000)
@click.option("--messages", "sent", default=20_000)
@click.option("--seed", default=0)
@click.option("--write", is_flag=True, help="Write the figures into docs/SECURITY.md.")
def main(texts: int, sent: int, seed: int, *, write: bool) -> None:
    """Print a row for each kind of input; ends with the first error that is no answer."""
    rows = []
    for row in chain(read_all(texts, seed), send_all(sent, seed)):
        print(row.line(), "" if row.slowest_s < SLOWEST_S else f"  slow: over {1000 * SLOWEST_S:.0f} ms", flush=True)
        rows.append(row)
    if write:
        write_down(rows, f"--texts {texts} --messages {sent} --seed {seed}")


def read_all(count: int, seed: int) -> Iterator[Row]:
    """Texts to each reader."""
    each = -(-count // len(READERS))
    process = psutil.Process()
    for reader in READERS:
        try_reader(reader, WARM, seed + 1)  # its imports and caches
        before = process.memory_info().rss
        times, taken = try_reader(reader, each, seed)
        yield _row(reader, times, taken, (before, process.memory_info().rss))


def _row(reader: Reader, times: list[float], taken: int, memory: tuple[int, int]) -> Row:
    return Row(reader.name, len(times), taken, _usual(times), max(times), *memory)


def send_all(count: int, seed: int) -> Iterator[Row]:
    """Messages to a server of its own; an exception on a page or in its log ends it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            process = psutil.Process(server.process.pid)
            for page in PAGES:
                send = partial(_ask, server.url, page)
                yield _sent(
                    f"messages to the page {page or 'explore'}", send, -(-count // (2 * len(PAGES))), seed, process
                )
            yield _sent("anything into the websocket", partial(_say, server.url), -(-count // 2), seed, process)
        finally:
            server.stop()
        assert "Traceback" not in server.log.read_text(), server.log.read_text()[-3000:]


def _sent(name: str, send: Send, count: int, seed: int, server: psutil.Process) -> Row:
    asyncio.run(send(WARM, seed + 1))
    before = server.memory_info().rss
    times = asyncio.run(send(count, seed))
    return Row(name, len(times), None, _usual(times), max(times), before, server.memory_info().rss)


async def _ask(url: str, page: str, count: int, seed: int) -> list[float]:
    compare = await Visitor.open(url, "compare" if page != "compare" else "memory")
    others = [widget.id for widget in compare.widgets.values()]
    await compare.close()
    stranger = await Visitor.open(url, page)
    source = messages(stranger, others, random.Random(seed))
    times = []
    for _ in range(count):
        message = next(source)
        times.append(await stranger.send(message.states, message.fragment))
        assert stranger.errors == [], message
    await stranger.close()
    return times


async def _say(url: str, count: int, seed: int) -> list[float]:
    """Seconds until the page is drawn for who asks as a browser does, after each."""
    stranger = await Visitor.open(url)
    honest, source, times = stranger.states.copy(), frames(random.Random(seed)), []
    for _ in range(count):
        frame = next(source)
        await stranger.say(frame.data)
        stranger.states = honest.copy()
        times.append(await stranger.run())
        assert stranger.errors == [], frame.kind
    await stranger.close()
    return times


def _usual(times: list[float]) -> float:
    return sorted(times)[int(0.99 * (len(times) - 1))]


def write_down(rows: list[Row], options: str) -> None:
    """The section at the end of docs/SECURITY.md, with date and machine."""
    count = sum(row.tried for row in rows)
    made = (
        f"Generated {datetime.now(UTC):%Y-%m-%d} by `python -m benchmarks.fuzz {options} --write` on "
        f"{processor_name()}: {count:,} inputs, each answered, none with an exception.\n"
        "Texts: processor time of the reader. Messages: until the page is drawn anew, as a browser would wait for it;\n"
        f"memory is the server's, what it grew by after the first {WARM}."
    )
    text = FILE.read_text(encoding="utf-8").partition(SECTION)[0]
    table = HEADER + "\n".join(row.line() for row in rows)
    FILE.write_text(f"{text}{SECTION}\n{made}\n\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
