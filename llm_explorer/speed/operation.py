"""One operation of a training step as plain data."""

from math import prod
from typing import Final, Literal, NamedTuple

Phase = Literal["forward", "backward", "optimizer"]

PRODUCTS: Final = ("linear", "input gradient", "weight gradient")
ATTENTIONS: Final = tuple(
    f"{kernel} attention{way}" for kernel in ("flash", "math", "materialized") for way in ("", " backward")
)

CHECKPOINTS: Final = ("checkpoint", "checkpoint backward")  # the call itself: the repeated block has its own operations


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
