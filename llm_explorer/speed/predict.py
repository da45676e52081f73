"""How long a step will take, from what is known of the device. No torch, well under 2 ms."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.process import Allocator, choose_allocator
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.hardware import Hardware
from llm_explorer.measure.result import Measured
from llm_explorer.speed import store
from llm_explorer.speed.breakdown import at_the_roof
from llm_explorer.speed.calibration import Calibration, group_of, key_for
from llm_explorer.speed.operation import Operation
from llm_explorer.speed.operations import operations

Basis = Literal["calibration", "roofline"]

# The interval is from seconds / spread to seconds x spread, and wider after a disturbed calibration. Chosen on 105
# random configs, AMD EPYC with 1 thread, torch 2.13.0, 2026-11: 1.25 held 95% of their steps, and of the 42 in
# docs/PREDICTION.md 88%.
SPREAD: Final = 1.25
REFINED_LAYERS: Final = 3  # what refine.py runs, besides none


class Span(NamedTuple):
    """Seconds, and between which bounds they are expected; without an upper one they are a lower bound."""

    seconds: float
    low: float
    high: float | None


class Prediction(NamedTuple):
    """Of one whole step: forward and backward are summed over its micro-batches; the step has the update too."""

    forward: Span
    backward: Span
    step: Span
    basis: Basis


class Refined(NamedTuple):
    """The same from a shallow model that was run."""

    forward: Span
    backward: Span
    step: Span


def predict(model: ModelConfig, run: RunConfig, allocator: Allocator | None = None) -> Prediction | None:
    """What this machine will take; None until its device is calibrated for the run's precision and threads.

    ``allocator``: the settings of malloc, by default those that a measurement would choose now.
    """
    found = calibration_for(model, run, allocator)
    return None if found is None else predict_with(found, model, run)


def calibration_for(model: ModelConfig, run: RunConfig, allocator: Allocator | None = None) -> Calibration | None:
    """The calibration that holds for this run here, if it has been made."""
    allocator = allocator or choose_allocator(model, run, limits().memory())
    return store.load(key_for(run, allocator)).calibration


def predict_with(calibration: Calibration, model: ModelConfig, run: RunConfig) -> Prediction:
    """The sum of what each operation takes."""
    forward, backward, step = _by_phase(timed_operations(calibration, model, run))
    spread = SPREAD * (1 + calibration.disturbance)
    return Prediction(_around(forward, spread), _around(backward, spread), _around(step, spread), "calibration")


def timed_operations(calibration: Calibration, model: ModelConfig, run: RunConfig) -> list[tuple[Operation, float]]:
    """Each operation of a step with the seconds that all its occurrences take."""
    found = operations(model, run, kernels_of_device(run.device))
    return [(each, _seconds(calibration, each)) for each in found]


def roofline(found: Iterable[Operation], peak_flops: float, bandwidth_bytes_per_s: float) -> Prediction:
    """A lower bound: each operation at the peak of arithmetic or of memory, whichever takes it longer."""
    timed = at_the_roof(found, peak_flops, bandwidth_bytes_per_s)
    forward, backward, step = (Span(seconds, seconds, None) for seconds in _by_phase(timed))
    return Prediction(forward, backward, step, "roofline")


def roofline_of(hardware: Hardware, model: ModelConfig, run: RunConfig) -> Prediction | None:
    """At the maker's peak: a lower bound on time; None where a peak is unknown.

    >>> from llm_explorer.hardware import find
    >>> found = roofline_of(find("h100-80gb"), ModelConfig(), RunConfig(precision="bfloat16"))
    >>> round(found.step.seconds * 1000, 1), found.step.high
    (1.4, None)
    """
    peak = hardware.peak_flops.get("float32" if run.precision == "float32" else "bfloat16")
    if peak is None or hardware.bandwidth_bytes_per_s is None:
        return None
    return roofline(operations(model, run, "cuda"), peak, hardware.bandwidth_bytes_per_s)


def predicted_times(model: ModelConfig, run: RunConfig, allocator: Allocator | None = None) -> dict[str, float | None]:
    """The prediction as plain data, seconds of forward, backward and step; each None where nothing is predicted."""
    found = predict(model, run, allocator)
    if found is None:
        return dict.fromkeys(("forward_s", "backward_s", "step_s"))
    return {f"{phase}_s": getattr(found, phase).seconds for phase in ("forward", "backward", "step")}


def with_prediction(measured: Measured, model: ModelConfig, run: RunConfig) -> Measured:
    """A measurement, and beside it the times that are predicted with the settings of malloc that it had."""
    times = predicted_times(model, run, measured.environment.allocator)
    return measured.model_copy(update={"predicted": measured.predicted.model_copy(update=times)})


def _seconds(calibration: Calibration, operation: Operation) -> float:
    table, factors = calibration.tables[operation.kind], calibration.factors[operation.phase]
    own = factors["overhead"] * operation.calls * table.overhead_s
    return own + factors[group_of(operation)] * operation.times * table.seconds(operation.sizes, operation.work)


def _by_phase(timed: Iterable[tuple[Operation, float]]) -> tuple[float, float, float]:
    """Seconds of forward, of backward and of the whole step."""
    spent = dict.fromkeys(("forward", "backward", "optimizer"), 0.0)
    for operation, seconds in timed:
        spent[operation.phase] += seconds
    return spent["forward"], spent["backward"], sum(spent.values())


def _around(seconds: float, spread: float) -> Span:
    return Span(seconds, seconds / spread, seconds * spread)
