"""Which part of the model is at work: modules tell in forward, autograd's numbering of its nodes in backward."""

from bisect import bisect_right
from collections.abc import Callable

from torch import nn

from llm_explorer.parts import EMBEDDINGS, LOSS, UPDATE
from llm_explorer.torch_private import node_count, running_node
from llm_explorer.tracing.traceable import Place
from llm_explorer.training import Phase


class Whereabouts:
    """Called at any moment of a step of a model, names the part at work."""

    def __init__(self, model: nn.Module, place_of: Callable[[str], Place | None]) -> None:
        self._phase: Phase = "forward"
        self._inside: list[str] = []
        self._outside = EMBEDDINGS  # of modules: first the embeddings are added, then blocks follow, then the loss
        self._last = LOSS
        self._numbers: list[int] = []  # of autograd's nodes, rising; each begins a stretch that one part made
        self._makers: list[str] = []
        for name, module in model.named_modules():
            place = place_of(name)
            if place is not None:
                self._watch(module, place)

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

    def _watch(self, module: nn.Module, place: Place) -> None:
        def enter(*_: object) -> None:
            self._inside.append(place.part)
            self._note()

        def leave(*_: object) -> None:
            self._inside.pop()
            if place.after is not None and not self._inside:
                self._outside = place.after
            self._note()

        module.register_forward_pre_hook(enter)
        # always: checkpointing ends a block's second run by an exception, as soon as it has all it wants
        module.register_forward_hook(leave, always_call=True)

    def _note(self) -> None:
        self._numbers.append(node_count())
        self._makers.append(self._inside[-1] if self._inside else self._outside)
