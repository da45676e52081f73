"""Every operation of one training step as plain data: what it computes, how often, and the bytes it moves.

What a GPT of this package does with torch 2.13 on a CPU; on CUDA fewer, larger kernels do the same work. Only matrix
products have FLOPs, by the conventions of accounting/flops.py; bytes are those of the tensors read and written, each
once, wherever they come from.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import prod
from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.kernels import KernelSet, byte_letters, kernels_of
from llm_explorer.accounting.lifetimes import (
    ATTENTION,
    EMBEDDINGS,
    FEED_FORWARD,
    HEAD,
    LOSS,
    NORMS,
    RESIDUAL,
    UPDATE,
)
from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import letters_of, total
from llm_explorer.config import ModelConfig, RunConfig

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


@lru_cache(maxsize=256)  # the pages, the chart and the prediction ask for the same
def operations(model: ModelConfig, run: RunConfig, kernels: KernelSet = "cpu") -> tuple[Operation, ...]:
    """All operations of one step, of all its micro-batches, in the order of forward, backward and optimizer.

    >>> first = operations(ModelConfig(), RunConfig())[4]
    >>> first.kind, first.component, first.sizes, first.times
    ('norm', 'norms', (512, 768), 12)
    """
    step = _Step(model, run, kernels)
    once = (*step.forward(), *step.backward())
    found = [each._replace(times=each.times * run.accumulation) for each in once]
    if run.accumulation > 1:
        sums = step.values("accumulate", UPDATE, (step.parameters,), 2 * step.w, step.w)
        found.append(sums._replace(phase="backward", times=run.accumulation - 1))
    return (*found, *_phase("optimizer", step.update(run)))


class _Step:
    """The sizes of one micro-batch, and what is made of them. Letters as everywhere; R = B T."""

    def __init__(self, model: ModelConfig, run: RunConfig, kernels: KernelSet) -> None:
        letters = letters_of(model, run)
        self.V, self.D, self.L, self.F = (letters[letter] for letter in "VDLF")
        self.R = letters["B"] * letters["T"]
        self.heads = (letters["B"] * letters["N"], letters["T"], letters["H"])
        self.positions, self.context, self.batch = letters["T"], letters["C"], letters["B"]
        self.kernels = kernels_of(model, run, kernels)
        widths = byte_letters(self.kernels)
        self.a, self.r, self.w = widths["a"], widths["r"], widths["w"]
        self.model, self.chunk = model, run.loss_chunk
        rows = parameter_rows(model, letters)
        self.parameters, self.tensors = total(rows), sum([row.repeats for row in rows])

    # the three kinds of operations

    def values(self, kind: str, component: str, sizes: tuple[int, ...], read: int, written: int) -> Operation:
        """One that reads and writes so many bytes for each value of its result."""
        count = prod(sizes)
        return Operation(kind, component, "forward", sizes, 0, read * count, written * count, 1)

    def product(self, kind: str, component: str, rows: int, inputs: int, outputs: int) -> Operation:
        """One matrix product of a linear layer: forward, or the gradient of its input or of its weight."""
        left, right, weight = self.a * rows * inputs, self.a * rows * outputs, self.a * inputs * outputs
        written = {"linear": right, "input gradient": left, "weight gradient": weight}[kind]
        read = left + right + weight - written
        return Operation(
            kind, component, "forward", (rows, inputs, outputs), 2 * rows * inputs * outputs, read, written, 1
        )

    def attend(self, *, backward: bool) -> Operation:
        """Attention from queries, keys and values to the heads side by side, in one piece."""
        pairs, (count, length, width) = self.a * self.R * self.D, self.heads
        # what is not fused writes and reads its T x T weights a few times: product, mask, softmax, product
        squares = 0 if self.kernels.attention == "flash" else 3 * self.a * count * length**2
        kind = f"{self.kernels.attention} attention" + (" backward" if backward else "")
        flops = 4 * count * length**2 * width * (2 if backward else 1)
        read, written = (5, 3) if backward else (3, 1)
        return Operation(
            kind, ATTENTION, "forward", self.heads, flops, read * pairs + squares, written * pairs + squares, 1
        )

    # forward

    def forward(self) -> Iterator[Operation]:
        yield from _phase("forward", self._embed())
        if self.kernels.checkpointing:
            yield from _phase("forward", (self.values("checkpoint", RESIDUAL, (1,), 0, 0),), self.L)
        yield from _phase("forward", self._block(), self.L)
        yield from _phase("forward", (self._norm(), *self._cast_input(NORMS)))
        yield from _phase("forward", self._chunked_loss() if self.chunk else self._loss())

    def _embed(self) -> Iterator[Operation]:
        shape = (self.R, self.D)
        yield self.values("embedding", EMBEDDINGS, shape, self.w, self.w)
        yield self.values("embedding", EMBEDDINGS, (self.positions, self.D), self.w, self.w)
        yield self.values("add", EMBEDDINGS, shape, 2 * self.w, self.w)
        if self.kernels.dropout:
            yield self.values("dropout", EMBEDDINGS, shape, self.r, 2 * self.r)

    def _block(self, *, again: bool = False) -> Iterator[Operation]:
        """One block; ``again`` under checkpointing, up to the last tensor that its backward needs."""
        yield self._norm()
        yield from self._cast_input(ATTENTION)
        yield from self._linear(ATTENTION, self.D, 3 * self.D)
        yield self.attend(backward=False)
        if self.kernels.attention == "materialized" and self.kernels.dropout:
            count, length, _ = self.heads
            yield self.values("dropout", ATTENTION, (count, length, length), self.a, 2 * self.a)
        yield from self._linear(ATTENTION, self.D, self.D)
        yield from self._drop_and_add(ATTENTION)
        yield self._norm()
        yield from self._cast_input(FEED_FORWARD)
        yield from self._linear(FEED_FORWARD, self.D, self.F)
        yield self.values("gelu", FEED_FORWARD, (self.R, self.F), self.a, self.a)
        if not again or self.kernels.dropout:
            yield from self._linear(FEED_FORWARD, self.F, self.D)
            yield from self._drop_and_add(FEED_FORWARD)

    def _norm(self) -> Operation:
        return self.values("norm", NORMS, (self.R, self.D), self.r, self.r)

    def _cast_input(self, component: str) -> Iterator[Operation]:
        if self.kernels.autocast:
            yield self.values("cast", component, (self.R, self.D), 4, 2)

    def _linear(self, component: str, inputs: int, outputs: int) -> Iterator[Operation]:
        if self.kernels.autocast:
            yield self.values("cast", component, (inputs, outputs), 4, 2)
        yield self.product("linear", component, self.R, inputs, outputs)

    def _drop_and_add(self, component: str) -> Iterator[Operation]:
        shape = (self.R, self.D)
        if self.kernels.dropout:
            yield self.values("dropout", component, shape, self.a, 2 * self.a)
        yield self.values("add", RESIDUAL, shape, self.a + self.r, self.r)

    def _loss(self) -> Iterator[Operation]:
        yield from self._linear(HEAD, self.D, self.V)
        yield self.values("cross-entropy", LOSS, (self.R, self.V), self.a, self.r)

    def _chunked_loss(self) -> Iterator[Operation]:
        """The loss and at once its gradients: fp32 logits of some token positions at a time, see loss.py."""
        assert self.chunk is not None
        weight = (self.V, self.D)
        if self.kernels.autocast:
            yield self.values("cast", HEAD, weight, 4, 2)
        yield self.values("fill", HEAD, weight, 0, 4)
        full, rest = divmod(self.R, self.chunk)
        for size, times in ((self.chunk, full), (rest, 1)):
            if size and times:
                each = [self.product(kind, HEAD, size, self.D, self.V) for kind in PRODUCTS]
                each.append(self.values("chunk's softmax", LOSS, (size, self.V), 4 * 4, 4 * 4))
                if self.a < 4:
                    each.append(self.values("accumulate", HEAD, weight, 6, 4))
                yield from [one._replace(times=times) for one in each]
        if self.w < 4:
            yield self.values("cast", HEAD, weight, 4, 2)

    # backward

    def backward(self) -> Iterator[Operation]:
        yield from _phase("backward", self._loss_backward())
        yield from _phase("backward", self._norm_backward(NORMS))
        yield from _phase("backward", self._block_backward(), self.L)
        yield from _phase("backward", self._embed_backward())

    def _loss_backward(self) -> Iterator[Operation]:
        if self.chunk is None:
            yield self.values("cross-entropy backward", LOSS, (self.R, self.V), self.r, self.a)
            yield from self._linear_backward(HEAD, self.D, self.V, bias=False)
        else:
            yield self.values("scale", LOSS, (self.R, self.D), self.a, self.a)
            yield self.values("scale", LOSS, (self.V, self.D), self.w, self.w)

    def _block_backward(self) -> Iterator[Operation]:
        if self.kernels.checkpointing:
            yield self.values("checkpoint backward", RESIDUAL, (1,), 0, 0)
            yield from self._block(again=True)
        yield from self._into_branch(FEED_FORWARD)
        yield from self._linear_backward(FEED_FORWARD, self.F, self.D, bias=self.model.bias)
        yield self.values("gelu backward", FEED_FORWARD, (self.R, self.F), 2 * self.a, self.a)
        yield from self._linear_backward(FEED_FORWARD, self.D, self.F, bias=self.model.bias)
        yield from self._out_of_branch(FEED_FORWARD)
        yield from self._into_branch(ATTENTION)
        yield from self._linear_backward(ATTENTION, self.D, self.D, bias=self.model.bias)
        yield self.attend(backward=True)
        if self.kernels.attention == "materialized" and self.kernels.dropout:
            count, length, _ = self.heads
            yield self.values("dropout backward", ATTENTION, (count, length, length), 2 * self.a, self.a)
        yield self.values("copy", ATTENTION, (self.R, 3 * self.D), self.a, self.a)  # of the three into one
        yield from self._linear_backward(ATTENTION, self.D, 3 * self.D, bias=self.model.qkv_bias)
        yield from self._out_of_branch(ATTENTION)

    def _into_branch(self, component: str) -> Iterator[Operation]:
        shape = (self.R, self.D)
        if self.kernels.autocast:
            yield self.values("cast", RESIDUAL, shape, 4, 2)
        if self.kernels.dropout:
            yield self.values("dropout backward", component, shape, 2 * self.a, self.a)

    def _out_of_branch(self, component: str) -> Iterator[Operation]:
        yield from self._norm_backward(component)
        yield self.values("accumulate", RESIDUAL, (self.R, self.D), 2 * self.r, self.r)

    def _norm_backward(self, component: str) -> Iterator[Operation]:
        shape = (self.R, self.D)
        if self.kernels.autocast:
            yield self.values("cast back", component, shape, 2, 4)
        yield self.values("norm backward", NORMS, shape, 2 * self.r, self.r)

    def _linear_backward(self, component: str, inputs: int, outputs: int, *, bias: bool) -> Iterator[Operation]:
        yield self.product("input gradient", component, self.R, inputs, outputs)
        yield self.product("weight gradient", component, self.R, inputs, outputs)
        if self.kernels.autocast:
            yield self.values("cast back", component, (inputs, outputs), 2, 4)
        if bias:
            yield self.values("bias gradient", component, (self.R, outputs), self.a, 0)

    def _embed_backward(self) -> Iterator[Operation]:
        if self.kernels.dropout:
            yield self.values("dropout backward", EMBEDDINGS, (self.R, self.D), 2 * self.r, self.r)
        if self.batch > 1:  # all sequences of the batch have the same positions
            yield self.values("bias gradient", EMBEDDINGS, (self.batch, self.positions * self.D), self.r, 0)
        for rows, vocabulary in ((self.positions, self.context), (self.R, self.V)):
            yield self.values("fill", EMBEDDINGS, (vocabulary, self.D), 0, self.w)
            yield self.values("scatter", EMBEDDINGS, (rows, self.D), 2 * self.w, self.w)
        if self.model.tie_embeddings:
            yield self.values("accumulate", EMBEDDINGS, (self.V, self.D), 2 * self.w, self.w)

    # optimizer

    def update(self, run: RunConfig) -> Iterator[Operation]:
        if run.optimizer == "none":
            return
        master = run.precision == "bfloat16_master"
        width, sizes = 4 if master else self.w, (self.parameters, self.tensors)
        read, written = (4, 3) if run.optimizer == "adamw" else (2, 1)  # weight, gradient and AdamW's two states
        kind = f"{run.optimizer} {run.optimizer_implementation} {'float32' if width == 4 else 'bfloat16'}"
        moved = width * self.parameters
        if master:
            yield Operation("cast back", UPDATE, "optimizer", sizes, 0, 2 * self.parameters, 4 * self.parameters, 1)
        yield Operation(kind, UPDATE, "optimizer", sizes, 0, read * moved, written * moved, 1)
        if master:
            yield Operation("cast", UPDATE, "optimizer", sizes, 0, 4 * self.parameters, 2 * self.parameters, 1)


def _phase(phase: Phase, found: Iterable[Operation], times: int = 1) -> Iterator[Operation]:
    for each in found:
        yield each._replace(phase=phase, times=each.times * times)
