"""What the commands print: their lines, name and value, and their JSON."""

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from llm_explorer import units
from llm_explorer.measure.result import Measured
from llm_explorer.measure.statistics import Timing
from llm_explorer.speed.calibration import Calibration
from llm_explorer.speed.predict import Prediction
from llm_explorer.texts import names
from llm_explorer.tracing.result import Trace
from llm_explorer.worker.attempt import Progress

NOT_PREDICTED: Final = "not yet predicted: calibrate first"


def tell(text: str) -> None:
    """Say something on standard error; where that cannot be written the exit code says it alone."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def report_lines(found: Mapping[str, Any]) -> dict[str, str]:
    """A report without its rows."""
    parameters, flops, memory, verdict = (found[part] for part in ("parameters", "flops", "memory", "verdict"))
    fit = found["fit"]
    return {
        "parameters": f"{units.exact(parameters['total'])} ({units.count(parameters['total'])})",
        "weights": units.byte_size(memory["parameters_bytes"]),
        "training peak": f"{units.byte_size(memory['peak_bytes'])} {names.PHASES[memory['peak_phase']]}",
        "activations": units.byte_size(memory["activations_bytes"]),
        "inference": units.byte_size(memory["inference_bytes"]),
        "KV cache": units.byte_size(memory["kv_cache_bytes"]),
        "forward": units.flops(flops["forward"]),
        "backward": units.flops(flops["backward"]),
        "a token": units.flops(flops["per_token"]),
        "verdict": f"{verdict['state']} ({verdict['hardware']}, {units.byte_size(verdict['budget_bytes'])})",
        "sized for": f"{units.byte_size(verdict['peak_bytes'])} at the peak with {verdict['kernels']} kernels",
        "fits": f"a batch of {fit['max_batch_size']:,}, or a sequence of {fit['max_sequence_length']:,}",
    }


def counted_lines(parameters: Mapping[str, Any], notes: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a family that is not built here, and why no more is known."""
    return {
        "parameters": f"{units.exact(parameters['total'])} ({units.count(parameters['total'])})",
        "of one token": units.exact(parameters["active"]),
        "the rest": f"{units.UNKNOWN}: {' '.join(notes)}",
    }


def step_time(found: Prediction | None) -> str:
    """'1.2 s (0.96 to 1.5 s)'."""
    if found is None:
        return NOT_PREDICTED
    step = found.step
    return f"{units.seconds(step.seconds)} ({units.seconds(step.low)} to {units.seconds(step.high)})"


def calibration_lines(learnt: Calibration) -> Mapping[str, str]:
    """How fast the device was found to be."""
    key = learnt.key
    return {
        "device": f"{key.processor}, {key.device}, {key.recipe}, threads: {key.threads}",
        "products": f"{units.flops(learnt.peak_flops)}/s at best",
        "copies": f"{units.byte_size(learnt.bandwidth_bytes_per_s)}/s read and written",
        "calibrated in": units.seconds(learnt.seconds),
        "disturbed by": units.share(learnt.disturbance),
        "kept": "for this device, precision and threads: reports and pages here predict with it",
    }


def traced_lines(found: Trace) -> Mapping[str, str]:
    """The bytes of a trace: at the peak, in each phase, by category."""
    return {
        "training peak": f"{units.byte_size(found.peak_bytes)} in {found.peak_place}, {found.peak_op}",
        **{f"in {phase}": units.byte_size(size) for phase, size in found.phases.items()},
        **{name: units.byte_size(size) for name, size in found.categories_at_peak.items()},
        "kept after forward": units.byte_size(found.activations_bytes),
        "traced in": units.seconds(found.seconds),
    }


def measured_lines(result: Measured) -> Mapping[str, str]:
    """The times and bytes of a measurement."""

    def words(timing: Timing | None) -> str:
        if timing is None:
            return units.UNKNOWN
        return f"{units.seconds(timing.median)} (IQR {units.seconds(timing.iqr)}, n={timing.n})"

    predicted, peak = result.predicted.peak_bytes, result.peak_bytes
    off = units.error(predicted, peak)
    return {
        "parameters": units.exact(result.parameters),
        "built in": units.seconds(result.init_s),
        "forward": words(result.forward_s),
        "backward": words(result.backward_s),
        "whole step": words(result.step_s),
        "peak": f"{units.byte_size(peak)}, computed {units.byte_size(predicted)}" + (f" ({off})" if off else ""),
        "process": units.byte_size(result.process_rss_bytes),
        "device": result.environment.device_name or result.environment.device,
    }


def print_lines(lines: Mapping[str, str]) -> None:
    """A line a name."""
    for name, value in lines.items():
        click.echo(f"{name:14} {value}")


def print_json(found: Any) -> None:
    """Plain data; nan and infinity, which JSON has not, are an error."""
    click.echo(json.dumps(found, indent=2, allow_nan=False))


def show_progress(*, quiet: bool) -> Callable[[Progress], None]:
    """What tells of progress, to a person only."""

    def show(progress: Progress) -> None:
        if not quiet and sys.stderr.isatty():
            tell(f"{progress.phase}: {progress.text}")

    return show
