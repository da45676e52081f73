"""What a server and its children hold on to, over many visits, questions to a lesson, traces and measurements.

    python -m benchmarks.flat [--visits 1000] [--questions 5000] [--traces 500] [--measurements 200]

No two of a kind are alike, so that nothing is answered from what is kept. Each kind has a server of its own, whose
memory, threads, open files and children are printed ten times on the way: they should stay what they are.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Final, NamedTuple

import click
import psutil
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks import load
from llm_explorer.texts.memory import MADE
from tests.server.visitor import Visitor

MOVES_OF_A_VISIT: Final = 20
TRACED: Final = MADE.partition("{")[2].partition("}")[2].partition("{")[0]


async def look_around(url: str, first: int, count: int) -> None:
    """So many visits of Explore, two at a time, each with its share of slider moves."""
    del first

    async def visit() -> None:
        visitor = await Visitor.open(url)
        for _ in range(MOVES_OF_A_VISIT):
            field = random.choice(load.FIELDS)
            await visitor.move(field, random.choice(visitor.options(field)))
        await leave_without_errors(visitor)

    for _ in range(count // 2):
        await asyncio.gather(visit(), visit())


async def ask_a_lesson(url: str, first: int, count: int) -> None:
    """So many questions to the lesson on autograd, each about another neuron."""
    visitor = await Visitor.open(url, "autograd", "step=2")
    for number in range(first, first + count):
        weight = visitor.widgets["autograd_w"]
        await visitor.run(WidgetState(id=weight.id, double_value=1e-3 * number), fragment=weight.fragment)
    await leave_without_errors(visitor)


async def have_traced(url: str, first: int, count: int) -> None:
    """So many traces on the Memory page, each of another config."""
    for number in range(first, first + count):
        layers, tokens = 1 + number % 48, 8 + number // 48
        visitor = await Visitor.open(url, "memory", f"n_layers={layers}&sequence_length={tokens}")
        while visitor.polls:
            await asyncio.sleep(0.1)
            await visitor.poll()
        assert TRACED in visitor.words(), visitor.words()
        await leave_without_errors(visitor)


async def have_measured(url: str, first: int, count: int) -> None:
    """So many measurements of a small model, each with another seed."""
    row = load.Row("", 1, [], [])
    for seed in range(first, first + count):
        assert await load.build(url, row, layers=1, seed=1 + seed), row.errors
    assert not row.errors, row.errors


async def leave_without_errors(visitor: Visitor) -> None:
    """Close the page, on which nothing may have gone wrong."""
    assert not visitor.errors, visitor.errors
    await visitor.close()


class Held(NamedTuple):
    """What a server holds: bytes, threads and open files of its own, bytes and number of its children."""

    server: int
    threads: int
    files: int
    children: int
    children_bytes: int

    @classmethod
    def by(cls, process: psutil.Process) -> "Held":
        """Now."""
        with process.oneshot():
            own = process.memory_info().rss, process.num_threads(), process.num_fds()
        children = process.children(recursive=True)
        return cls(*own, len(children), sum(child.memory_info().rss for child in children))

    def cells(self) -> tuple[str, ...]:
        """As a table shows it."""
        megabytes = f"{self.server / 1e6:.0f}", f"{self.children_bytes / 1e6:.0f}"
        return megabytes[0], str(self.threads), str(self.files), str(self.children), megabytes[1]


def stay_flat(counts: Mapping[str, int]) -> None:
    """What a server of its own holds while each kind is done so many times, printed ten times on the way."""
    head = ("what", "done", "server (MB)", "threads", "open files", "children", "children (MB)")
    print("| " + " | ".join(head) + " |\n| --- |" + " ---: |" * 6)
    for what, count in counts.items():
        with load.serving() as server:
            process, done = psutil.Process(server.process.pid), 0
            while done < count:
                some = min(max(2, count // 10), count - done)
                asyncio.run(FLAT[what](server.url, done, some))
                done += some
                print(f"| {what} | {done:,} | " + " | ".join(Held.by(process).cells()) + " |", flush=True)


FLAT: Final[Mapping[str, Callable[[str, int, int], Coroutine[None, None, None]]]] = {
    "visits": look_around,
    "questions": ask_a_lesson,
    "traces": have_traced,
    "measurements": have_measured,
}


@click.command()
@click.option("--visits", default=1_000, help=f"Each with {MOVES_OF_A_VISIT} slider moves.")
@click.option("--questions", default=5_000)
@click.option("--traces", default=500)
@click.option("--measurements", default=200)
def main(**counts: int) -> None:
    """Print what servers hold on to."""
    random.seed(0)
    stay_flat(counts)


if __name__ == "__main__":
    main()
