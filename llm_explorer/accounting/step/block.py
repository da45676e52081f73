"""A transformer block on a tape, in the words of llm_explorer/model/: each function mirrors the module of its name."""

from collections.abc import Callable

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.step.attention import attend
from llm_explorer.accounting.step.experts import Experts
from llm_explorer.accounting.step.operations import Torch
from llm_explorer.accounting.step.tape import Value
from llm_explorer.accounting.structure import Structure
from llm_explorer.parts import ATTENTION, FEED_FORWARD, NORMS, RESIDUAL


class Block:
    """The forward of a block of this structure with these kernels, on a tape."""

    def __init__(self, structure: Structure, kernels: Kernels, tape: Torch) -> None:
        self.structure, self.kernels, self.tape = structure, kernels, tape

    def forward(self, x: Value) -> Value:
        """From its input to its output."""
        steps = {"sequential": self._sequential, "parallel": self._parallel, "parallel_one_norm": self._one_norm}
        return steps[self.structure.residual](x)

    def _sequential(self, x: Value) -> Value:
        x = self._added(x, self._branch(x, "attention", self._attention), "attention")
        return self._added(x, self._branch(x, "feed-forward", self._feed_forward), "feed-forward")

    def _branch(self, x: Value, half: str, step: Callable[[Value], Value]) -> Value:
        """A half of the block between its norms, without the addition."""
        place = self.structure.norm_place
        answer = step(x if place == "post" else self._norm(x, f"{half} norm outputs"))
        return answer if place == "pre" else self._norm(answer, f"{half} after its norm")

    def _parallel(self, x: Value) -> Value:
        first = self._added(x, self._branch(x, "attention", self._attention), "attention")
        return self._added(first, self._branch(x, "feed-forward", self._feed_forward), "feed-forward")

    def _one_norm(self, x: Value) -> Value:
        normed = self._norm(x, "norm outputs")
        first = self._added(x, self._attention(normed), "attention")
        return self._added(first, self._feed_forward(normed), "feed-forward")

    def _added(self, x: Value, answer: Value, half: str) -> Value:
        self.tape.part = RESIDUAL
        return self.tape.add(x, answer, f"residuals after {half}")

    def _norm(self, x: Value, name: str, rows: str = "B * T") -> Value:
        self.tape.part = NORMS
        return self.tape.norm(x, self.structure.norm, name, rows)

    # attention

    def _attention(self, x: Value) -> Value:
        tape, structure = self.tape, self.structure
        tape.part = ATTENTION
        q, k, v = self._queries_keys_values(x)
        mixed = attend(tape, structure, q, k, v)
        fused = self.kernels.attention == "flash"  # it keeps its output as it is too
        name = "heads side by side" if fused else "attention output"
        joined = tape.ordered(mixed, name) if mixed.heads_first else mixed
        return self._last(joined, "projection", ("D", structure.queries), "attention")

    def _qkv(self, x: Value) -> Value:
        return self.tape.linear(x, "qkv", (self.structure.qkv, "D"), "queries, keys and values")

    def _queries_keys_values(self, x: Value) -> tuple[Value, Value, Value]:
        tape, structure = self.tape, self.structure
        queries, keys = (f"B * T * {width}" for width in (structure.queries, structure.keys))
        joint = "joint gradient of queries, keys and values"
        q, k, v = tape.split(self._qkv(x), [queries, keys, keys], joint)
        q.name, k.name, v.name = "queries", "keys", "values"
        if structure.qk_norm == "full":
            q, k = self._normed(q, "queries", "B * T"), self._normed(k, "keys", "B * T")
        plain = self.kernels.attention != "flash"
        if plain or structure.positions == "rope" or structure.qk_norm == "head":
            q, k = self._in_order(q, one=self.kernels.one_head), self._in_order(k, one=self.kernels.one_kv_head)
        if plain:
            v = self._in_order(v, one=self.kernels.one_kv_head)
        if structure.qk_norm == "head":
            q, k = self._normed(q, "queries", "B * T * N"), self._normed(k, "keys", "B * T * K")
        if structure.positions == "rope":
            q, k = self._rotated(q, "queries", "N"), self._rotated(k, "keys", "K")
        return q, k, v

    def _normed(self, x: Value, name: str, rows: str) -> Value:
        normed = self._norm(x, f"normed {name}", rows)
        normed.heads_first = self.structure.qk_norm == "head"
        self.tape.part = ATTENTION
        return normed

    def _in_order(self, x: Value, *, one: bool) -> Value:
        """The gradients of what is rotated, or normed or multiplied head by head, have one head after the other."""
        return x if one else self.tape.back_in_order(x)

    def _rotated(self, x: Value, name: str, heads: str) -> Value:
        """Pairs of the first J values of each head turned: two products and a sum for each half of them."""
        tape, shape = self.tape, x.shape
        half, rest = f"B * T * {heads} * J // 2", f"B * T * {heads} * (H - J)"
        shapes = [half, half] if self.structure.rotates_all else [half, half, rest]
        first, second, *others = tape.split(x, shapes, f"gradient of {x.name}")
        first.name, second.name = f"first half of {name}", f"second half of {name}"
        angle = Value("angles", "T * J", "a")
        turned = [
            tape.subtract(*self._products(first, second, angle), f"turned first half of {name}"),
            tape.add(*self._products(second, first, angle), f"turned second half of {name}"),
        ]
        return tape.cat([*turned, *others], shape, f"turned {name}")

    def _products(self, first: Value, second: Value, angle: Value) -> tuple[Value, Value]:
        tape = self.tape
        return tape.scale(first, angle, f"{first.name} times cosines"), tape.scale(
            second, angle, f"{second.name} times sines"
        )

    # feed-forward

    def _feed_forward(self, x: Value) -> Value:
        self.tape.part = FEED_FORWARD
        return self._mixture(x) if self.structure.experts else self._dense(x, "F", "")

    def _mixture(self, x: Value) -> Value:
        """Routed experts, and beside them those that all positions share."""
        mixed = self._dropped(Experts(self.structure, self.tape).forward(x), "experts'")
        if not self.structure.shared:
            return mixed
        return self.tape.add(mixed, self._dense(x, "S * F", "shared "), "answers of all experts")

    def _dense(self, x: Value, width: str, which: str) -> Value:
        return self._last(self._inside(x, width, which), f"{which}down", ("D", width), f"{which}feed-forward")

    def _inside(self, x: Value, width: str, which: str) -> Value:
        """What the last matrix reads."""
        tape, kind = self.tape, self.structure.activation
        if not self.structure.gated:
            before = tape.linear(x, f"{which}up", (width, "D"), f"{which}feed-forward before GELU")
            return tape.activation(before, kind, f"{which}feed-forward after GELU")
        gate = tape.linear(x, f"{which}gate", (width, "D"), f"{which}gate")
        active = tape.activation(gate, kind, f"{which}gate after its activation")
        del gate
        up = tape.linear(x, f"{which}up", (width, "D"), f"{which}feed-forward before gating")
        return tape.multiply(active, up, f"{which}feed-forward after gating")

    def _last(self, x: Value, matrix: str, shape: tuple[str, str], half: str) -> Value:
        result = self.tape.linear(x, matrix, shape, f"output of {matrix}")
        del x
        return self._dropped(result, half)

    def _dropped(self, x: Value, half: str) -> Value:
        """After dropout, where there is any."""
        if not self.kernels.dropout:
            return x
        return self.tape.dropout(x, f"{half} output dropout masks", f"{half} output after dropout")
