"""One process of benchmarks/peers.py: holds the models of a cell and times what it is told to, one call at a time.

A JSON command a line on standard input, a JSON answer a line on standard output; end of input ends it.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW

from benchmarks.peer_models import PEERS, logits_of
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.bf16_on_old_cpus import fast_products
from llm_explorer.measure.timing import garbage_collection_paused
from llm_explorer.model import build
from llm_explorer.training import TrainingStep, random_batch

LEARNING_RATE: Final = 1e-6  # so small that the last step timed has the numbers of the first
GEMM_SIZE: Final = 2048
COPIED: Final = 2**26  # fp32 values, 256 MiB: far more than any cache holds

Mark = Callable[[str], None]


class PeerStep:
    """A training step as most scripts write it, around any model that gives logits."""

    def __init__(self, gpt: torch.nn.Module, run: RunConfig, *, default_optimizer: bool) -> None:
        self.gpt, self.run = gpt, run
        self.optimizer = AdamW(gpt.parameters(), lr=LEARNING_RATE, fused=None if default_optimizer else True)

    def __call__(self, batches: list[tuple[Tensor, Tensor]], mark: Mark) -> None:
        """Forward, backward and update."""
        [(tokens, targets)] = batches
        with precision(self.run):
            logits = logits_of(self.gpt(tokens))
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())  # (B, T, V) -> (BT, V)
        mark("backward")
        del logits
        loss.backward()
        mark("optimizer")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class Process:
    """What the commands do."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        # a neighbour on the same core does not count with processor time, which one thread's work all is
        self.clock = time.process_time if threads == 1 else time.perf_counter
        self.steps: dict[str, Any] = {}
        self.batch: list[tuple[Tensor, Tensor]] = []
        self.kernels = ExitStack()

    def build(
        self,
        names: list[str],
        model: dict[str, Any],
        run: dict[str, Any],
        *,
        chunk: int,
        as_torch_comes: bool,
    ) -> dict[str, float]:
        """Make a cell's models; how far the fp32 logits of those that compute the same as ours are from ours.

        ``as_torch_comes`` is with its usual AdamW and its own bf16 products.
        """
        self.steps.clear()  # before the new ones are made
        self.kernels.close()
        config, asked = ModelConfig(**model), RunConfig(**run)
        if not as_torch_comes:
            self.kernels.enter_context(fast_products(asked.precision, asked.device, asked.bf16_products))
        gpt = build(config, asked)
        self.batch = [random_batch(config, asked)]
        for name in names:
            if name in PEERS:
                peer = PEERS[name].build(config, gpt.state_dict())
                self.steps[name] = PeerStep(peer, asked, default_optimizer=as_torch_comes)
            else:
                changed = asked.model_copy(update={"loss_chunk": chunk if "chunks" in name else None})
                self.steps[name] = TrainingStep(build(config, changed), changed, lr=LEARNING_RATE)
        if asked.precision != "float32" or "ours" not in self.steps:
            return {}
        expected = self._logits("ours")
        same = [name for name in names if name in PEERS and PEERS[name].same_function]
        return {name: (self._logits(name) - expected).abs().max().item() for name in same}

    def step(self, name: str) -> dict[str, float]:
        """Seconds of forward (to the loss), of that and backward, of the whole step, and of its update."""
        turns: dict[str, float] = {}
        with garbage_collection_paused():
            start = self.clock()
            self.steps[name](self.batch, lambda phase: turns.update({phase: self.clock()}))
            end = self.clock()
        forward, both = turns["backward"] - start, turns["optimizer"] - start
        return {"forward": forward, "forward + backward": both, "step": end - start, "update": end - start - both}

    def limits(self, precision: str) -> dict[str, float]:
        """FLOP/s of a matrix product of 2048 x 2048 in the type of this precision's, bytes/s of a copy."""
        dtype = torch.float32 if precision == "float32" else torch.bfloat16
        a, b = torch.randn(2, GEMM_SIZE, GEMM_SIZE).to(dtype)
        x, y = torch.ones(2, COPIED)
        product = self._seconds(lambda: a @ b)  # (2048, 2048) (2048, 2048)
        return {"gemm": 2 * GEMM_SIZE**3 / product, "copy": 2 * x.nbytes / self._seconds(lambda: y.copy_(x))}

    def profile(self, name: str) -> dict[str, float]:
        """Seconds of each operation in one step, without those that it calls."""
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            self.step(name)
        return {event.key: event.self_cpu_time_total / 1e6 for event in profiler.key_averages()}

    @torch.no_grad()
    def _logits(self, name: str) -> Tensor:
        step = self.steps[name]
        with precision(step.run):
            return logits_of(step.gpt(self.batch[0][0]))

    def _seconds(self, call: Callable[[], object]) -> float:
        call()
        start = self.clock()
        call()
        return self.clock() - start


def precision(run: RunConfig) -> AbstractContextManager[object]:
    """Autocast to bf16, or nothing."""
    return torch.autocast("cpu", torch.bfloat16) if run.precision == "autocast" else nullcontext()


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what packages print is no answer
    process = Process(threads=int(sys.argv[1]))
    for line in sys.stdin:
        command, arguments = json.loads(line)
        answers.write(json.dumps(getattr(process, command)(**arguments)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
