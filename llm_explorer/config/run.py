"""How one training step is run."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from llm_explorer.config.base import Config, replace
from llm_explorer.config.model import ModelConfig
from llm_explorer.config.problems import ConfigError, Problem
from llm_explorer.config.rules import run_problems
from llm_explorer.hardware import THIS_MACHINE

DEFAULT_SEQUENCE: Final = 256  # a step at the full context of GPT-2 takes seconds on a laptop
# rows of the head that a loss in chunks (loss.py) sums the gradient of at once: 12 steps for GPT-2's 50,257
HEAD_ROWS_AT_ONCE: Final = 4096

Precision = Literal["float32", "autocast", "bfloat16", "bfloat16_master"]
Optimizer = Literal["adamw", "sgd", "none"]
OptimizerImplementation = Literal["fused", "foreach", "for_loop"]
Attention = Literal["sdpa", "materialized"]
Bf16Products = Literal["own", "torch"]


class RunConfig(Config):
    """How one training step is run, where it really runs (device) and what it is sized for (hardware).

    ``sequence_length=None`` is min(C, 256); ``threads=None`` is physical cores - 1, at least 1; ``loss_chunk`` is how
    many of the B T token positions have logits at once, None: all. ``bf16_products`` is about CPUs without instructions
    for bf16 only: see measure/bf16_on_old_cpus/.
    """

    device: str = "cpu"
    hardware: str = THIS_MACHINE
    precision: Precision = "float32"
    batch_size: Annotated[int, Field(ge=1, le=1_048_576)] = 2
    sequence_length: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    accumulation: Annotated[int, Field(ge=1, le=65_536)] = 1
    optimizer: Optimizer = "adamw"
    optimizer_implementation: OptimizerImplementation = "fused"
    attention: Attention = "sdpa"
    checkpointing: bool = False
    loss_chunk: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    bf16_products: Bf16Products = "own"
    threads: Annotated[int | None, Field(ge=1, le=1_024)] = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0

    def sequence(self, model: ModelConfig) -> int:
        """T, the tokens of one sequence of a batch."""
        return min(model.context_length, DEFAULT_SEQUENCE) if self.sequence_length is None else self.sequence_length

    def regardless_of(self, *fields: str) -> "RunConfig":
        """The run with these fields as they are by default: two that differ in nothing else are then equal.

        >>> RunConfig(threads=2, seed=1).regardless_of("threads", "seed") == RunConfig()
        True
        """
        return replace(self, **{field: type(self).model_fields[field].default for field in fields})

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        return run_problems(sound)


def check(model: ModelConfig, run: RunConfig) -> None:
    """Raise ConfigError where the two do not go together."""
    length, context = run.sequence(model), model.context_length
    if length > context:
        message = (
            f"sequence_length={length} is longer than context_length={context}: the model has positions for "
            f"{context} tokens; use at most {context}, or a longer context"
        )
        fixes = (("sequence_length", context), ("context_length", length))
        raise ConfigError([Problem("sequence_length", length, message, fixes)])


def choices(field: str) -> tuple[Any, ...]:
    """The values a RunConfig field of fixed choices takes: 'optimizer' -> ('adamw', 'sgd', 'none')."""
    return get_args(RunConfig.model_fields[field].annotation)


def logits_row(vocab_size: int) -> int:
    """Z values that a row of V logits lies in where they are made some rows at a time (loss.py): 50,257 -> 50,288.

    An odd number of 16 values, in fp32 of cache lines: the head's product is then 1.3 times as fast as with rows of
    50,257 (D=384, 512 positions, fp32, AMD EPYC, 1 thread, 2026-11), and the rows of V=32,768, which begin at the same
    places of a cache, do not push each other out of it (the weights' gradient is 1.35 times as fast).
    """
    return 16 * (-(-vocab_size // 16) | 1)
