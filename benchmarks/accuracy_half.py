"""GPT-2 in half types with dropout: both descriptions of a step, by hand and on the tape, against traces."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from benchmarks.accuracy_configs import HALF, cases, draw_in_half
from benchmarks.accuracy_text import IN_HALF, table
from llm_explorer.accounting import modern_moments, moments
from llm_explorer.accounting.kernels import KernelSet
from llm_explorer.accounting.memory import memory_letters, recipe_of
from llm_explorer.accounting.moments import Plan
from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.formats import to_settings
from llm_explorer.tracing.trace import trace
from llm_explorer.units import byte_size

DESCRIPTIONS: Final = ("on the tape", "by hand")
BOUNDS: Final = (0.001, 0.002)
SCALARS: Final = 8  # bytes: the loss, and the weight of all targets, which no description has
SHOWN: Final = 4


class Bytes(NamedTuple):
    """What forward keeps, and the peak."""

    kept: int
    peak: int


class Case(NamedTuple):
    """One config, traced and by each of the descriptions; ``cuda`` is with CUDA's kernels."""

    model: ModelConfig
    run: RunConfig
    traced: Bytes
    place: str
    computed: tuple[Bytes, ...]
    cuda: tuple[Bytes, ...]

    def error(self, number: int) -> float:
        """Computed by a description against traced, signed."""
        return self.computed[number].peak / self.traced.peak - 1


def case_of(model: ModelConfig, run: RunConfig) -> Case:
    """Trace a config and compute it in all ways."""
    found = trace(model, run)
    return Case(
        model,
        run,
        Bytes(found.activations_bytes, found.peak_bytes),
        f"{found.peak_part}, {found.peak_op}",
        _described(model, run, "cpu"),
        _described(model, run, "cuda"),
    )


def _described(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> tuple[Bytes, ...]:
    recipe, letters = recipe_of(model, run, kernels), memory_letters(model, run, kernels)

    def follow(plan: Plan) -> Bytes:
        kept, _optimizer, *peaks = plan.sums(**letters)
        return Bytes(kept, max(peaks))

    return follow(modern_moments.plan(recipe, structure_of(model).without_biases)), follow(moments.plan(recipe))


def chapter(seed: int, count: int) -> str:
    """Trace so many configs; the text of the chapter."""
    found = list(cases(f"half {seed}", count, case_of, drawing=draw_in_half))
    return "\n".join([IN_HALF, _errors(found), _beyond(found), _kept(found), _on_cuda(found), _worst(found)])


def _errors(found: list[Case]) -> str:
    groups: list[tuple[str, Callable[[Case], bool]]] = [("all", lambda _: True)]
    groups += [(each, lambda case, each=each: case.run.precision == each) for each in HALF]
    for attention in ("sdpa", "materialized"):
        for checkpointing in (False, True):
            name = f"{attention}, {'checkpointing' if checkpointing else 'all kept'}"
            kind = (attention, checkpointing)
            groups.append((name, lambda case, kind=kind: (case.run.attention, case.run.checkpointing) == kind))
    places = sorted({case.place.split(",")[0] for case in found})
    groups += [(f"peak in {part}", lambda case, part=part: case.place.startswith(part)) for part in places]
    columns = [f"{name}: {what}" for name in DESCRIPTIONS for what in (*map(_bound, BOUNDS), "largest")]
    rows = [_row(name, group) for name, belongs in groups if (group := [case for case in found if belongs(case)])]
    return table(("group", "configs", *columns), rows)


def _bound(bound: float) -> str:
    return f"within {100 * bound:g} %"


def _row(name: str, group: list[Case]) -> Sequence[object]:
    cells: list[object] = [name, len(group)]
    for number in range(len(DESCRIPTIONS)):
        errors = [abs(case.error(number)) for case in group]
        shares = [sum(error <= bound for error in errors) / len(errors) for bound in BOUNDS]
        cells += [f"{100 * share:.1f} %" for share in shares]
        cells.append(f"{100 * max(errors):.3f} %")
    return cells


def _beyond(found: list[Case]) -> str:
    """Those beyond the last bound once more without what is left out of a step: all that it has for biases."""
    beyond = [
        case for case in found if max(abs(case.error(number)) for number in range(len(DESCRIPTIONS))) > BOUNDS[-1]
    ]
    if not beyond:
        return f"None is beyond {100 * BOUNDS[-1]:g} %.\n"
    plain = [case_of(replace(case.model, bias=False, qkv_bias=False), case.run) for case in beyond]
    largest = [max(abs(case.error(number)) for case in plain) for number in range(len(DESCRIPTIONS))]
    told = ", ".join(f"{100 * error:.3f} % {name}" for name, error in zip(DESCRIPTIONS, largest, strict=True))
    return (
        f"{len(beyond)} are beyond {100 * BOUNDS[-1]:g} %, steps of at most "
        f"{byte_size(max(case.traced.peak for case in beyond))}. Left out are copies and gradients of biases: the same "
        f"configs without biases are off by at most {told}.\n"
    )


def _kept(found: list[Case]) -> str:
    same = [
        sum(0 <= case.traced.kept - case.computed[number].kept <= SCALARS for case in found)
        for number in range(len(DESCRIPTIONS))
    ]
    told = ", ".join(f"{name} in {count}" for name, count in zip(DESCRIPTIONS, same, strict=True))
    return f"What forward keeps is the traced one but for scalars, at most {SCALARS} bytes: {told} of {len(found)}.\n"


def _on_cuda(found: list[Case]) -> str:
    errors = [abs(tape.peak / hand.peak - 1) for tape, hand in (case.cuda for case in found)]
    same = sum(not error for error in errors)
    return (
        f"With CUDA's kernels, which nothing traces here, the peaks of both are the same to the byte in {same} of "
        f"{len(found)} and at most {100 * max(errors):.3f} % apart.\n"
    )


def _worst(found: list[Case]) -> str:
    rows = []
    for number, name in enumerate(DESCRIPTIONS):
        for case in sorted(found, key=lambda case: -abs(case.error(number)))[:SHOWN]:
            errors = [f"{100 * case.error(each):+.3f} %" for each in range(len(DESCRIPTIONS))]
            settings = f"`{' '.join(to_settings(case.model, case.run))}`"
            rows.append((f"worst {name}", byte_size(case.traced.peak), *errors, case.place, settings))
    return table(("", "traced", *DESCRIPTIONS, "peak in", "config"), rows)
