"""The weights of a model that only answers, in four formats, by formula.

float32 and bfloat16 hold every weight in that format, as this model does. int8 and int4 hold the matrices of the blocks
so, and all else (embeddings, head, norms, biases) in bf16, as bitsandbytes and GPTQ leave it. Each output row of a
matrix has one fp16 scale in int8 (LLM.int8, arXiv 2208.07339), and one for every 128 inputs in int4 (the usual group
of GPTQ, arXiv 2210.17323); both are symmetric, so there are no zero points. No code here runs them.
"""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import Leaf, Row, leaf, model_letters, total
from llm_explorer.config import ModelConfig

WeightFormat = Literal["float32", "bfloat16", "int8", "int4"]
GROUP: Final = 128  # inputs that share a scale in int4
_MATRICES: Final = "4 * D**2 + 2 * D * F"
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
            for name, leaves in _leaves().items()
        ]
    )


def inference_letters(model: ModelConfig) -> dict[str, int]:
    """The letters of these formulas: P parameters, d and f groups of 128 inputs in D and in F."""
    letters = model_letters(model)
    rows = parameter_rows(model, letters)
    groups = {"d": -(-letters["D"] // GROUP), "f": -(-letters["F"] // GROUP)}
    return letters | groups | {"P": total(rows)}


@lru_cache(maxsize=1)
def _leaves() -> dict[WeightFormat, tuple[Leaf, ...]]:
    rest = leaf("all else in bf16", _COMPONENT, f"2 * (P - L * ({_MATRICES}))")
    row_scales = leaf("a scale an output row", _COMPONENT, "2 * (5 * D + F)", repeats="L")
    group_scales = leaf("a scale for 128 inputs", _COMPONENT, "2 * ((4 * D + F) * d + D * f)", repeats="L")
    return {
        "float32": (leaf("weights", _COMPONENT, "4 * P"),),
        "bfloat16": (leaf("weights", _COMPONENT, "2 * P"),),
        "int8": (leaf("matrices of the blocks", _COMPONENT, _MATRICES, repeats="L"), row_scales, rest),
        "int4": (leaf("matrices of the blocks", _COMPONENT, "2 * D**2 + D * F", repeats="L"), group_scales, rest),
    }
