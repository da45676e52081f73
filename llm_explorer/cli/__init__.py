"""The command line. CONFIG is a preset's name, a file, or - for standard input.

Exit codes: 0 ok, 2 bad input (one short message, nothing else), 3 refused, 4 any other failure; __main__.py adds 130
for Ctrl-C and 141 where nobody reads on. With ``--json`` 0, 3 and 4 come with JSON that has all its keys.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import click

from llm_explorer import __version__, formats, units
from llm_explorer.accounting.fit import DEFAULT_RESERVE
from llm_explorer.accounting.report import report as count
from llm_explorer.cli import printing
from llm_explorer.cli.printing import tell
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.formats import Configs, Imported, apply_settings, counted_report, load_import
from llm_explorer.formats.dicts import NUMBER
from llm_explorer.presets import PRESETS
from llm_explorer.receipt import make_receipt, title_of
from llm_explorer.serve import serve
from llm_explorer.speed import store
from llm_explorer.speed.predict import predict, predicted_times
from llm_explorer.tracing.result import Trace
from llm_explorer.worker.attempt import run_alone, run_measurement
from llm_explorer.worker.resident import Resident, ResidentError
from llm_explorer.worker.task import Calibration

BAD_INPUT: Final = 2
REFUSED: Final = 3
OTHER_FAILURE: Final = 4

_WRITERS: Final[Mapping[str, Callable[[ModelConfig, RunConfig], str]]] = {
    "json": formats.to_json,
    "book": lambda model, _run: formats.to_book(model),
    "huggingface": lambda model, _run: formats.to_hugging_face(model),
    "pytorch": formats.to_pytorch,
    "markdown": lambda model, run: formats.to_markdown(title_of(model, run), count(model, run), model, run),
    "csv": lambda model, run: formats.to_csv(count(model, run)),
}


def _share(_context: click.Context, _option: click.Parameter, value: str) -> float:
    """A share from 0 to 0.9; click's own numbers may be nan, and have digits of any script."""
    share = float(value.replace("_", "")) if NUMBER.fullmatch(value) else -1.0
    if not 0 <= share <= 0.9:
        raise click.BadParameter(f"{value} is not a number from 0 to 0.9")
    return share


_config = click.argument("config")
_set = click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a field; may be repeated.")
_json = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="llm-explorer")
@click.pass_context
def main(context: click.Context) -> None:
    """What a GPT costs in parameters, memory and compute, and whether it is true.

    Without a command the app is served, to be opened in a browser.
    """
    if context.invoked_subcommand is None:
        serve()


@main.command()
@_json
def presets(*, as_json: bool) -> None:
    """List the named configs."""
    if as_json:
        printing.print_json(
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
        click.echo(f"{preset.name:17} {preset.title:17} {units.count(preset.published):>10}  {preset.note}".rstrip())


@main.command()
@_config
@_set
@click.option(
    "--reserve", metavar="SHARE", callback=_share, default=str(DEFAULT_RESERVE), help="Share of memory kept free."
)
@_json
def report(config: str, settings: tuple[str, ...], reserve: float, *, as_json: bool) -> None:
    """Count parameters, FLOPs and memory, by formula; of a family that is not built here the parameters alone."""
    imported = _imported(config)
    if imported.counted is not None and not settings:
        counted = counted_report(imported)
        lines = printing.counted_lines(counted["parameters"], imported.notes)
        printing.print_json(counted) if as_json else printing.print_lines(lines)
        return
    model, run = _with_settings(imported, settings)
    found = count(model, run, reserve, predicted_times(model, run))
    trouble = store.load(Calibration(model, run).key).trouble
    if trouble is not None:
        click.echo(f"note: {trouble}", err=True)
    if as_json:
        printing.print_json(found)
    else:
        printing.print_lines(printing.report_lines(found) | {"step time": printing.step_time(predict(model, run))})


@main.command()
@_config
@_set
@_json
def trace(config: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Follow the memory of one training step, on tensors that take none."""
    model, run = _configs(config, settings)
    found, error = _traced(model, run)
    if as_json:
        nothing = dict.fromkeys(Trace.model_fields) | {"model": model.model_dump(), "run": run.model_dump()}
        printing.print_json((found.model_dump() if found else nothing) | {"error": error})
    elif found is not None:
        printing.print_lines(printing.traced_lines(found))
    else:
        tell(str(error))
    _exit_as("ok" if found else "failed")


@main.command()
@_config
@_set
@_json
def measure(config: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Really build the model and time it, in a process of its own."""
    model, run = _configs(config, settings)
    result = run_measurement(model, run, printing.show_progress(quiet=as_json))
    if as_json:
        printing.print_json(result.model_dump())
    elif result.status == "ok":
        printing.print_lines(printing.measured_lines(result))
    else:
        tell(f"{result.status}: {result.reason}")
    _exit_as(result.status)


@main.command()
@_config
@_set
@_json
def calibrate(config: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """Learn in 5 seconds how fast the device is, for the precision and threads of this config."""
    model, run = _configs(config, settings)
    task = Calibration(model, run)
    result = run_alone(task, printing.show_progress(quiet=as_json))
    learnt = store.load(task.key).calibration
    if as_json:
        printing.print_json(result.model_dump() | {"calibration": None if learnt is None else learnt.model_dump()})
    elif result.status == "ok" and learnt is not None:
        printing.print_lines(printing.calibration_lines(learnt))
    if result.reason is not None and not as_json:
        tell(f"{result.status}: {result.reason}")
    _exit_as(result.status)


@main.command()
@_config
@_set
@click.option("--markdown", "as_markdown", is_flag=True, help="Print it as Markdown.")
@_json
def receipt(config: str, settings: tuple[str, ...], *, as_markdown: bool, as_json: bool) -> None:
    """Count, trace and measure: every number up to three times, with its error."""
    model, run = _configs(config, settings)
    traced, error = _traced(model, run)
    result = run_measurement(model, run, printing.show_progress(quiet=as_json or as_markdown))
    measured = result if result.status == "ok" else None
    notes = [f"Not traced: {error}"] if error else []
    notes += [] if measured else [f"Not measured, {result.status}: {result.reason}"]
    found = make_receipt(model, run, traced, measured, notes)
    if as_json:
        printing.print_json(found.to_json())
    else:
        click.echo(found.to_markdown() if as_markdown else found.to_text(), nl=False)
    _exit_as(result.status if traced else "failed")


@main.command()
@_config
@_set
@click.option("--format", "kind", type=click.Choice(list(_WRITERS)), default="json", help="What to write.")
def export(config: str, settings: tuple[str, ...], kind: str) -> None:
    """Write a config, a report of it, or its model as one PyTorch file that runs alone."""
    model, run = _configs(config, settings)
    with _ending_with(REFUSED):
        click.echo(_WRITERS[kind](model, run), nl=False)


@contextmanager
def _ending_with(status: int) -> Iterator[None]:
    """What is wrong with a config ends the program, with this status."""
    try:
        yield
    except ConfigError as error:
        tell(str(error))
        sys.exit(status)


def _configs(source: str, settings: tuple[str, ...]) -> Configs:
    """The configs asked for, or the end of the program with what is wrong with them."""
    return _with_settings(_imported(source), settings)


def _imported(source: str) -> Imported:
    with _ending_with(BAD_INPUT):
        return load_import(source, sys.stdin)


def _with_settings(found: Imported, settings: tuple[str, ...]) -> Configs:
    with _ending_with(BAD_INPUT):
        configs = apply_settings(*found.configs(), settings)
    for note in found.notes:
        tell(f"note: {note}")
    return configs


def _traced(model: ModelConfig, run: RunConfig) -> tuple[Trace | None, str | None]:
    """The trace, or the sentence that says why there is none."""
    tracer = Resident()
    try:
        job = {"kind": "trace", "model": model.model_dump(), "run": run.model_dump()}
        return Trace.model_validate(tracer.ask(job)), None
    except ResidentError as error:
        return None, str(error)
    finally:
        tracer.close()


def _exit_as(status: str) -> None:
    """End the program where something was not done."""
    if status != "ok":
        sys.exit(REFUSED if status == "refused" else OTHER_FAILURE)
