"""Our training step beside the peers': same shapes, weights and precision, interleaved; writes docs/PERFORMANCE.md.

    python -m venv /tmp/peers
    /tmp/peers/bin/pip install -r requirements-dev.txt
    /tmp/peers/bin/pip install --no-deps -r requirements-peers.txt
    /tmp/peers/bin/python -m benchmarks.peers [--minutes 10] [--threads 1] [--cells '124M/*'] [--quick] [--write]

What is not installed is named and left out. Takes the minutes it is given or what the fewest rounds of every cell take:
three, or two and no warm-up where a round takes over a minute.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from statistics import median
from typing import Any, Final, Self

import click

from benchmarks.peer_models import PEERS
from benchmarks.peers_report import GOALS, IN_CHUNKS, OURS, Cell, Found, Times, ratios, report
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.bf16_on_old_cpus import falls_back
from llm_explorer.worker.client import FAST_SETTINGS

FILE: Final = Path(__file__).parents[1] / "docs" / "PERFORMANCE.md"
FEWEST_ROUNDS: Final = 3
SLOW_ROUND_S: Final = 60.0  # such a round is warm by itself
FEWEST_SLOW: Final = 2
IN_PLAIN_LOOPS: Final = 1  # peers
CHUNK: Final = 512  # token positions: faster than 256 at 6 layers, D=384, BT=512 and 1024 (2026-11)


class Process:
    """A peer process with its own allocator settings; ends with the block."""

    def __init__(self, threads: int, settings: dict[str, str]) -> None:
        usual = {name: value for name, value in os.environ.items() if name not in FAST_SETTINGS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer_process", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=usual | settings | {"KINETO_LOG_LEVEL": "99"},  # the profiler tells each of its stages below this level
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Its answer to one command; an error when it died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps((command, arguments)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise click.ClickException(f"the process of the models ended with {self._process.wait()}, see above")
        return json.loads(line)

    def build(self, cell: Cell, names: Sequence[str], *, as_torch_comes: bool) -> dict[str, float]:
        """Make these models in it; how far their fp32 logits are from ours."""
        configs = {"model": cell.model.model_dump(), "run": cell.run.model_dump()}
        found: dict[str, float] = self.ask("build", names=names, chunk=CHUNK, as_torch_comes=as_torch_comes, **configs)
        return found


class Budget:
    """Shares what is left of the time between the cells that are left."""

    def __init__(self, seconds: float, cells: int) -> None:
        self.end, self.cells = time.monotonic() + seconds, cells

    def until(self) -> float:
        """When the next cell should end."""
        now = time.monotonic()
        share = max(0.0, self.end - now) / self.cells
        self.cells -= 1
        return now + share


def rounds(processes: dict[str, Process], until: float, each_round: Callable[[], object] = lambda: None) -> Times:
    """Each model once a round, the first of a round the second of that before; a quick warm-up round is not kept."""
    order, start = list(processes), time.monotonic()
    times = {name: [processes[name].ask("step", name=name)] for name in order}
    slow = time.monotonic() - start > SLOW_ROUND_S
    if slow:
        each_round()
    else:
        times = {name: [] for name in order}
    while len(times[order[0]]) < (FEWEST_SLOW if slow else FEWEST_ROUNDS) or time.monotonic() < until:
        order = [*order[1:], order[0]]
        for name in order:
            times[name].append(processes[name].ask("step", name=name))
        each_round()
    return times


def even(process: Process, cell: Cell, names: Sequence[str], until: float) -> Found:
    """All in one process, with the same optimizer and the same products."""
    differences = process.build(cell, [OURS, *names], as_torch_comes=False)
    limits: list[dict[str, float]] = []
    precision = cell.run.precision
    times = rounds(
        dict.fromkeys([OURS, *names], process),
        until,
        lambda: limits.append(process.ask("limits", precision=precision)),
    )
    return Found(cell, times, limits, differences, process.ask("profile", name=OURS))


def as_the_app(fast: Process, default: Process, cell: Cell, names: Sequence[str], until: float) -> Found:
    """Ours as the app runs it, the peers as PyTorch comes."""
    fast.build(cell, [OURS, IN_CHUNKS], as_torch_comes=False)
    default.build(cell, names, as_torch_comes=True)
    times = rounds(dict.fromkeys([OURS, IN_CHUNKS], fast) | dict.fromkeys(names, default), until)
    return Found(cell, times, [], {}, {})


def cells(pattern: str) -> list[Cell]:
    """The cells that match, the longest first."""
    shapes = (
        ("124M T256 B1", 12, 768, 256, 1),
        ("6L D384 T1024 B1", 6, 384, 1024, 1),
        ("6L D384 T256 B2", 6, 384, 256, 2),
    )
    found = []
    for shape, layers, width, length, batch in shapes:
        model = ModelConfig(
            context_length=1024 if layers == 12 else length,
            emb_dim=width,
            n_heads=width // 64,
            n_layers=layers,
            drop_rate=0.0,
            qkv_bias=True,
            tie_embeddings=True,
        )
        for precision in GOALS:
            run = replace(RunConfig(batch_size=batch, sequence_length=length), precision=precision)
            found.append(Cell(shape, model, run))
    return [cell for cell in found if fnmatch(cell.name, pattern)]


def timed(chosen: list[Cell], names: Sequence[str], threads: int, minutes: float) -> tuple[list[Found], list[Found]]:
    """All even cells, then, when the memory of those is free again, all as the app runs them."""
    budget = Budget(60 * minutes, 2 * len(chosen))
    evens, apps = [], []
    with Process(threads, FAST_SETTINGS) as process:
        for cell in chosen:
            click.echo(f"even: {cell.name}", err=True)
            evens.append(even(process, cell, names, budget.until()))
    with Process(threads, FAST_SETTINGS) as fast, Process(threads, {}) as default:
        for found in evens if names else []:
            click.echo(f"as the app runs it: {found.cell.name}", err=True)
            # in PyTorch's plain loops a step of 124M takes minutes: only the fastest of the even table is timed
            slow = falls_back(found.cell.run.precision, found.cell.run.device)
            some = fastest(found, names)[:IN_PLAIN_LOOPS] if slow else names
            apps.append(as_the_app(fast, default, found.cell, some, budget.until()))
    return evens, apps


def fastest(found: Found, names: Sequence[str]) -> list[str]:
    """The peers by the median of their steps."""
    return sorted(names, key=lambda name: median(ratios(found.times, name, "step")))


@click.command()
@click.option("--minutes", default=10.0, help="How long it may take; the fewest rounds of a cell are always run.")
@click.option("--threads", default=1, help="PyTorch's, in every process.")
@click.option("--cells", "pattern", default="*", help="Which, such as '124M*' or '*/bfloat16'.")
@click.option("--quick", is_flag=True, help="Only three rounds of each cell.")
@click.option("--write", is_flag=True, help="Write docs/PERFORMANCE.md.")
def main(*, minutes: float, threads: int, pattern: str, quick: bool, write: bool) -> None:
    """Print the tables."""
    names = [name for name, peer in PEERS.items() if peer.is_installed]
    for name in PEERS.keys() - set(names):
        click.echo(f"{name} is not installed (requirements-peers.txt): left out", err=True)
    chosen = cells(pattern)
    if not chosen:
        raise click.BadParameter(f"{pattern!r} matches none of: {', '.join(cell.name for cell in cells('*'))}")
    start = time.monotonic()
    arguments = f"--minutes {0 if quick else minutes:g} --threads {threads} --cells '{pattern}'"
    text = report(*timed(chosen, names, threads, 0 if quick else minutes), names, arguments, threads)
    click.echo(text)
    click.echo(f"{(time.monotonic() - start) / 60:.1f} minutes", err=True)
    if write:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
