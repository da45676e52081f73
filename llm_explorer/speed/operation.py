"""One operation of a training step as plain data."""

from collections.abc import Iterable
from itertools import chain, product
from math import prod
from typing import Final, Literal, NamedTuple

Phase = Literal["forward", "backward", "optimizer"]
Recipe = Literal["float32", "autocast", "bfloat16"]

PRODUCTS: Final = ("linear", "input gradient", "weight gradient")
ATTENTIONS: Final = tuple(
    f"{kernel} attention{way}" for kernel in ("flash", "math", "materialized") for way in ("", " backward")
)

CHECKPOINTS: Final = ("checkpoint", "checkpoint backward")  # the call itself: the repeated block has its own operations
VALUES: Final = (
    "add", "accumulate", "scale", "copy", "fill", "cast", "cast back", "dropout", "dropout backward", "bias gradient",
    "embedding", "scatter", "chunk's softmax", "cross-entropy", "cross-entropy backward", "norm", "norm backward",
    "gelu", "gelu backward",
)  # fmt: skip


def updates_of(recipe: Recipe) -> tuple[tuple[str, str, str], ...]:
    """Optimizer, implementation and dtype of each update that a step may end with."""
    dtypes = ("float32", "bfloat16") if recipe == "bfloat16" else ("float32",)
    return tuple(product(("adamw", "sgd"), ("fused", "foreach", "for_loop"), dtypes))


def kinds_of(recipe: Recipe) -> tuple[str, ...]:
    """Every kind of operation that a step may have.

    >>> kinds_of("float32")[-1]
    'sgd for_loop float32'
    """
    return (*PRODUCTS, *ATTENTIONS, *CHECKPOINTS, *VALUES, *map(" ".join, updates_of(recipe)))


class Operation(NamedTuple):
    """One operation that occurs ``times`` in a step; FLOPs and bytes are of one occurrence.

    ``sizes``: of a product (rows, inputs, outputs of the linear layer); of attention (B N, T, H); of the optimizer
    (parameters, tensors); else the shape of what it makes.
    """

    kind: str
    component: str
    phase: Phase
    sizes: tuple[int, ...]
    flops: int
    read_bytes: int
    written_bytes: int
    times: int

    @property
    def work(self) -> int:
        """What its time grows with: FLOPs, or values where it has none."""
        return self.flops or (self.sizes[0] if self.phase == "optimizer" else prod(self.sizes))

    @property
    def bytes(self) -> int:
        """Read and written."""
        return self.read_bytes + self.written_bytes

    @property
    def calls(self) -> int:
        """How often torch is called in a step: the optimizer takes its tensors one by one."""
        return self.times * (self.sizes[1] if self.phase == "optimizer" else 1)


class Part(NamedTuple):
    """What a part of the model does in forward, and what in backward."""

    forward: tuple[Operation, ...] = ()
    backward: tuple[Operation, ...] = ()

    def repeated(self, times: int) -> "Part":
        """The same, so many times, and each operation in its phase."""
        return Part(_repeated("forward", self.forward, times), _repeated("backward", self.backward, times))


def _repeated(phase: Phase, found: Iterable[Operation], times: int) -> tuple[Operation, ...]:
    return tuple([Operation._make((*each[:2], phase, *each[3:-1], each.times * times)) for each in found])


NOTHING: Final = Part()


def in_turn(*parts: Part) -> Part:
    """One after the other: backward begins with the last."""
    return Part(_joined([each.forward for each in parts]), _joined([each.backward for each in reversed(parts)]))


def side_by_side(*parts: Part) -> Part:
    """None needs what another makes: backward has them in the same order."""
    return Part(_joined([each.forward for each in parts]), _joined([each.backward for each in parts]))


def _joined(found: Iterable[tuple[Operation, ...]]) -> tuple[Operation, ...]:
    return tuple(chain.from_iterable(found))
