"""One training step: the same code for tracing, measuring and pre-training.

Precision is a recipe. Bytes a parameter with AdamW, between steps plus the gradients:

    precision        weights  gradients  optimizer  matrix products in
    float32          4        4          8          fp32
    autocast         4        4          8          bf16, from bf16 copies of the weights kept until backward
    bfloat16         2        2          4          bf16
    bfloat16_master  2        2          12         bf16; AdamW updates fp32 master weights (4) with fp32 states (8)

Plain SGD has no states: 0, 0, 0 and 4. AdamW's states are made in the first update.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.model import GPT

LEARNING_RATE: Final = 4e-4  # "Build a Large Language Model (From Scratch)", section 5.2, for its 124M model

Batch = tuple[Tensor, Tensor]  # tokens and targets, each (B, T) int64
Phase = Literal["forward", "backward", "optimizer"]


def random_batch(model: ModelConfig, run: RunConfig) -> Batch:
    """Tokens and targets (B, T) int64 on the run's device: random, but the same for a seed on every device."""
    generator = torch.Generator().manual_seed(run.seed)
    shape = (run.batch_size, run.sequence(model))
    tokens = torch.randint(model.vocab_size, shape, generator=generator).to(run.device)
    targets = torch.randint(model.vocab_size, shape, generator=generator).to(run.device)
    return tokens, targets


class TrainingStep:
    """Forward, backward and update of a ``gpt`` that was built for this run.

    >>> from llm_explorer.model import build
    >>> model, run = ModelConfig(emb_dim=48, n_layers=2), RunConfig(accumulation=2)
    >>> step = TrainingStep(build(model, run), run)
    >>> loss = step([random_batch(model, run)] * 2)  # about ln(50257) = 10.8 nats before anything is learnt
    """

    def __init__(self, gpt: GPT, run: RunConfig, *, lr: float = LEARNING_RATE) -> None:
        self.gpt, self.run = gpt, run
        self.masters: dict[Tensor, Tensor] = {}  # fp32 master of each weight; empty in the other recipes
        if run.precision == "bfloat16_master" and run.optimizer != "none":
            self.masters = {weight: weight.detach().float() for weight in gpt.parameters()}
        self.optimizer = make_optimizer(list(self.masters.values()) or list(gpt.parameters()), run, lr)

    def __call__(self, batches: Sequence[Batch], mark: Callable[[Phase], None] = lambda _phase: None) -> Tensor:
        """One whole step over ``run.accumulation`` micro-batches; returns their mean loss () in nats.

        ``mark`` is told each phase as it begins: forward and backward once a micro-batch, optimizer once.
        """
        if len(batches) != self.run.accumulation:
            raise ValueError(
                f"{len(batches)} batches for accumulation={self.run.accumulation}: pass one batch a micro-batch"
            )
        losses = []
        for tokens, targets in batches:
            mark("forward")
            loss = self.forward(tokens, targets)
            mark("backward")
            self.backward(loss)
            losses.append(loss.detach())
        mark("optimizer")
        self.update()
        return torch.stack(losses).mean()

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """The loss () of one micro-batch, in nats."""
        if self.run.precision != "autocast":
            return self.gpt.loss(tokens, targets, self.run.loss_chunk)
        with torch.autocast(tokens.device.type, torch.bfloat16):
            return self.gpt.loss(tokens, targets, self.run.loss_chunk)

    def backward(self, loss: Tensor) -> None:
        """Add this micro-batch's share to the gradients, so that they sum to those of the mean loss."""
        (loss / self.run.accumulation).backward()

    def update(self) -> None:
        """Change the weights by the gradients, then free those; with optimizer "none" only free them.

        With fp32 masters and AdamW, bytes a parameter: 2 + 2 + 12 before (weights, gradients, masters with states);
        the gradients turn into fp32 one parameter at a time, so the optimizer runs at 2 + 4 + 12; 2 + 12 stay.
        """
        if self.optimizer is not None:
            self._gradients_to_masters()
            self.optimizer.step()
            self._masters_to_weights()
        self.gpt.zero_grad(set_to_none=True)

    def _gradients_to_masters(self) -> None:
        for weight, master in self.masters.items():
            master.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None

    @torch.no_grad()
    def _masters_to_weights(self) -> None:
        for weight, master in self.masters.items():
            if master.grad is not None:
                weight.copy_(master)
            master.grad = None


def make_optimizer(weights: list[Tensor], run: RunConfig, lr: float) -> Optimizer | None:
    """torch's AdamW, or SGD without momentum, in exactly the run's implementation; None for "none"."""
    # torch picks by device when not told: the loop on a CPU, foreach on CUDA
    fused = run.optimizer_implementation == "fused"
    foreach = run.optimizer_implementation == "foreach"
    if run.optimizer == "adamw":
        return AdamW(weights, lr=lr, fused=fused, foreach=foreach)
    if run.optimizer == "sgd":
        return SGD(weights, lr=lr, fused=fused, foreach=foreach)
    return None
