"""Which part of the model is at work: modules tell in forward, autograd's numbering of its nodes in backward."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from torch import nn

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
from llm_explorer.model import GPT
from llm_explorer.torch_private import node_count, running_node
from llm_explorer.training import Phase

_OF_MODEL: Final = {
    "token_embedding": EMBEDDINGS,
    "position_embedding": EMBEDDINGS,
    "dropout": EMBEDDINGS,
    "final_norm": NORMS,
    "head": HEAD,
}
_OF_BLOCK: Final = {
    "attention_norm": NORMS,
    "attention": ATTENTION,
    "attention.query_norm": NORMS,
    "attention.key_norm": NORMS,
    "attention_post_norm": NORMS,
    "mlp_norm": NORMS,
    "mlp": FEED_FORWARD,
    "mlp_post_norm": NORMS,
}


class Whereabouts:
    """Called at any moment of a step of ``gpt``, names the part at work."""

    def __init__(self, gpt: GPT) -> None:
        self._phase: Phase = "forward"
        self._inside: list[str] = []
        self._outside = EMBEDDINGS  # of modules: first the embeddings are added, then blocks follow, then the loss
        self._last = LOSS
        self._numbers: list[int] = []  # of autograd's nodes, rising; each begins a stretch that one part made
        self._makers: list[str] = []
        for name, part in _OF_MODEL.items():
            if hasattr(gpt, name):
                self._watch(getattr(gpt, name), part, then=LOSS if name == "final_norm" else None)
        self._watch(gpt, ATTENTION, method="places")
        for block in gpt.blocks:
            self._watch(block, RESIDUAL, then=RESIDUAL)
            for name, module in block.named_modules():
                if name in _OF_BLOCK:
                    self._watch(module, _OF_BLOCK[name])

    def enter(self, phase: Phase) -> None:
        """A phase of the step begins."""
        self._phase, self._last = phase, LOSS
        if phase == "forward":
            self._outside = EMBEDDINGS
            self._note()

    def __call__(self) -> str:
        """The part whose forward or backward runs now; an addition of two gradients counts for the later one's."""
        if self._inside:
            return self._inside[-1]
        if self._phase == "optimizer":
            return UPDATE
        if self._phase == "forward":
            return self._outside
        node = running_node()
        if node is not None:
            self._last = self._makers[bisect_right(self._numbers, node) - 1]
        return self._last

    def _watch(self, module: nn.Module, part: str, then: str | None = None, method: str = "forward") -> None:
        usual = getattr(module, method)

        def watched(*args: Any) -> Any:
            with self._within(part):
                result = usual(*args)
            if then is not None and not self._inside:
                self._outside = then
                self._note()
            return result

        setattr(module, method, watched)

    @contextmanager
    def _within(self, part: str) -> Iterator[None]:
        self._inside.append(part)
        self._note()
        try:
            yield
        finally:  # checkpointing ends a block's second run by an exception, as soon as it has all it wants
            self._inside.pop()
            self._note()

    def _note(self) -> None:
        self._numbers.append(node_count())
        self._makers.append(self._inside[-1] if self._inside else self._outside)
