"""Computed beside what really ran, a line a number."""

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig
from llm_explorer.measure.recorded import Record, Spread
from llm_explorer.measure.result import Measured, Predicted
from llm_explorer.measure.statistics import Timing


def comparison(
    model: ModelConfig,
    measured: Measured | Record,
    predicted: Predicted,
    *,
    really: str,
    unpredicted: str,
) -> list[dict[str, str]]:
    """A line a number: what, computed, what really ran under the name ``really``, and the error of the computed one.

    ``unpredicted`` stands where a time is not predicted.
    """
    lines = [
        _line("Parameters", units.exact, count_parameters(model).total, measured.parameters),
        _line("Peak of tensors", units.byte_size, predicted.peak_bytes, measured.peak_bytes),
    ]
    for phase, label in (("forward_s", "Forward"), ("backward_s", "Backward"), ("step_s", "Whole step")):
        timing: Timing | Spread | None = getattr(measured, phase)
        seconds: float | None = getattr(predicted, phase)
        line = _line(label, units.seconds, seconds, timing.median if timing else None)
        if seconds is None:
            line["computed"] = unpredicted
        if timing:
            line["measured"] += f" ± {units.seconds(timing.iqr / 2)}"
        lines.append(line)
    return [{really if name == "measured" else name: text for name, text in line.items()} for line in lines]


def _line(what: str, write: units.Writer, computed: float | None, measured: float | None) -> dict[str, str]:
    return {
        "what": what,
        "computed": write(computed) if computed is not None else units.UNKNOWN,
        "measured": write(measured) if measured is not None else units.UNKNOWN,
        "error": units.error(computed, measured),
    }
