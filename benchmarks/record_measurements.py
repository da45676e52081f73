"""Measure whole configs once, for servers that are too small for it: llm_explorer/measure/recorded.json.

    python -m benchmarks.record_measurements [PRESET ...]

Without names: every preset whose step, at the preset's own batch, fits the memory that is free now and is expected to
take at most --most seconds, by its FLOPs and what the processor does in a second. What is measured anew takes the place
of what was there. Run it on a quiet machine; about two minutes a preset.
"""

from typing import Final

import click

from llm_explorer import units
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.process import refusal
from llm_explorer.measure import recorded
from llm_explorer.presets import PRESETS, Preset, find
from llm_explorer.worker.attempt import run_measurement

BF16_SHARE: Final = 0.1  # of the speed in float32, on a processor without instructions for it (budget.py)


def expected_s(preset: Preset, flops_per_s: float) -> float:
    """Seconds of a step where float32 runs at that speed."""
    share = 1.0 if preset.run.precision == "float32" else BF16_SHARE
    return step_flops(preset.model, preset.run) / (flops_per_s * share)


def measure(preset: Preset) -> None:
    """One preset, into the file."""
    click.echo(f"{preset.name}: ", nl=False)
    result = run_measurement(preset.model, preset.run)
    if result.status != "ok":
        click.echo(f"{result.status}: {result.reason}")
        return
    record = recorded.record_of(preset.name, preset.model, preset.run, result)
    others = [each for each in recorded.read_all() if each.name != preset.name]
    order = [each.name for each in PRESETS]
    recorded.write_all(sorted([*others, record], key=lambda each: order.index(each.name)))
    step = record.step_s
    size = units.byte_size(record.peak_bytes)
    click.echo(f"{units.seconds(step.median)} ± {units.seconds(step.iqr / 2)} a step, n={step.n}, {size}")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--most", default=20.0, help="Seconds a step may be expected to take.")
@click.option("--gflops", default=50.0, help="GFLOP a second that this processor is expected to do in float32.")
def main(names: tuple[str, ...], most: float, gflops: float) -> None:
    """Measure presets and write them down."""
    chosen = [preset for name in names if (preset := find(name))] or [
        preset
        for preset in PRESETS
        if refusal(preset.model, preset.run) is None and expected_s(preset, gflops * 1e9) <= most
    ]
    for preset in chosen:
        measure(preset)


if __name__ == "__main__":
    main()
