"""The command line: presets, report, measure. CONFIG is a preset's name, a file, or - for standard input.

Exit codes: 0 ok, 2 bad input (one short message, nothing else), 3 refused, 4 any other failure.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from llm_explorer import units
from llm_explorer.accounting.fit import DEFAULT_RESERVE
from llm_explorer.accounting.report import report as count
from llm_explorer.config import ConfigError
from llm_explorer.formats import Configs, apply_settings, load
from llm_explorer.presets import PRESETS
from llm_explorer.worker.attempt import Progress, run_measurement

BAD_INPUT: Final = 2
REFUSED: Final = 3
OTHER_FAILURE: Final = 4
NOT_PREDICTED: Final = "not yet predicted"


def _share(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """A share from 0 to 0.9; click.FloatRange lets nan through."""
    if not 0 <= value <= 0.9:
        raise click.BadParameter(f"{value} is not a number from 0 to 0.9")
    return value


_config = click.argument("config")
_set = click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a field; may be repeated.")
_json = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """What a GPT costs in parameters, memory and compute, and whether it is true."""


@main.command()
@_json
def presets(*, as_json: bool) -> None:
    """List the named configs."""
    if as_json:
        _print_json(
            [
                {
                    "name": preset.name,
                    "model": preset.model.model_dump(),
                    "run": preset.run.model_dump(),
                    "published": preset.published,
                    "source": preset.source,
                }
                for preset in PRESETS
            ]
        )
        return
    for preset in PRESETS:
        click.echo(f"{preset.name:14} {preset.title:20} {units.count(preset.published):>10}  {preset.note}".rstrip())


@main.command()
@_config
@_set
@click.option("--reserve", type=float, callback=_share, default=DEFAULT_RESERVE, help="Share of memory kept free.")
@_json
def report(config: str, settings: tuple[str, ...], reserve: float, *, as_json: bool) -> None:
    """Count parameters, FLOPs and memory, by formula."""
    found = count(*_configs(config, settings), reserve)
    if as_json:
        _print_json(found)
    else:
        _print_lines(_report_lines(found))


@main.command()
@_config
@_set
@_json
def measure(config: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Really build the model and time it, in a process of its own."""
    model, run = _configs(config, settings)
    result = run_measurement(model, run, _show_progress(quiet=as_json))
    if as_json:
        _print_json(result)
    elif result["status"] == "ok":
        _print_lines(_measured_lines(result))
    else:
        click.echo(f"{result['status']}: {result['reason']}", err=True)
    if result["status"] != "ok":
        sys.exit(REFUSED if result["status"] == "refused" else OTHER_FAILURE)


def _configs(source: str, settings: tuple[str, ...]) -> Configs:
    """The configs asked for, or the end of the program with what is wrong with them."""
    try:
        return apply_settings(*load(source, sys.stdin), settings)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)


def _report_lines(found: Mapping[str, Any]) -> Mapping[str, str]:
    parameters, flops, memory, verdict = (found[part] for part in ("parameters", "flops", "memory", "verdict"))
    return {
        "parameters": f"{units.exact(parameters['total'])} ({units.count(parameters['total'])})",
        "weights": units.byte_size(memory["parameters_bytes"]),
        "training peak": f"{units.byte_size(memory['peak_bytes'])} in {memory['peak_phase']}",
        "activations": units.byte_size(memory["activations_bytes"]),
        "inference": units.byte_size(memory["inference_bytes"]),
        "KV cache": units.byte_size(memory["kv_cache_bytes"]),
        "forward": units.flops(flops["forward"]),
        "backward": units.flops(flops["backward"]),
        "a token": units.flops(flops["per_token"]),
        "verdict": f"{verdict['state']} ({verdict['hardware']}, {units.byte_size(verdict['budget_bytes'])})",
        "step time": NOT_PREDICTED,
    }


def _measured_lines(result: Mapping[str, Any]) -> Mapping[str, str]:
    def timing(name: str) -> str:
        found = result[name]
        if found is None:
            return units.UNKNOWN
        return f"{units.seconds(found['median'])} (IQR {units.seconds(found['iqr'])}, n={found['n']})"

    predicted = result["predicted"]["peak_bytes"]
    return {
        "parameters": units.exact(result["parameters"]),
        "built in": units.seconds(result["init_s"]),
        "forward": timing("forward_s"),
        "backward": timing("backward_s"),
        "whole step": timing("step_s"),
        "peak": f"{units.byte_size(result['peak_bytes'])}, computed {units.byte_size(predicted)}",
        "process": units.byte_size(result["process_rss_bytes"]),
        "device": f"{result['environment']['device_name'] or result['environment']['device']}",
    }


def _print_lines(lines: Mapping[str, str]) -> None:
    for name, value in lines.items():
        click.echo(f"{name:14} {value}")


def _print_json(found: Any) -> None:
    click.echo(json.dumps(found, indent=2, allow_nan=False))


def _show_progress(*, quiet: bool) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        if not quiet and sys.stderr.isatty():
            click.echo(f"{progress.phase}: {progress.text}", err=True)

    return show
