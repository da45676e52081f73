"""The weights of a model that only answers, in four formats, by formula.

float32 and bfloat16 hold every weight in that format, as this model does. int8 and int4 hold the matrices of the blocks
so, and all else (embeddings, head, norms, biases, routers) in bf16, as bitsandbytes and GPTQ leave it. Each output row
of a matrix has one fp16 scale in int8 (LLM.int8, arXiv 2208.07339), and one for every 128 inputs in int4 (the usual
group of GPTQ, arXiv 2210.17323); both are symmetric, so there are no zero points. No code here runs them.
"""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import Leaf, Row, leaf, model_letters, total
from llm_explorer.accounting.structure import Structure, structure_of
from llm_explorer.config import ModelConfig

WeightFormat = Literal["float32", "bfloat16", "int8", "int4"]
GROUP: Final = 128  # inputs that share a scale in int4
_COMPONENT: Final = "inference weights"


class InferenceWeights(NamedTuple):
    """The weights in a format, and whether it was verified on a module really built: int8 and int4 never were."""

    format: WeightFormat
    verified: bool
    rows: tuple[Row, ...]

    @property
    def bytes(self) -> int:
        """All rows together."""
        return total(self.rows)


def inference_weights(model: ModelConfig) -> tuple[InferenceWeights, ...]:
    """The weights in every format.

    >>> [weights.bytes // 10**6 for weights in inference_weights(ModelConfig())]
    [652, 326, 241, 199]
    """
    letters = inference_letters(model)
    return tuple(
        [
            InferenceWeights(name, not name.startswith("int"), tuple([each.row(letters, "bytes") for each in leaves]))
            for name, leaves in _leaves(structure_of(model)).items()
        ]
    )


def inference_letters(model: ModelConfig) -> dict[str, int]:
    """The letters of these formulas: P parameters, groups of 128 inputs: d in D, f in F, h in N H and u in S F."""
    letters = model_letters(model)
    inputs = {"d": letters["D"], "f": letters["F"], "h": letters["N"] * letters["H"], "u": letters["S"] * letters["F"]}
    groups = {letter: -(-width // GROUP) for letter, width in inputs.items()}
    return letters | groups | {"P": total(parameter_rows(model, letters))}


class _Sizes(NamedTuple):
    """Of the matrices of a block: their values, half of these, their rows, and their rows times groups."""

    matrices: str
    half: str
    rows: str
    groups: str


@lru_cache(maxsize=256)
def _leaves(structure: Structure) -> dict[WeightFormat, tuple[Leaf, ...]]:
    sizes = _sizes(structure)
    rest = leaf("all else in bf16", _COMPONENT, f"2 * (P - L * ({sizes.matrices}))")
    row_scales = leaf("a scale an output row", _COMPONENT, f"2 * ({sizes.rows})", repeats="L")
    group_scales = leaf("a scale for 128 inputs", _COMPONENT, f"2 * ({sizes.groups})", repeats="L")
    return {
        "float32": (leaf("weights", _COMPONENT, "4 * P"),),
        "bfloat16": (leaf("weights", _COMPONENT, "2 * P"),),
        "int8": (leaf("matrices of the blocks", _COMPONENT, sizes.matrices, repeats="L"), row_scales, rest),
        "int4": (leaf("matrices of the blocks", _COMPONENT, sizes.half, repeats="L"), group_scales, rest),
    }


def _sizes(structure: Structure) -> _Sizes:
    if structure.plain_heads and not structure.gated and not structure.experts:  # GPT-2's
        return _Sizes("4 * D**2 + 2 * D * F", "2 * D**2 + D * F", "5 * D + F", "(4 * D + F) * d + D * f")
    up, matrices = "2 * " if structure.gated else "", len(structure.matrices())
    one = _Sizes(f"{matrices} * D * F", "", f"{up}F + D", f"{up}F * d + D * f")
    shared = structure.shared
    if structure.experts:
        number = "(E + S)" if shared else "E"
        one = _Sizes(f"{matrices} * {number} * D * F", "", f"E * ({one.rows})", f"E * ({one.groups})")
    return _Sizes(
        f"2 * D * (N + K) * H + {one.matrices}",
        f"D * (N + K) * H + ({one.matrices} + 1) // 2",
        f"(N + 2 * K) * H + D + {one.rows}" + (f" + {up}S * F + D" if shared else ""),
        f"(N + 2 * K) * H * d + D * h + {one.groups}" + (f" + {up}S * F * d + D * u" if shared else ""),
    )
