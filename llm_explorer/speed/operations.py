"""Every operation of one training step as plain data: what it computes, how often, and the bytes it moves.

What a GPT of this package does with torch 2.13 on a CPU; on CUDA fewer, larger kernels do the same work. Only matrix
products have FLOPs, by the conventions of accounting/flops.py; bytes are those of the tensors read and written, each
once, wherever they come from.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from llm_explorer.accounting.kernels import KernelSet
from llm_explorer.accounting.parameters import parameter_rows
from llm_explorer.accounting.rows import letters_of, total
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import EMBEDDINGS, HEAD, LOSS, NORMS, RESIDUAL, UPDATE
from llm_explorer.speed.blocks import Blocks
from llm_explorer.speed.operation import ATTENTIONS as ATTENTIONS
from llm_explorer.speed.operation import CHECKPOINTS as CHECKPOINTS
from llm_explorer.speed.operation import PRODUCTS as PRODUCTS
from llm_explorer.speed.operation import VALUES as VALUES
from llm_explorer.speed.operation import Operation as Operation
from llm_explorer.speed.operation import Phase as Phase
from llm_explorer.speed.operation import Recipe as Recipe
from llm_explorer.speed.operation import kinds_of as kinds_of
from llm_explorer.speed.operation import updates_of as updates_of


@lru_cache(maxsize=256)  # the pages, the chart and the prediction ask for the same
def operations(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> tuple[Operation, ...]:
    """All operations of one step, of all its micro-batches, in the order of forward, backward and optimizer.

    >>> first = operations(ModelConfig(), RunConfig(), "cpu")[4]
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


class _Step(Blocks):
    """A micro-batch and the update: what is around the blocks."""

    def __init__(self, model: ModelConfig, run: RunConfig, kernels: KernelSet) -> None:
        super().__init__(model, run, kernels)
        rows = parameter_rows(model, letters_of(model, run))
        self.parameters, self.tensors = total(rows), sum([row.repeats for row in rows])

    # forward

    def forward(self) -> Iterator[Operation]:
        yield from _phase("forward", self._embed())
        if self.kernels.checkpointing:
            yield from _phase("forward", (self.values("checkpoint", RESIDUAL, (1,), 0, 0),), self.L)
        yield from _phase("forward", self.block(), self.L)
        yield from _phase("forward", (*self.norm(), *self.cast_input(NORMS)))
        yield from _phase("forward", self._chunked_loss() if self.chunk else self._loss())

    def _embed(self) -> Iterator[Operation]:
        shape = (self.R, self.D)
        yield self.values("embedding", EMBEDDINGS, shape, self.w, self.w)
        if self.structure.positions == "learned":
            yield self.values("embedding", EMBEDDINGS, (self.positions, self.D), self.w, self.w)
            yield self.values("add", EMBEDDINGS, shape, 2 * self.w, self.w)
        if self.kernels.dropout:
            yield self.values("dropout", EMBEDDINGS, shape, self.r, 2 * self.r)

    def _loss(self) -> Iterator[Operation]:
        yield from self.linear(HEAD, self.D, self.V)
        for kind in ("scale", "gelu", "scale") if self.structure.logit_softcap else ():
            yield self.values(kind, LOSS, (self.R, self.V), self.a, self.a)
        yield self.values("cross-entropy", LOSS, (self.R, self.V), self.a, self.r)

    def _chunked_loss(self) -> Iterator[Operation]:
        """The loss and at once its gradients: fp32 logits of some token positions at a time, see loss.py."""
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

    # backward

    def backward(self) -> Iterator[Operation]:
        yield from _phase("backward", self._loss_backward())
        yield from _phase("backward", (*self._cast_back(NORMS, (self.R, self.D)), *self.norm_backward()))
        yield from _phase("backward", self.block_backward(), self.L)
        yield from _phase("backward", self._embed_backward())

    def _loss_backward(self) -> Iterator[Operation]:
        if self.chunk is None:
            yield self.values("cross-entropy backward", LOSS, (self.R, self.V), self.r, self.a)
            for kind in ("scale", "gelu backward", "scale") if self.structure.logit_softcap else ():
                yield self.values(kind, LOSS, (self.R, self.V), self.a, self.a)
            yield from self.linear_backward(HEAD, self.D, self.V, bias=self.model.head_bias)
        else:
            yield self.values("scale", LOSS, (self.R, self.D), self.a, self.a)
            yield self.values("scale", LOSS, (self.V, self.D), self.w, self.w)

    def _embed_backward(self) -> Iterator[Operation]:
        if self.kernels.dropout:
            yield self.values("dropout backward", EMBEDDINGS, (self.R, self.D), 2 * self.r, self.r)
        learned = self.structure.positions == "learned"
        if self.batch > 1 and learned:  # all sequences of the batch have the same positions
            yield self.values("bias gradient", EMBEDDINGS, (self.batch, self.positions * self.D), self.r, 0)
        tables = ((self.positions, self.context), (self.R, self.V)) if learned else ((self.R, self.V),)
        for rows, vocabulary in tables:
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
