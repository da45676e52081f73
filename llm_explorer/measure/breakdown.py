"""Where the time of a step goes: every moment belongs to one component, so the parts sum to the whole."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from torch import Tensor, nn

from llm_explorer.measure.result import Components
from llm_explorer.measure.timing import Clock, garbage_collection_paused
from llm_explorer.model import GPT
from llm_explorer.model.parts import PARTS_OF_BLOCK
from llm_explorer.parts import ATTENTION, EMBEDDINGS, HEAD, LOSS, NORMS, RESIDUAL, UPDATE
from llm_explorer.training import Batch, TrainingStep

MIN_PAIRS: Final = 3
MOST_PAIRS: Final = 15

Times = dict[tuple[str, str], float]  # (phase, component) -> seconds
_BEGINS_IN: Final = {"forward": EMBEDDINGS, "backward": LOSS, "optimizer": UPDATE}


class ComponentClock:
    """Adds up the seconds of each component; told by the model's modules in forward and by its gradients in backward.

    A gradient that arrives at a tensor begins the backward of whatever made that tensor. The device is waited for at
    each change, as in ``PhaseClock``.
    """

    def __init__(self, synchronize: Callable[[], None], clock: Clock = time.perf_counter) -> None:
        self._synchronize, self._clock = synchronize, clock
        self._seconds: Times = {}
        self._phase, self._component = "forward", EMBEDDINGS
        self._since = 0.0

    def begin(self, phase: str) -> None:
        """A phase of the step begins: what a TrainingStep calls."""
        self._change(phase, _BEGINS_IN[phase])

    def finish(self) -> Times:
        """End the step, give its times and begin anew."""
        self._change("forward", EMBEDDINGS)
        seconds, self._seconds = self._seconds, {}
        return seconds

    def start(self) -> None:
        """Begin to count, now."""
        self._synchronize()
        self._since = self._clock()

    @contextmanager
    def watching(self, gpt: GPT) -> Iterator[None]:
        """Be told by this model's modules."""
        handles = [*self._watch_model(gpt)]
        for block in gpt.blocks:
            handles += self._watch_block(block, has_two_sums=gpt.config.residual == "sequential")
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _watch_model(self, gpt: GPT) -> Iterator[Any]:
        yield from self._watch(gpt.token_embedding, EMBEDDINGS, after=EMBEDDINGS)
        if gpt.config.positions == "learned":
            yield from self._watch(gpt.position_embedding, EMBEDDINGS, after=EMBEDDINGS)
        yield from self._watch(gpt.dropout, EMBEDDINGS, after=RESIDUAL)
        yield from self._watch(gpt.final_norm, NORMS, after=LOSS)
        yield from self._watch(gpt.head, HEAD, after=LOSS)

    def _watch_block(self, block: nn.Module, *, has_two_sums: bool) -> Iterator[Any]:
        for name, module in block.named_modules():
            if name in PARTS_OF_BLOCK:
                after = ATTENTION if name.startswith("attention.") else RESIDUAL
                yield from self._watch(module, PARTS_OF_BLOCK[name], after=after)
        # the sums of a block: what the second half is given is the first, the block's output the second or only one
        if has_two_sums:
            second_half = next(module for name, module in block.named_children() if name in ("mlp_norm", "mlp"))
            yield second_half.register_forward_pre_hook(lambda _module, args: self._begins_backward(args[0], RESIDUAL))
        yield block.register_forward_hook(lambda _module, _args, output: self._begins_backward(output, RESIDUAL))

    def _watch(self, module: nn.Module, component: str, *, after: str) -> Iterator[Any]:
        def leave(_module: nn.Module, _args: Any, output: Tensor) -> None:
            self._begins_backward(output, component)
            self._change(self._phase, after)

        yield module.register_forward_pre_hook(lambda _module, _args: self._change(self._phase, component))
        yield module.register_forward_hook(leave)

    def _begins_backward(self, tensor: Tensor, component: str) -> None:
        if tensor.requires_grad:
            tensor.register_hook(lambda _gradient: self._change("backward", component))

    def _change(self, phase: str, component: str) -> None:
        self._synchronize()
        now = self._clock()
        place = self._phase, self._component
        self._seconds[place] = self._seconds.get(place, 0.0) + now - self._since
        self._phase, self._component, self._since = phase, component, now


def break_down(
    step: TrainingStep, batches: Sequence[Batch], *, budget_s: float, synchronize: Callable[[], None]
) -> Components | None:
    """Median seconds of each component in one warm step, from steps with the clock and without in turn.

    None when a step is too slow for three of each within the budget.
    """
    clock = ComponentClock(synchronize)
    watched: list[Times] = []
    plain: list[float] = []
    deadline = time.perf_counter() + budget_s
    with garbage_collection_paused():
        while len(plain) < MOST_PAIRS:
            start = time.perf_counter()
            step(batches)
            synchronize()
            plain.append(time.perf_counter() - start)
            if len(plain) == 1 and start + 2 * MIN_PAIRS * plain[0] > deadline:
                return None
            with clock.watching(step.gpt):
                clock.start()
                step(batches, clock.begin)
                watched.append(clock.finish())
            if len(plain) >= MIN_PAIRS and time.perf_counter() > deadline:
                break
    return _summary(plain, watched)


def _summary(plain: list[float], watched: list[Times]) -> Components:
    medians = {place: statistics.median(times.get(place, 0.0) for times in watched) for place in watched[0]}
    whole = statistics.median(sum(times.values()) for times in watched)
    by_phase = {
        phase: {component: seconds for (where, component), seconds in medians.items() if where == phase}
        for phase in ("forward", "backward")
    }
    optimizer = medians.get(("optimizer", UPDATE), 0.0)
    overhead = whole / statistics.median(plain) - 1
    return Components(**by_phase, optimizer=optimizer, whole=whole, overhead=overhead, n=len(plain))
