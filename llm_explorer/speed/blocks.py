"""The operations of one block by the choices of its structure: of each part forward and backward side by side.

Kinds stand for others whose work is alike: SiLU and tanh for GELU, a square or a negation for "scale", a product of two
tensors for "accumulate", a sum over a dimension for "bias gradient", rows looked up for "embedding" and added up for
"scatter". A window's attention is the usual kernel's: on a CPU it multiplies all pairs and adds a mask.

accounting/step/ follows the same forward for memory. Told by that tape as it runs (tried 2026-12 for blocks without
experts), this list would take about as many lines and an argument for every operation there, and is another under
autocast and with checkpointing: the tape has casts and sums that are left out here, and ends a block's second forward
earlier. A rotation, or attention that is not fused, is one kind here and many tensors there; biases and all experts but
three are none.
"""

from collections.abc import Sequence
from math import prod

from llm_explorer.accounting.flops import last_product
from llm_explorer.accounting.kernels import KernelSet, byte_letters, kernels_of
from llm_explorer.accounting.rows import letters_of
from llm_explorer.accounting.structure import structure_of
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import ATTENTION, FEED_FORWARD, NORMS, RESIDUAL
from llm_explorer.speed.operation import NOTHING, PRODUCTS, Operation, Part, in_turn, side_by_side

Moves = Sequence[tuple[str, int, int]]  # kinds, with the bytes that they read and write for each value


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

    # parts that are met in several places

    def over(self, component: str, shape: tuple[int, ...], forward: Moves, backward: Moves = ()) -> Part:
        """A part whose operations all go over the values of one shape."""
        there = [self.values(kind, component, shape, read, written) for kind, read, written in forward]
        back = [self.values(kind, component, shape, read, written) for kind, read, written in backward]
        return Part(tuple(there), tuple(back))

    def norm(self, width: int = 0) -> Part:
        """A norm of R rows of D values unless told: LayerNorm in one operation, RMSNorm on a CPU in several."""
        shape = self.R, width or self.D
        if self.structure.norm != "rmsnorm" or self.kernels.cuda:
            return self.over(NORMS, shape, [("norm", self.r, self.r)], [("norm backward", 2 * self.r, self.r)])
        up, down = ([("cast back", 2, 4)], [("cast", 4, 2)]) if self.r == 2 else ([], [])
        scaled, product, summed = ("scale", 4, 4), ("accumulate", 8, 4), ("bias gradient", 4, 0)
        # the mean of squares; squares, times their size, times the weights
        forward = [*up, summed, *[scaled] * 3, *down]
        # products: two for the weights, two for the size, one for the squares, and the sum; then sums over positions
        # and over values
        backward = [*up, *[product] * 6, *[summed] * 2, *[scaled] * 3, *down]
        return self.over(NORMS, shape, forward, backward)

    def cast(self, component: str, shape: tuple[int, int]) -> Part:
        """What autocast casts before a product."""
        if not self.kernels.autocast:
            return NOTHING
        return self.over(component, shape, [("cast", 4, 2)], [("cast back", 2, 4)])

    def linear(self, component: str, inputs: int, outputs: int, rows: int = 0, *, bias: bool = False) -> Part:
        """A linear layer of R rows unless told: a product, in backward two."""
        rows = rows or self.R
        one, *two = (self.product(kind, component, rows, inputs, outputs) for kind in PRODUCTS)
        matrix = self.cast(component, (inputs, outputs))
        sums = self.over(component, (rows, outputs), [("bias gradient", self.a, 0)] if bias else [])
        return Part((*matrix.forward, one), (*two, *matrix.backward, *sums.forward))

    def dropout(self, component: str, shape: tuple[int, ...], width: int) -> Part:
        """Of values of so many bytes, where there is any."""
        if not self.kernels.dropout:
            return NOTHING
        there, back = ("dropout", width, 2 * width), ("dropout backward", 2 * width, width)
        return self.over(component, shape, [there], [back])

    def softcap(self, component: str, shape: tuple[int, ...]) -> Part:
        """Divided by the cap, pressed, and times the cap."""
        scale, press, back = ((kind, self.a, self.a) for kind in ("scale", "gelu", "gelu backward"))
        return self.over(component, shape, [scale, press, scale], [scale, back, scale])

    # the block

    def block(self) -> Part:
        """One block; with checkpointing it is repeated up to the last tensor that its backward needs."""
        whole = self._block(whole=True)
        if not self.kernels.checkpointing:
            return whole
        call = self.over(RESIDUAL, (1,), [("checkpoint", 0, 0)], [("checkpoint backward", 0, 0)])
        again = self._block(whole=last_product(self.structure, dropout=self.kernels.dropout) is None)
        return Part((*call.forward, *whole.forward), (*call.backward, *again.forward, *whole.backward))

    def _block(self, *, whole: bool) -> Part:
        """All of it, or without its last product and what follows."""
        return in_turn(
            self._into_branch(ATTENTION),
            self._attention(),
            self._out_of_branch(ATTENTION),
            NOTHING if self.structure.one_norm else self._into_branch(FEED_FORWARD),
            self._feed_forward(whole=whole),
            self._out_of_branch(FEED_FORWARD) if whole else NOTHING,
        )

    def _into_branch(self, component: str) -> Part:
        shape = self.R, self.D
        joined = self.over(RESIDUAL, shape, [], [("accumulate", 2 * self.r, self.r)])
        if not self.structure.norms_before:
            return joined
        cast = self.cast(component, shape)
        # what is cast for the feed-forward layer stands with its products
        return in_turn(joined, self.norm(), cast if component == ATTENTION else Part((), cast.backward))

    def _out_of_branch(self, component: str) -> Part:
        shape = self.R, self.D
        add = self.over(RESIDUAL, shape, [("add", self.a + self.r, self.r)])
        return in_turn(
            self.dropout(component, shape, self.a),
            self.norm() if self.structure.norms_after else NOTHING,
            Part(add.forward, self.cast(RESIDUAL, shape).forward),
        )

    # attention

    def _attention(self) -> Part:
        structure, both, joint = self.structure, (self.Q, self.keys), self.Q + 2 * self.keys
        heads, copy, summed = (self.R, self.Q), ("copy", self.a, self.a), ("bias gradient", self.a, 0)
        # keys and values, for each head of queries
        repeated = 2 if self.kernels.attention != "flash" and structure.grouped else 0
        return in_turn(
            NOTHING if structure.norms_before else self.cast(ATTENTION, (self.R, self.D)),
            self.linear(ATTENTION, self.D, joint, bias=self.model.qkv_bias),
            self.over(ATTENTION, (self.R, joint), [], [copy]),  # of the three gradients into one
            side_by_side(*[self.norm(width) for width in both]) if structure.qk_norm != "none" else NOTHING,
            side_by_side(*[self._rotated(width) for width in both]) if structure.positions == "rope" else NOTHING,
            self.over(ATTENTION, heads, [copy] * repeated, [summed] * repeated),
            self._attend(),
            self.over(ATTENTION, heads, [copy] * self._copies_heads),
            self.linear(ATTENTION, self.Q, self.D, bias=self.model.bias),
        )

    def _rotated(self, width: int) -> Part:
        """Four products of halves, two sums of halves, and both halves side by side; backward the heads too."""
        scale, copy = ((kind, self.a, self.a) for kind in ("scale", "copy"))
        turn = [scale, scale, ("accumulate", 2 * self.a, self.a), copy]
        return self.over(ATTENTION, (self.R, width), turn, [*turn, copy])

    def _attend(self) -> Part:
        """The kernel, and what is done to the T x T scores beside it."""
        count, length, _ = self.heads
        square, drops = (count, length, length), self.kernels.attention == "materialized"
        scores = in_turn(
            self.softcap(ATTENTION, square) if self.structure.attention_softcap else NOTHING,
            self.dropout(ATTENTION, square, self.a) if drops else NOTHING,
        )
        forward, backward = (self.attend(backward=backward) for backward in (False, True))
        return Part((forward, *scores.forward), (backward, *scores.backward))

    @property
    def _copies_heads(self) -> bool:
        """Whether the heads of a fused kernel's output lie one after the other, as its rotated queries do."""
        laid_out = self.structure.positions == "rope" or self.structure.qk_norm == "head"
        return self.kernels.attention == "flash" and laid_out and not self.kernels.one_head

    # feed-forward

    def _feed_forward(self, *, whole: bool) -> Part:
        if not self.E:
            return self._layer(self.R, self.F, bias=self.model.has_mlp_bias, whole=whole)
        if not self.structure.shared:
            return self._experts()
        add = self.over(FEED_FORWARD, (self.R, self.D), [("add", 2 * self.a, self.a)])
        return in_turn(self._experts(), self._layer(self.R, self.shared, whole=whole), add)

    def _layer(self, rows: int, width: int, *, bias: bool = False, whole: bool = True, routed: bool = False) -> Part:
        """Up, with a gate beside it where there is one, the activation, and down."""
        read = rows, self.D
        cast, up = self.cast(FEED_FORWARD, read), self.linear(FEED_FORWARD, self.D, width, rows, bias=bias)
        first = Part(cast.forward + up.forward, up.backward)
        if self.structure.gated:
            joined = self.over(FEED_FORWARD, read, [], [("accumulate", 2 * self.a, self.a)])
            cast_back = () if routed else cast.backward  # left out where the rows are an expert's
            first = Part(first.forward * 2, first.backward * 2 + cast_back + joined.backward)
        return in_turn(
            first,
            self._activation((rows, width)),
            self.linear(FEED_FORWARD, width, self.D, rows, bias=bias) if whole else NOTHING,
        )

    def _activation(self, shape: tuple[int, int]) -> Part:
        """Of the gate and times what is beside it, or alone."""
        product, gated = ("accumulate", 2 * self.a, self.a), self.structure.gated
        kind, back = ("scale", "accumulate") if self.structure.activation == "relu" else ("gelu", "gelu backward")
        forward, backward = (kind, self.a, self.a), (back, 2 * self.a, self.a)
        return self.over(FEED_FORWARD, shape, [forward, *[product] * gated], [*[product] * 2 * gated, backward])

    def _experts(self) -> Part:
        """Rows looked up in the order of their experts, through these, weighed and added where they came from."""
        a, r, w, component = self.a, self.r, self.w, FEED_FORWARD
        rows, whole, matrices = (self.routed, self.D), (self.R, self.D), (self.E * self.F, self.D)
        each = [self._layer(count, self.F, routed=True).repeated(times) for count, times in self._shares()]
        copies = [("copy", w, w)] * len(self.structure.matrices())  # gradients of all experts into one
        return in_turn(
            self.over(component, whole, [], [("accumulate", 2 * a, a)]),
            Part(self.cast(component, whole).forward),
            self.linear(component, self.D, self.E),
            self.over(component, rows, [("embedding", r, r)], [("scatter", 2 * r, r)]),
            self.over(component, whole, [], [("fill", 0, r)]),
            self.over(component, rows, [], [("copy", r, r)]),
            self.over(component, matrices, [], copies),
            side_by_side(*each),
            self.over(component, rows, [("copy", a, a), ("scale", a, a)], [("accumulate", 2 * a, a)] * 2),
            self.over(component, whole, [("fill", 0, a)]),
            self.over(component, rows, [("scatter", 2 * a, a)], [("embedding", a, a)]),
        )

    def _shares(self) -> list[tuple[int, int]]:
        """Rows of an expert, and how many experts have as many: as evenly as can be."""
        each, more = divmod(self.routed, self.E)
        return [(rows, times) for rows, times in ((each + 1, more), (each, self.E - more)) if rows and times]
