"""GPT-2 in half types with dropout, computed against traced: there the rounding of each tensor counts most."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.accuracy_configs import HALF, cases, draw_in_half
from benchmarks.accuracy_text import IN_HALF, table
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.formats import to_settings
from llm_explorer.tracing.trace import trace
from llm_explorer.units import byte_size

BOUNDS: Final = (0.001, 0.002)
SCALARS: Final = 8  # bytes: the loss, and the weight of all targets, which the account leaves out
SHOWN: Final = 8


class Bytes(NamedTuple):
    """What forward keeps, and the peak."""

    kept: int
    peak: int


class Case(NamedTuple):
    """One config, traced and computed."""

    model: ModelConfig
    run: RunConfig
    traced: Bytes
    place: str
    computed: Bytes

    @property
    def error(self) -> float:
        """Computed against traced, signed."""
        return self.computed.peak / self.traced.peak - 1


def case_of(model: ModelConfig, run: RunConfig) -> Case:
    """Trace a config and compute it."""
    found, counted = trace(model, run), count_memory(model, run, "cpu")
    traced = Bytes(found.activations_bytes, found.peak_bytes)
    place = f"{found.peak_part}, {found.peak_op}"
    return Case(model, run, traced, place, Bytes(counted.activations_bytes, counted.peak_bytes))


def chapter(seed: int, count: int) -> str:
    """Trace so many configs; the text of the chapter."""
    found = list(cases(f"half {seed}", count, case_of, drawing=draw_in_half))
    return "\n".join([IN_HALF, _errors(found), _beyond(found), _kept(found), _worst(found)])


def _errors(found: list[Case]) -> str:
    groups = [("all", found)]
    groups += [(each, [case for case in found if case.run.precision == each]) for each in HALF]
    for attention in ("sdpa", "materialized"):
        for checkpointing in (False, True):
            name = f"{attention}, {'checkpointing' if checkpointing else 'all kept'}"
            kind = (attention, checkpointing)
            groups.append((name, [case for case in found if (case.run.attention, case.run.checkpointing) == kind]))
    places = sorted({case.place.split(",")[0] for case in found})
    groups += [(f"peak in {part}", [case for case in found if case.place.startswith(part)]) for part in places]
    rows = [_row(name, group) for name, group in groups if group]
    return table(("group", "configs", *[f"within {100 * bound:g} %" for bound in BOUNDS], "largest"), rows)


def _row(name: str, group: list[Case]) -> Sequence[object]:
    errors = [abs(case.error) for case in group]
    shares = [sum(error <= bound for error in errors) / len(errors) for bound in BOUNDS]
    return [name, len(group), *(f"{100 * share:.1f} %" for share in shares), f"{100 * max(errors):.3f} %"]


def _beyond(found: list[Case]) -> str:
    """Those beyond the last bound once more without what is left out of a step: all that it has for biases."""
    beyond = [case for case in found if abs(case.error) > BOUNDS[-1]]
    if not beyond:
        return f"None is beyond {100 * BOUNDS[-1]:g} %.\n"
    plain = [case_of(replace(case.model, bias=False, qkv_bias=False), case.run) for case in beyond]
    return (
        f"{len(beyond)} are beyond {100 * BOUNDS[-1]:g} %, steps of at most "
        f"{byte_size(max(case.traced.peak for case in beyond))}. Left out are copies and gradients of biases: the same "
        f"configs without biases are off by at most {100 * max(abs(case.error) for case in plain):.3f} %.\n"
    )


def _kept(found: list[Case]) -> str:
    same = sum(0 <= case.traced.kept - case.computed.kept <= SCALARS for case in found)
    told = f"at most {SCALARS} bytes, in {same} of {len(found)}"
    return f"What forward keeps is the traced one but for scalars, {told}.\n"


def _worst(found: list[Case]) -> str:
    rows = []
    for case in sorted(found, key=lambda case: -abs(case.error))[:SHOWN]:
        settings = f"`{' '.join(to_settings(case.model, case.run))}`"
        rows.append((byte_size(case.traced.peak), f"{100 * case.error:+.3f} %", case.place, settings))
    return table(("traced", "error", "peak in", "config"), rows)
