"""The operations of one block, forward and backward, by the choices of its structure.

Kinds stand for others whose work is alike: SiLU and tanh for GELU, a square or a negation for "scale", a product of two
tensors for "accumulate", a sum over a dimension for "bias gradient", rows looked up for "embedding" and added up for
"scatter". A window's attention is the usual kernel's: on a CPU it multiplies all pairs and adds a mask.
"""

from collections.abc import Iterator
from math import prod

from llm_explorer.accounting.flops import last_product
from llm_explorer.accounting.kernels import KernelSet, byte_letters, kernels_of
from llm_explorer.accounting.rows import letters_of
from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import ATTENTION, FEED_FORWARD, NORMS, RESIDUAL
from llm_explorer.speed.operation import Operation


class Blocks:
    """The sizes of one micro-batch, and what a block makes of them. Letters as everywhere; R = B T, Q = N H."""

    def __init__(self, model: ModelConfig, run: RunConfig, kernels: KernelSet) -> None:
        letters = letters_of(model, run)
        self.V, self.D, self.L, self.F, self.E = (letters[letter] for letter in "VDLFE")
        self.R = letters["B"] * letters["T"]
        self.heads = (letters["B"] * letters["N"], letters["T"], letters["H"])
        self.Q, self.keys = letters["N"] * letters["H"], letters["K"] * letters["H"]
        self.routed, self.shared = self.R * letters["k"], letters["S"] * letters["F"]
        self.positions, self.context, self.batch = letters["T"], letters["C"], letters["B"]
        self.kernels, self.structure = kernels_of(model, run, kernels), structure_of(model)
        widths = byte_letters(self.kernels)
        self.a, self.r, self.w = widths["a"], widths["r"], widths["w"]
        self.model, self.chunk = model, run.loss_chunk

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
        count, length, width = self.heads
        queries, pairs = self.a * self.R * self.Q, self.a * self.R * (self.Q + 2 * self.keys)
        # what is not fused writes and reads its T x T weights a few times: product, mask, softmax, product
        squares = 0 if self.kernels.attention == "flash" else 3 * self.a * count * length**2
        kind = f"{self.kernels.attention} attention" + (" backward" if backward else "")
        flops = 4 * count * length**2 * width * (2 if backward else 1)
        read, written = (pairs + 2 * queries, pairs) if backward else (pairs, queries)
        return Operation(kind, ATTENTION, "forward", self.heads, flops, read + squares, written + squares, 1)

    # forward

    def block(self, *, again: bool = False) -> Iterator[Operation]:
        """One block; ``again`` under checkpointing, up to the last tensor that its backward needs."""
        if self.structure.norms_before:
            yield from self.norm()
            yield from self.cast_input(ATTENTION)
        yield from self._attention()
        yield from self._drop_and_add(ATTENTION)
        if self.structure.norms_before and not self.structure.one_norm:
            yield from self.norm()
        once = last_product(self.structure, dropout=self.kernels.dropout) if again else None
        yield from self._feed_forward(once)
        if once is None:
            yield from self._drop_and_add(FEED_FORWARD)

    def norm(self, rows: int = 0, width: int = 0) -> Iterator[Operation]:
        """A norm of R rows of D values unless told: LayerNorm in one operation, RMSNorm on a CPU in several."""
        shape = (rows or self.R, width or self.D)
        if not self._norm_in_pieces:
            yield self.values("norm", NORMS, shape, self.r, self.r)
            return
        yield from self._cast_for_norm(shape, "cast back")
        yield self.values("bias gradient", NORMS, shape, 4, 0)  # the mean of squares
        for _ in range(3):  # squares, times their size, times the weights
            yield self.values("scale", NORMS, shape, 4, 4)
        yield from self._cast_for_norm(shape, "cast")

    @property
    def _norm_in_pieces(self) -> bool:
        return self.structure.norm == "rmsnorm" and not self.kernels.cuda

    def _cast_for_norm(self, shape: tuple[int, int], kind: str) -> Iterator[Operation]:
        if self.r == 2:
            yield self.values(kind, NORMS, shape, *((2, 4) if kind == "cast back" else (4, 2)))

    def cast_input(self, component: str) -> Iterator[Operation]:
        """What autocast casts before a product."""
        if self.kernels.autocast:
            yield self.values("cast", component, (self.R, self.D), 4, 2)

    def linear(self, component: str, inputs: int, outputs: int, rows: int = 0) -> Iterator[Operation]:
        """The product of a linear layer, of R rows unless told."""
        if self.kernels.autocast:
            yield self.values("cast", component, (inputs, outputs), 4, 2)
        yield self.product("linear", component, rows or self.R, inputs, outputs)

    def _attention(self) -> Iterator[Operation]:
        structure = self.structure
        if not structure.norms_before:
            yield from self.cast_input(ATTENTION)
        yield from self.linear(ATTENTION, self.D, self.Q + 2 * self.keys)
        for width in (self.Q, self.keys) if structure.qk_norm != "none" else ():
            yield from self.norm(self.R, width)
        for width in (self.Q, self.keys) if structure.positions == "rope" else ():
            yield from self._rotated(width)
        if self.kernels.attention != "flash" and structure.grouped:
            for _ in "kv":
                yield self.values("copy", ATTENTION, (self.R, self.Q), self.a, self.a)
        yield self.attend(backward=False)
        yield from self._on_scores()
        if self._copies_heads:
            yield self.values("copy", ATTENTION, (self.R, self.Q), self.a, self.a)
        yield from self.linear(ATTENTION, self.Q, self.D)

    @property
    def _copies_heads(self) -> bool:
        """Whether the heads of a fused kernel's output lie one after the other, as its rotated queries do."""
        laid_out = self.structure.positions == "rope" or self.structure.qk_norm == "head"
        return self.kernels.attention == "flash" and laid_out and not self.kernels.one_head

    def _on_scores(self) -> Iterator[Operation]:
        """What is done to the T x T scores beside the kernel's own."""
        count, length, _ = self.heads
        square = (count, length, length)
        if self.structure.attention_softcap:
            for kind in ("scale", "gelu", "scale"):
                yield self.values(kind, ATTENTION, square, self.a, self.a)
        if self.kernels.attention == "materialized" and self.kernels.dropout:
            yield self.values("dropout", ATTENTION, square, self.a, 2 * self.a)

    def _rotated(self, width: int) -> Iterator[Operation]:
        """Four products of halves, two sums of halves, and both halves side by side."""
        shape = (self.R, width)
        for _ in range(2):
            yield self.values("scale", ATTENTION, shape, self.a, self.a)
        yield self.values("accumulate", ATTENTION, shape, 2 * self.a, self.a)
        yield self.values("copy", ATTENTION, shape, self.a, self.a)

    def _drop_and_add(self, component: str) -> Iterator[Operation]:
        shape = (self.R, self.D)
        if self.kernels.dropout:
            yield self.values("dropout", component, shape, self.a, 2 * self.a)
        if self.structure.norms_after:
            yield from self.norm()
        yield self.values("add", RESIDUAL, shape, self.a + self.r, self.r)

    def _feed_forward(self, once: str | None) -> Iterator[Operation]:
        if not self.E:
            yield from self._dense(self.F, last=once is None)
            return
        yield from self._routed()
        if self.structure.shared:
            yield from self._dense(self.shared, last=once is None)
            yield self.values("add", FEED_FORWARD, (self.R, self.D), 2 * self.a, self.a)

    def _dense(self, width: int, *, last: bool) -> Iterator[Operation]:
        for _ in self._firsts:
            yield from self.cast_input(FEED_FORWARD)
            yield from self.linear(FEED_FORWARD, self.D, width)
        yield from self._activation((self.R, width))
        if last:
            yield from self.linear(FEED_FORWARD, width, self.D)

    @property
    def _firsts(self) -> tuple[str, ...]:
        return ("gate", "up") if self.structure.gated else ("up",)

    def _activation(self, shape: tuple[int, int], component: str = FEED_FORWARD) -> Iterator[Operation]:
        relu = self.structure.activation == "relu"
        yield self.values("scale" if relu else "gelu", component, shape, self.a, self.a)
        if self.structure.gated:
            yield self.values("accumulate", component, shape, 2 * self.a, self.a)

    def _routed(self) -> Iterator[Operation]:
        """Rows looked up in the order of their experts, through these, weighed and added where they came from."""
        rows, whole = (self.routed, self.D), (self.R, self.D)
        yield from self.cast_input(FEED_FORWARD)
        yield from self.linear(FEED_FORWARD, self.D, self.E)
        yield self.values("embedding", FEED_FORWARD, rows, self.r, self.r)
        for count, times in self._shares():
            found = [*self._one_expert(count)]
            yield from [each._replace(times=times) for each in found]
        yield self.values("copy", FEED_FORWARD, rows, self.a, self.a)
        yield self.values("scale", FEED_FORWARD, rows, self.a, self.a)
        yield self.values("fill", FEED_FORWARD, whole, 0, self.a)
        yield self.values("scatter", FEED_FORWARD, rows, 2 * self.a, self.a)

    def _shares(self) -> list[tuple[int, int]]:
        """Rows of an expert, and how many experts have as many: as evenly as can be."""
        each, more = divmod(self.routed, self.E)
        return [(rows, times) for rows, times in ((each + 1, more), (each, self.E - more)) if rows and times]

    def _one_expert(self, rows: int) -> Iterator[Operation]:
        for _ in self._firsts:
            if self.kernels.autocast:
                yield self.values("cast", FEED_FORWARD, (rows, self.D), 4, 2)
            yield from self.linear(FEED_FORWARD, self.D, self.F, rows)
        yield from self._activation((rows, self.F))
        yield from self.linear(FEED_FORWARD, self.F, self.D, rows)

    # backward

    def block_backward(self) -> Iterator[Operation]:
        """One block's."""
        if self.kernels.checkpointing:
            yield self.values("checkpoint backward", RESIDUAL, (1,), 0, 0)
            yield from self.block(again=True)
        yield from self._into_branch(FEED_FORWARD)
        yield from self._feed_forward_backward()
        if not self.structure.one_norm:
            yield from self._out_of_branch(FEED_FORWARD)
        yield from self._into_branch(ATTENTION)
        yield from self._attention_backward()
        yield from self._out_of_branch(ATTENTION)

    def _into_branch(self, component: str) -> Iterator[Operation]:
        shape = (self.R, self.D)
        if self.kernels.autocast:
            yield self.values("cast", RESIDUAL, shape, 4, 2)
        if self.structure.norms_after:
            yield from self.norm_backward()
        if self.kernels.dropout:
            yield self.values("dropout backward", component, shape, 2 * self.a, self.a)

    def _out_of_branch(self, component: str) -> Iterator[Operation]:
        if self.structure.norms_before:
            yield from self._cast_back(component, (self.R, self.D))
            yield from self.norm_backward()
        yield self.values("accumulate", RESIDUAL, (self.R, self.D), 2 * self.r, self.r)

    def _cast_back(self, component: str, shape: tuple[int, int]) -> Iterator[Operation]:
        if self.kernels.autocast:
            yield self.values("cast back", component, shape, 2, 4)

    def norm_backward(self, rows: int = 0, width: int = 0) -> Iterator[Operation]:
        """Of R rows of D values unless told."""
        shape = (rows or self.R, width or self.D)
        if not self._norm_in_pieces:
            yield self.values("norm backward", NORMS, shape, 2 * self.r, self.r)
            return
        yield from self._cast_for_norm(shape, "cast back")
        for _ in range(6):  # two products for the weights, two for the size, one for the squares, and the sum
            yield self.values("accumulate", NORMS, shape, 8, 4)
        for _ in range(2):  # sums over positions and over values
            yield self.values("bias gradient", NORMS, shape, 4, 0)
        for _ in range(3):
            yield self.values("scale", NORMS, shape, 4, 4)
        yield from self._cast_for_norm(shape, "cast")

    def linear_backward(
        self, component: str, inputs: int, outputs: int, rows: int = 0, *, bias: bool
    ) -> Iterator[Operation]:
        """Both products of a linear layer, of R rows unless told."""
        rows = rows or self.R
        yield self.product("input gradient", component, rows, inputs, outputs)
        yield self.product("weight gradient", component, rows, inputs, outputs)
        yield from self._cast_back(component, (inputs, outputs))
        if bias:
            yield self.values("bias gradient", component, (rows, outputs), self.a, 0)

    def _attention_backward(self) -> Iterator[Operation]:
        structure, width = self.structure, self.Q + 2 * self.keys
        yield from self.linear_backward(ATTENTION, self.Q, self.D, bias=self.model.bias)
        yield self.attend(backward=True)
        yield from self._on_scores_backward()
        for each in (self.Q, self.keys) if structure.positions == "rope" else ():
            yield from self._rotated(each)
            yield self.values("copy", ATTENTION, (self.R, each), self.a, self.a)  # heads side by side again
        for each in (self.Q, self.keys) if structure.qk_norm != "none" else ():
            yield from self.norm_backward(self.R, each)
        yield self.values("copy", ATTENTION, (self.R, width), self.a, self.a)  # of the three into one
        yield from self.linear_backward(ATTENTION, self.D, width, bias=self.model.qkv_bias)
        if not structure.norms_before:
            yield from self._cast_back(ATTENTION, (self.R, self.D))

    def _on_scores_backward(self) -> Iterator[Operation]:
        count, length, _ = self.heads
        square = (count, length, length)
        if self.kernels.attention == "materialized" and self.kernels.dropout:
            yield self.values("dropout backward", ATTENTION, square, 2 * self.a, self.a)
        if self.structure.attention_softcap:
            for kind in ("scale", "gelu backward", "scale"):
                yield self.values(kind, ATTENTION, square, self.a, self.a)
        if self.kernels.attention != "flash" and self.structure.grouped:
            for _ in "kv":
                yield self.values("bias gradient", ATTENTION, (self.R, self.Q), self.a, 0)

    def _feed_forward_backward(self) -> Iterator[Operation]:
        if not self.E:
            yield from self._dense_backward(self.F, bias=self.model.has_mlp_bias)
            return
        if self.structure.shared:
            yield from self._dense_backward(self.shared, bias=False)
        yield from self._routed_backward()

    def _dense_backward(self, width: int, *, bias: bool) -> Iterator[Operation]:
        yield from self.linear_backward(FEED_FORWARD, width, self.D, bias=bias)
        yield from self._activation_backward((self.R, width))
        for number, _ in enumerate(self._firsts):
            yield from self.linear_backward(FEED_FORWARD, self.D, width, bias=bias)
            if number:
                yield from self._cast_back(FEED_FORWARD, (self.R, self.D))
                yield self.values("accumulate", FEED_FORWARD, (self.R, self.D), 2 * self.a, self.a)

    def _activation_backward(self, shape: tuple[int, int]) -> Iterator[Operation]:
        for _ in range(2 if self.structure.gated else 0):
            yield self.values("accumulate", FEED_FORWARD, shape, 2 * self.a, self.a)
        kind = "accumulate" if self.structure.activation == "relu" else "gelu backward"
        yield self.values(kind, FEED_FORWARD, shape, 2 * self.a, self.a)

    def _routed_backward(self) -> Iterator[Operation]:
        rows, whole = (self.routed, self.D), (self.R, self.D)
        yield self.values("embedding", FEED_FORWARD, rows, self.a, self.a)
        for _ in range(2):
            yield self.values("accumulate", FEED_FORWARD, rows, 2 * self.a, self.a)
        for count, times in self._shares():
            found = [*self._one_expert_backward(count)]
            yield from [each._replace(times=times) for each in found]
        for _ in range(len(self._firsts) + 1):  # gradients of all experts into one
            yield self.values("copy", FEED_FORWARD, (self.E * self.F, self.D), self.w, self.w)
        yield self.values("copy", FEED_FORWARD, rows, self.r, self.r)
        yield self.values("fill", FEED_FORWARD, whole, 0, self.r)
        yield self.values("scatter", FEED_FORWARD, rows, 2 * self.r, self.r)
        yield from self.linear_backward(FEED_FORWARD, self.D, self.E, bias=False)
        yield self.values("accumulate", FEED_FORWARD, whole, 2 * self.a, self.a)

    def _one_expert_backward(self, rows: int) -> Iterator[Operation]:
        yield from self.linear_backward(FEED_FORWARD, self.F, self.D, rows, bias=False)
        yield from self._activation_backward((rows, self.F))
        for number, _ in enumerate(self._firsts):
            yield from self.linear_backward(FEED_FORWARD, self.D, self.F, rows, bias=False)
            if number:
                yield self.values("accumulate", FEED_FORWARD, (rows, self.D), 2 * self.a, self.a)
