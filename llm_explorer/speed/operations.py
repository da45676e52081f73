"""Every operation of one training step as plain data: what it computes, how often, and the bytes it moves.

What a GPT of this package does with torch 2.13 on a CPU; on CUDA fewer, larger kernels do the same work. Only matrix
products have FLOPs, by the conventions of accounting/flops.py; bytes are those of the tensors read and written, each
once, wherever they come from.
"""

from collections.abc import Iterator
from functools import lru_cache

from llm_explorer.accounting.kernels import KernelSet
from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import letters_of, total
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import EMBEDDINGS, HEAD, LOSS, NORMS, UPDATE
from llm_explorer.speed.blocks import Blocks
from llm_explorer.speed.operation import NOTHING, PRODUCTS, Operation, Part, in_turn


@lru_cache(maxsize=256)  # the pages, the chart and the prediction ask for the same
def operations(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> tuple[Operation, ...]:
    """All operations of one step, of all its micro-batches, in the order of forward, backward and optimizer.

    >>> first = operations(ModelConfig(), RunConfig(), "cpu")[4]
    >>> first.kind, first.component, first.sizes, first.times
    ('norm', 'norms', (512, 768), 12)
    """
    step = _Step(model, run, kernels)
    once = step.micro_batch().repeated(run.accumulation)
    sums = step.values("accumulate", UPDATE, (step.parameters,), 2 * step.w, step.w)
    added = (sums._replace(phase="backward", times=run.accumulation - 1),) if run.accumulation > 1 else ()
    return (*once.forward, *once.backward, *added, *step.update(run))


class _Step(Blocks):
    """A micro-batch and the update: what is around the blocks."""

    def __init__(self, model: ModelConfig, run: RunConfig, kernels: KernelSet) -> None:
        super().__init__(model, run, kernels)
        rows = parameter_rows(model, letters_of(model, run))
        self.parameters, self.tensors = total(rows), sum([row.repeats for row in rows])

    def micro_batch(self) -> Part:
        """From the ids to the loss and back."""
        last = in_turn(self.norm(), self.cast(NORMS, (self.R, self.D)))
        loss = self._chunked_loss() if self.chunk else self._loss()
        return in_turn(self._embed(), self.block().repeated(self.L), last, loss)

    def _embed(self) -> Part:
        shape, w = (self.R, self.D), self.w
        tied = [("accumulate", 2 * w, w)] if self.model.tie_embeddings else []
        sums = [("bias gradient", self.r, 0)] if self.batch > 1 else []  # all sequences have the same positions
        positions = in_turn(
            self._rows(self.positions, self.context),
            self.over(EMBEDDINGS, shape, [("add", 2 * w, w)]),
            self.over(EMBEDDINGS, (self.batch, self.positions * self.D), [], sums),
        )
        return in_turn(
            self.over(EMBEDDINGS, (self.V, self.D), [], tied),
            self._rows(self.R, self.V),
            positions if self.structure.positions == "learned" else NOTHING,
            self.dropout(EMBEDDINGS, shape, self.r),
        )

    def _rows(self, count: int, vocabulary: int) -> Part:
        """So many rows of a table looked up."""
        w = self.w
        rows = self.over(EMBEDDINGS, (count, self.D), [("embedding", w, w)], [("scatter", 2 * w, w)])
        return in_turn(rows, self.over(EMBEDDINGS, (vocabulary, self.D), [], [("fill", 0, w)]))

    def _loss(self) -> Part:
        shape = self.R, self.V
        there, back = ("cross-entropy", self.a, self.r), ("cross-entropy backward", self.r, self.a)
        return in_turn(
            self.linear(HEAD, self.D, self.V, bias=self.model.head_bias),
            self.softcap(LOSS, shape) if self.structure.logit_softcap else NOTHING,
            self.over(LOSS, shape, [there], [back]),
        )

    def _chunked_loss(self) -> Part:
        """The loss and at once its gradients, which backward only scales."""
        hidden = self.values("scale", LOSS, (self.R, self.D), self.a, self.a)
        return Part(tuple(self._in_chunks()), (hidden, self.values("scale", LOSS, (self.V, self.D), self.w, self.w)))

    def _in_chunks(self) -> Iterator[Operation]:
        """Fp32 logits of some token positions at a time, see loss.py."""
        assert self.chunk is not None
        weight = (self.V, self.D)
        if self.kernels.autocast:
            yield self.values("cast", HEAD, weight, 4, 2)
        full, rest = divmod(self.R, self.chunk)
        for size, times in ((self.chunk, full), (rest, 1)):
            if size and times:
                each = [self.product(kind, HEAD, size, self.D, self.V) for kind in PRODUCTS]
                each.append(self.values("chunk's softmax", LOSS, (size, self.V), 4 * 4, 4 * 4))
                capped = ("scale", "gelu", "scale", "accumulate") if self.structure.logit_softcap else ()
                each += [self.values(kind, LOSS, (size, self.V), 4, 4) for kind in capped]
                if self.a < 4:
                    each.append(self.values("accumulate", HEAD, weight, 6, 4))
                yield from [one._replace(times=times) for one in each]
        if self.w < 4:
            yield self.values("cast", HEAD, weight, 4, 2)

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
