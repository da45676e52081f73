"""Computed beside what really ran, a line a number."""

from collections.abc import Mapping
from typing import Any

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig
from llm_explorer.texts.explore import NOT_PREDICTED

Found = Mapping[str, Any]


def comparison(
    model: ModelConfig, measured: Found, predicted: Found, *, really: str = "measured", unpredicted: str = NOT_PREDICTED
) -> list[dict[str, str]]:
    """A line a number: what, computed, what really ran under the name ``really``, and the error of the computed one.

    ``unpredicted`` stands where a time is not predicted.
    """
    lines = [
        _line("Parameters", units.exact, count_parameters(model).total, measured["parameters"]),
        _line("Peak of tensors", units.byte_size, predicted["peak_bytes"], measured["peak_bytes"]),
    ]
    for phase, label in (("forward_s", "Forward"), ("backward_s", "Backward"), ("step_s", "Whole step")):
        timing = measured[phase]
        line = _line(label, units.seconds, predicted.get(phase), timing and timing["median"])
        if predicted.get(phase) is None:
            line["computed"] = unpredicted
        if timing:
            line["measured"] += f" ± {units.seconds(timing['iqr'] / 2)}"
        lines.append(line)
    return [{really if name == "measured" else name: text for name, text in line.items()} for line in lines]


def _line(what: str, write: units.Writer, computed: float | None, measured: float | None) -> dict[str, str]:
    return {
        "what": what,
        "computed": write(computed) if computed is not None else units.UNKNOWN,
        "measured": write(measured) if measured is not None else units.UNKNOWN,
        "error": units.error(computed, measured),
    }
