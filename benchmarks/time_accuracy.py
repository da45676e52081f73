"""How true the predicted times are: random configs really measured, beside three ways to predict them.

python -m benchmarks.time_accuracy --seed 7 --n 45 --write

On a quiet machine half an hour; writes docs/PREDICTION.md.
"""

import os
import platform
import random
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import click

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import to_settings
from llm_explorer.machine import default_threads, processor_name, torch_version
from llm_explorer.measure.statistics import Timing
from llm_explorer.speed.operations import operations
from llm_explorer.speed.predict import Span, calibration_for, predict_with, roofline
from llm_explorer.units import seconds as in_words
from llm_explorer.worker import attempt
from llm_explorer.worker.attempt import run_alone
from llm_explorer.worker.task import Calibration, Measurement, Refinement, RefinementResult

FILE: Final = Path(__file__).parent.parent / "docs" / "PREDICTION.md"
PRECISIONS: Final = ("float32", "autocast", "bfloat16")
PHASES: Final = ("forward", "backward", "step")
BUDGET_S: Final = 3.0  # of timing a config, as on a hosted server
MOST_FLOPS: Final = 1.5e11  # of a step
MOST_STEP_S: Final = 3.0  # as predicted: bf16 takes this processor 50 times as long where it has no instructions for it
MOST_WEIGHTS: Final = 2 * 10**8  # attention weights of a step: dropout draws a random number for each
MOST_PARAMETERS: Final = 130_000_000
REFINED_FROM: Final = 8  # layers

INTRODUCTION: Final = """\
Random configs, tiny to 124M parameters: 1 to 24 layers, widths 32 to 1024, 16 to 1024 tokens, vocabularies of 256 to
50,257, all optimizers and their implementations, 1 to 3 micro-batches, checkpointing or not, both attentions, dropout 0
or 0.1, the loss at once or in chunks. None was used to make or to tune a calibration. Each was measured twice, in a
process of its own each time, as the app does; errors are against the mean of both medians.

- **calibration**: what the app shows. The device is calibrated once for each precision (at most 5 s); a step is the sum
  of its operations.
- **roofline**: each operation at the calibrated peak of arithmetic or of memory, whichever takes longer.
- **FLOPs / peak**: the matrix products at the calibrated peak.
- **refined**: the model really run at zero and at three layers, between the two measurements.
- **measured again**: the second measurement against the first. No prediction can be nearer than a measurement is to
  itself.
"""
AGAIN: Final = "measured again"


class Case(NamedTuple):
    """A config, its measured seconds, and those of each way to predict them, by phase; ``noise`` is the larger one."""

    model: ModelConfig
    run: RunConfig
    measured: dict[str, float]
    noise: float  # interquartile range of the step over its median
    methods: dict[str, dict[str, Span]]

    def errors(self, method: str, phase: str) -> float:
        """Relative: +0.1 is 10% too long."""
        return self.methods[method][phase].seconds / self.measured[phase] - 1


def random_pair(draw: random.Random, precision: str) -> tuple[ModelConfig, RunConfig]:
    """A config of at most so many FLOPs and parameters."""
    while True:
        head, width = draw.choice((16, 32, 64)), draw.choice((32, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024))
        length = draw.choice((16, 32, 48, 64, 100, 128, 200, 256, 384, 512, 768, 1024))
        model = ModelConfig(
            vocab_size=draw.choice((256, 1000, 5000, 16000, 32000, 50257)),
            context_length=length,
            emb_dim=width,
            n_heads=max(1, width // head),
            n_layers=draw.choice((1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24)),
            drop_rate=draw.choice((0.0, 0.0, 0.1)),
            qkv_bias=draw.random() < 0.5,
            tie_embeddings=draw.random() < 0.5,
            bias=draw.random() < 0.8,
        )
        run = RunConfig.model_validate(
            {
                "precision": precision,
                "batch_size": draw.choice((1, 1, 2, 3, 4, 8, 16)),
                "sequence_length": length,
                "accumulation": draw.choice((1, 1, 1, 2, 3)),
                "optimizer": draw.choice(("adamw",) * 4 + ("sgd", "none")),
                "optimizer_implementation": draw.choice(("fused",) * 3 + ("foreach", "for_loop")),
                "attention": draw.choice(("sdpa",) * 3 + ("materialized",)),
                "checkpointing": draw.random() < 0.15,
                "loss_chunk": draw.choice((None,) * 4 + (128,)),
            }
        )
        flops = count_flops(model, run)
        step_flops = (flops.forward + flops.backward) * run.accumulation
        weights = run.batch_size * model.n_heads * length**2 * model.n_layers * run.accumulation
        if step_flops <= MOST_FLOPS and weights <= MOST_WEIGHTS and count_parameters(model).total <= MOST_PARAMETERS:
            return model, run


def short_pair(draw: random.Random, precision: str) -> tuple[ModelConfig, RunConfig]:
    """A config whose step is predicted to take at most 3 s; a calibration is made where there is none yet."""
    while True:
        model, run = random_pair(draw, precision)
        if calibration_for(model, run) is None:
            told = run_alone(Calibration(model, run))
            assert told.status == "ok", told
        made = calibration_for(model, run)
        assert made is not None
        if predict_with(made, model, run).step.seconds <= MOST_STEP_S:
            return model, run


def measure(model: ModelConfig, run: RunConfig) -> Case:
    """Measure a config twice, and predict it in every way."""
    first, methods = measured_once(model, run), predictions(model, run)
    if model.n_layers >= REFINED_FROM:
        told = run_alone(Refinement(model, run))
        assert isinstance(told, RefinementResult), told
        assert told.refined is not None, told
        methods["refined"] = {phase: getattr(told.refined, phase) for phase in PHASES}
    second = measured_once(model, run)
    mean = {phase: (first[phase].median + second[phase].median) / 2 for phase in PHASES}
    methods[AGAIN] = {
        phase: Span(mean[phase] * second[phase].median / first[phase].median, 0.0, None) for phase in PHASES
    }
    noise = max(each["step"].iqr / each["step"].median for each in (first, second))
    return Case(model, run, mean, noise, methods)


def measured_once(model: ModelConfig, run: RunConfig) -> dict[str, Timing]:
    """The times of each phase, in a process of their own."""
    result = run_alone(Measurement(model, run))
    assert result.status == "ok", result.reason
    return {phase: getattr(result, f"{phase}_s") for phase in PHASES}


def predictions(model: ModelConfig, run: RunConfig) -> dict[str, dict[str, Span]]:
    """By method and phase."""
    made = calibration_for(model, run)
    assert made is not None
    found = predict_with(made, model, run)
    bound = roofline(operations(model, run, "cpu"), made.peak_flops, made.bandwidth_bytes_per_s)
    counted = count_flops(model, run)
    of_phase = {"forward": counted.forward, "backward": counted.backward, "step": counted.forward + counted.backward}
    return {
        "calibration": {phase: getattr(found, phase) for phase in PHASES},
        "roofline": {phase: getattr(bound, phase) for phase in PHASES},
        "FLOPs / peak": {
            phase: Span(run.accumulation * count / made.peak_flops, 0.0, None) for phase, count in of_phase.items()
        },
    }


def errors_by_method(cases: list[Case]) -> str:
    """Median and 90th percentile of the absolute errors."""
    groups = [(method, "all", cases) for method in ("calibration", AGAIN, "roofline", "FLOPs / peak")]
    by_precision = {name: [case for case in cases if case.run.precision == name] for name in PRECISIONS}
    groups += [("calibration", name, some) for name, some in by_precision.items()]
    deep = [case for case in cases if "refined" in case.methods]
    groups += [(method, "8 to 24 layers", deep) for method in ("refined", "calibration", AGAIN)]
    rows = [
        (method, which, len(some), *(_errors(some, method, phase) for phase in PHASES))
        for method, which, some in groups
        if some
    ]
    return _table(("predicted by", "configs", "n", *(f"{phase}: median / 90% / bias" for phase in PHASES)), rows)


def coverage(cases: list[Case]) -> str:
    """How often the shown interval contains the measured median."""
    rows = []
    for method in ("calibration", "refined"):
        some = [case for case in cases if method in case.methods]
        shares = [sum(_holds(case, method, phase) for case in some) / max(1, len(some)) for phase in PHASES]
        if some:
            rows.append((method, len(some), *(f"{share:.0%}" for share in shares)))
    return _table(("interval of", "n", *PHASES), rows)


def worst(cases: list[Case]) -> str:
    """The largest errors of a whole step."""
    ordered = sorted(cases, key=lambda case: -abs(case.errors("calibration", "step")))
    rows = [
        (
            f"{case.errors('calibration', 'step'):+.0%}",
            in_words(case.measured["step"]),
            f"{case.noise:.0%}",
            f"`{' '.join(to_settings(case.model, case.run))}`",
        )
        for case in ordered[:8]
    ]
    return _table(("error", "measured", "its spread", "config"), rows)


def report(seed: int, cases: list[Case]) -> str:
    """The whole document."""
    today = datetime.now(UTC).date().isoformat()
    machine = f"{processor_name()}, {platform.system()}, threads: {default_threads()}, PyTorch {torch_version()}"
    command = f"python -m benchmarks.time_accuracy --seed {seed} --n {len(cases)} --write"
    noisy = sum(case.noise > 0.1 for case in cases)
    spread = f"{noisy} of {len(cases)}; the median of that ratio is {median(case.noise for case in cases):.1%}"
    parts = (
        f"Generated {today} by `{command}` on {machine}.",
        INTRODUCTION,
        errors_by_method(cases),
        "How often the interval that is shown contains what was measured:",
        coverage(cases),
        f"Measurements that something else disturbed (interquartile range over median above 10%): {spread}.",
        "The largest errors of a whole step:",
        worst(cases),
    )
    return "# How true the predicted times are\n\n" + "\n\n".join(part.strip() for part in parts) + "\n"


def _holds(case: Case, method: str, phase: str) -> bool:
    span = case.methods[method][phase]
    return span.low <= case.measured[phase] and (span.high is None or case.measured[phase] <= span.high)


def _errors(cases: list[Case], method: str, phase: str) -> str:
    errors = [case.errors(method, phase) for case in cases]
    sizes = sorted(abs(error) for error in errors)
    ninetieth = sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))]
    return f"{median(sizes):.1%} / {ninetieth:.0%} / {median(errors):+.0%}"


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    write: Callable[[Iterable[object]], str] = lambda row: "| " + " | ".join(map(str, row)) + " |"  # noqa: E731
    head = [*head]
    return "\n".join([write(head), write(["---"] * len(head)), *map(write, rows)])


@click.command()
@click.option("--seed", default=0, help="Draws the configs.")
@click.option("--n", "count", default=45, help="Configs measured, of each precision a third.")
@click.option("--write", is_flag=True, help=f"Write {FILE.name}.")
def main(seed: int, count: int, *, write: bool) -> None:
    """Measure, predict, compare."""
    draw = random.Random(seed)
    patched: Any = attempt
    patched.budget_s = lambda: BUDGET_S
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # calibrations of its own, also in the children
        cases = []
        for number in range(count):
            case = measure(*short_pair(draw, PRECISIONS[number % len(PRECISIONS)]))
            errors = " ".join(f"{phase} {case.errors('calibration', phase):+.0%}" for phase in PHASES)
            print(f"{number + 1}/{count} {in_words(case.measured['step'])} ±{case.noise:.0%} {errors}", flush=True)
            cases.append(case)
    text = report(seed, cases)
    print(text)
    if write:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
