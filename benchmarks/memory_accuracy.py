"""How true the memory figures are, on random configs: computed against traced, traced against really run.

    python -m benchmarks.memory_accuracy --seed 0 --n 100 [--traced 300] [--half 1000] [--only-half] [--write]

``--n`` steps are really run, twice each and once more where oneDNN is the suspect; ``--traced`` are only traced, and so
are ``--half`` in half types with dropout. A seed draws other configs for each of the three. ``--write`` generates
docs/ACCURACY.md; with ``--only-half`` that chapter alone, all others stay. About a minute for 10 real steps, or 100
traces.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any, Final, NamedTuple

import click
import psutil
import torch

from benchmarks import accuracy_half
from benchmarks.accuracy_configs import cases
from benchmarks.accuracy_text import CAUSES, INTRODUCTION, chapters_of, document, table
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.formats import to_settings
from llm_explorer.machine import processor_name
from llm_explorer.measure.memory import added_peak_bytes, tensor_peak_bytes
from llm_explorer.model import build
from llm_explorer.presets import find
from llm_explorer.tracing.gpt import record_step
from llm_explorer.tracing.recording import Recording
from llm_explorer.tracing.result import Trace
from llm_explorer.tracing.timeline import Timeline
from llm_explorer.tracing.trace import trace
from llm_explorer.training import TrainingStep, random_batch
from llm_explorer.units import byte_size
from llm_explorer.worker.client import Worker

FILE: Final = Path(__file__).parents[1] / "docs" / "ACCURACY.md"
MOST_BYTES: Final = 1024**3  # of a step that is really run
MOST_FLOPS: Final = 5e10  # some 2 s on one core; 20 s in bf16 on a processor without instructions for it
SUSPECT: Final = 0.001  # an error above this is measured again without oneDNN
SHOWN_ERRORS: Final = 8


class Case(NamedTuple):
    """One config; what was really run is None where it was only traced."""

    model: ModelConfig
    run: RunConfig
    peak: Trace
    computed_bytes: int
    depths: int
    same_as_real: bool | None = None
    measured_bytes: int | None = None
    without_onednn_bytes: int | None = None

    @property
    def traced_bytes(self) -> int:
        """The traced peak."""
        return self.peak.peak_bytes

    @property
    def traced_error(self) -> float:
        """Traced against the allocator's truth, signed."""
        assert self.measured_bytes is not None
        return self.traced_bytes / self.measured_bytes - 1

    @property
    def computed_error(self) -> float:
        """Computed against traced, signed."""
        return self.computed_bytes / self.traced_bytes - 1


def traced_case(model: ModelConfig, run: RunConfig) -> Case:
    """Compute and trace one config."""
    found = trace(model, run)
    return Case(model, run, found, count_memory(model, run, "cpu").peak_bytes, len(found.depths))


def real_case(model: ModelConfig, run: RunConfig) -> Case:
    """Compute and trace one config, and run it: once under the same tracker, once under the profiler."""
    case = traced_case(model, run)
    real = record_step(model, run, fake=False)
    same = is_same(record_step(model, run), real) and same_peak(case.peak, real)
    case = case._replace(same_as_real=same, measured_bytes=allocated(model, run))
    if abs(case.traced_error) > SUSPECT:
        with torch.backends.mkldnn.flags(enabled=False):
            case = case._replace(without_onednn_bytes=allocated(model, run))
    return case


def is_same(some: Recording, others: Recording) -> bool:
    """Whether both went through the same operations, with the same bytes alive of each category after each."""
    pairs = zip(some.sections, others.sections, strict=True)
    return some.saved == others.saved and all(
        one.operations == other.operations and (one.alive == other.alive).all() for one, other in pairs
    )


def same_peak(found: Trace, real: Recording) -> bool:
    """Whether the trace, from two small depths and three chunks, names the real step's peak and what forward left."""
    kept = {part: size for part, size in found.saved.items() if size}
    return kept == real.saved and all(getattr(found, name) == value for name, value in Timeline(real).peak().items())


def allocated(model: ModelConfig, run: RunConfig) -> int:
    """The allocator's truth."""
    step, batches = TrainingStep(build(model, run), run), [random_batch(model, run)] * run.accumulation
    step(batches)
    measured = tensor_peak_bytes(step, batches)
    assert measured is not None
    return measured


def can_be_run(model: ModelConfig, run: RunConfig) -> bool:
    """Whether a real step takes little memory and seconds."""
    flops = count_flops(model, run)
    small = count_memory(model, run, "cpu").peak_bytes <= MOST_BYTES
    return small and (flops.forward + flops.backward) * run.accumulation <= MOST_FLOPS


def same_as_real(real: list[Case]) -> str:
    """Traced against the same tracker on a real step."""
    same = sum(bool(case.same_as_real) for case in real)
    from_two = sum(case.depths == 2 for case in real)
    deep = sum(case.model.n_layers > 4 for case in real)
    return (
        f"{same} of {len(real)} are the same to the byte: the peak, its operation, part and categories, what forward "
        f"keeps, and what is alive after each operation. {from_two} of the {deep} with more than 4 layers were traced "
        "from 3 and 4 layers.\n"
    )


def against_allocator(real: list[Case]) -> str:
    """Traced against the profiler's memory events, by precision and size."""
    sizes = (("up to 10 MB", 0, 10e6), ("10 to 50 MB", 10e6, 50e6), ("over 50 MB", 50e6, float("inf")))
    rows = []
    for precision in choices("precision"):
        for name, low, high in sizes:
            found = [c for c in real if c.run.precision == precision and low < (c.measured_bytes or 0) <= high]
            errors = sorted(abs(case.traced_error) for case in found)
            if errors:
                ninth = errors[int(0.9 * (len(errors) - 1))]
                shown = [f"{100 * error:.4f} %" for error in (statistics.median(errors), ninth, errors[-1])]
                rows.append((precision, name, len(errors), *shown))
    return table(("precision", "peak", "steps", "median", "9 of 10 within", "largest"), rows)


def largest_errors(real: list[Case]) -> str:
    """The largest errors of the traced tier, each with what it is without oneDNN."""
    worst = sorted(real, key=lambda case: -abs(case.traced_error))[:SHOWN_ERRORS]
    rows = []
    for case in worst:
        without = "not measured"
        if case.without_onednn_bytes is not None:
            without = f"{100 * (case.traced_bytes / case.without_onednn_bytes - 1):+.4f} %"
        place = f"{case.peak.peak_part}, {case.peak.peak_op}"
        missing = byte_size((case.measured_bytes or 0) - case.traced_bytes)
        error = f"{100 * case.traced_error:+.4f} %"
        rows.append((byte_size(case.measured_bytes), error, missing, without, case.run.precision, place))
    columns = ("measured", "traced against it", "missing", "the same without oneDNN", "precision", "peak in")
    return table(columns, rows)


def onednn_scratch() -> str:
    """What one bf16 product of each size takes besides its operands and its result."""

    def scratch(rows: int, inner: int, columns: int) -> int | None:
        left = torch.zeros(inner, rows, dtype=torch.bfloat16).T  # as for the gradient of a weight
        right = torch.zeros(inner, columns, dtype=torch.bfloat16)
        result = left @ right
        return added_peak_bytes(lambda: torch.mm(left, right, out=result))

    sizes = [(64, 256, 1024), (256, 256, 1024), (256, 1024, 4096), (1024, 1024, 4096), (1024, 4096, 4096)]
    rows = [
        (f"{a} x {b} by {b} x {c}", byte_size(2 * (a * b + b * c + a * c)), byte_size(scratch(a, b, c)))
        for a, b, c in sizes
    ]
    return table(("bf16 product", "operands and result", "scratch"), rows)


def computed_against_traced(found: list[Case]) -> str:
    """Shares of the computed tier within each bound, by group."""

    def row(name: str, group: list[Case]) -> Sequence[object]:
        errors = [abs(case.computed_error) for case in group]
        within = [sum(error <= bound for error in errors) / len(errors) for bound in (0.001, 0.02, 0.05)]
        return (name, len(group), *(f"{100 * share:.1f} %" for share in within), f"{100 * max(errors):.3f} %")

    kinds: list[tuple[str, Callable[[Case], bool]]] = [
        ("sdpa, no dropout", lambda case: case.run.attention == "sdpa" and not case.model.drop_rate),
        ("sdpa, dropout", lambda case: case.run.attention == "sdpa" and bool(case.model.drop_rate)),
        ("materialized", lambda case: case.run.attention == "materialized"),
        ("checkpointing", lambda case: case.run.checkpointing),
        ("loss in chunks", lambda case: case.run.loss_chunk is not None),
        ("3 micro-batches", lambda case: case.run.accumulation > 1),
        ("tied embeddings", lambda case: case.model.tie_embeddings),
    ]
    parts = sorted({case.peak.peak_part for case in found})
    groups = [("all", found)]
    groups += [(each, [case for case in found if case.run.precision == each]) for each in choices("precision")]
    groups += [(name, [case for case in found if belongs(case)]) for name, belongs in kinds]
    groups += [(f"peak in {part}", [case for case in found if case.peak.peak_part == part]) for part in parts]
    rows = [row(name, group) for name, group in groups if group]
    return table(("group", "configs", "within 0.1 %", "within 2 %", "within 5 %", "largest"), rows)


def worst_computed(found: list[Case]) -> str:
    """The largest errors of the computed tier."""
    worst = sorted(found, key=lambda case: -abs(case.computed_error))[:SHOWN_ERRORS]
    rows = [
        (
            byte_size(case.traced_bytes),
            f"{100 * case.computed_error:+.3f} %",
            f"{case.peak.peak_part}, {case.peak.peak_op}",
            f"`{' '.join(to_settings(case.model, case.run))}`",
        )
        for case in worst
    ]
    return table(("traced", "computed against it", "peak in", "config"), rows)


def trace_times() -> str:
    """Seconds from a question to its answer in a child, as the app asks; each answer is a new one."""
    worker = Worker()
    rows: list[tuple[object, ...]] = []
    process = psutil.Process(worker.pid)
    try:
        warm, first = find("class-0.1m"), time.perf_counter()
        assert warm is not None
        _ask(worker, warm.model, warm.run)
        rows.append(("first, PyTorch's import included", "", f"{time.perf_counter() - first:.2f} s", ""))
        for name in ("gpt2", "gpt2-xl", "gpt3-175b"):
            preset = find(name)
            assert preset is not None
            seconds = []
            for more in range(5):
                start = time.perf_counter()
                _ask(worker, replace(preset.model, vocab_size=preset.model.vocab_size + more), preset.run)
                seconds.append(time.perf_counter() - start)
            resident = byte_size(process.memory_info().rss)
            rows.append((preset.title, preset.model.n_layers, f"{statistics.median(seconds):.2f} s", resident))
    finally:
        worker.kill()
    return table(("model", "layers", "median of 5", "resident memory after"), rows)


def _ask(worker: Worker, model: ModelConfig, run: RunConfig) -> None:
    answers: Queue[dict[str, Any]] = Queue()
    worker.send({"kind": "trace", "model": model.model_dump(), "run": run.model_dump()}, answers.put)
    while (answer := answers.get(timeout=60))["event"] == "ready":
        pass
    assert "value" in answer["result"], answer


def how_it_was_done(options: str) -> str:
    """When, with which command and on what."""
    today = datetime.now(UTC).date().isoformat()
    versions = f"{platform.system()}, PyTorch {torch.__version__}, Python {platform.python_version()}"
    command = f"python -m benchmarks.memory_accuracy {options} --write"
    return f"Generated {today} by `{command}` on {processor_name()}, {versions}, one thread.\n\n"


def chapters(seed: int, real: list[Case], traced: list[Case]) -> dict[str, str]:
    """All of the document but half types, by title."""
    how = how_it_was_done(f"--seed {seed} --n {len(real)} --traced {len(traced)}")
    return {
        "How it was done": f"{how}{INTRODUCTION}",
        "Traced against the same tracker on a real step": same_as_real(real),
        "Traced against the allocator": against_allocator(real),
        "Its largest errors, and why": f"{largest_errors(real)}\n{CAUSES}\n{onednn_scratch()}",
        "Computed against traced": computed_against_traced([*real, *traced]),
        "Its largest errors": worst_computed([*real, *traced]),
        "How long a trace takes": trace_times(),
    }


def half_types(seed: int, count: int) -> dict[str, str]:
    """The chapter of half types with dropout."""
    how = how_it_was_done(f"--seed {seed} --half {count} --only-half")
    return {"Half types with dropout": f"{how}{accuracy_half.chapter(seed, count)}"}


@click.command()
@click.option("--seed", default=0, help="Draws the configs.")
@click.option("--n", "count", default=100, help="Steps really run.")
@click.option("--traced", default=300, help="Configs only traced.")
@click.option("--half", default=1000, help="Configs traced in half types with dropout.")
@click.option("--only-half", is_flag=True, help="Nothing but these; in docs/ACCURACY.md all else stays.")
@click.option("--write", is_flag=True, help="Write docs/ACCURACY.md.")
def main(*, seed: int, count: int, traced: int, half: int, only_half: bool, write: bool) -> None:
    """Print the tables."""
    os.environ["KINETO_LOG_LEVEL"] = "99"  # the profiler tells each of its stages below this level
    torch.set_num_threads(1)
    if only_half:
        found = chapters_of(FILE.read_text(encoding="utf-8"))
    else:
        real = list(cases(f"run {seed}", count, real_case, can_be_run))
        found = chapters(seed, real, list(cases(f"trace {seed}", traced, traced_case)))
    text = document(found | half_types(seed, half))
    click.echo(text)
    if write:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
