"""The training loop: draw a batch, forward, backward, clip, update; and look at the model now and then."""

import errno
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from llm_explorer.config import replace
from llm_explorer.model import GPT, build
from llm_explorer.pretraining import checkpoint
from llm_explorer.pretraining.attention import attention_weights
from llm_explorer.pretraining.plan import Plan, learning_rate, snapshot_steps
from llm_explorer.pretraining.sampling import next_probabilities, sample
from llm_explorer.pretraining.snapshot import Steps, TrainingSnapshot
from llm_explorer.pretraining.text import Tokenizer, split
from llm_explorer.texts import pretraining as texts
from llm_explorer.training import Batch, TrainingStep

EVALUATED: Final = 64  # sequences: enough for the second digit of a loss
SAMPLE_CHARACTERS: Final = 100
SAMPLE_TEMPERATURE: Final = 0.8
LIKELIEST: Final = 8
CURVE_POINTS: Final = 250
MOST_PROBE: Final = 24


def train(
    plan: Plan, folder: Path | None = None, *, resume: bool = False, on_unkept: Callable[[str], None] | None = None
) -> Iterator[TrainingSnapshot]:
    """Train, and give a snapshot after each of about 30 steps, the first before any learning.

    With a folder, each snapshot's state is kept there, and ``resume`` goes on from it: exactly as if it had never
    been interrupted, because the randomness of a step depends on seed and step alone. Where a state cannot be written
    ``on_unkept``, if there is one, is told why, and the run goes on with nothing kept.
    """
    trainer = Trainer(plan)
    last = -1
    if folder and resume:
        last, trainer.seconds = checkpoint.restore(folder, trainer.gpt, trainer.optimizer)
        trainer.done = last
    for step in snapshot_steps(plan.steps):
        if step > last:
            while trainer.done < step:
                trainer.advance()
            yield trainer.snapshot()
            if folder:  # after the snapshot has been told: a resumed run tells one twice rather than not at all
                folder = _kept(trainer, folder, on_unkept)


class Trainer:
    """A model in training."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.gpt, self.tokenizer = start(plan)
        self.step = TrainingStep(self.gpt, plan.run)
        assert self.step.optimizer is not None
        self.optimizer = self.step.optimizer
        self.training, self.validation = (self.tokens(part) for part in split(plan.text))
        self.old = self.tokens(split(plan.old_text)[1]) if plan.old_text else None
        self.done = 0
        self.seconds = 0.0
        self.every = max(1, plan.steps // CURVE_POINTS)
        self.curve: list[tuple[int, float, float, float]] = []

    def tokens(self, text: str) -> Tensor:
        """A text as tokens (length,)."""
        return torch.tensor(self.tokenizer.encode(text))

    def advance(self) -> None:
        """One step of the optimizer."""
        begin = time.perf_counter()
        number = self.done + 1
        torch.manual_seed((self.plan.seed << 32) + number)  # for the batch and for dropout
        rate = learning_rate(self.plan, number)
        batch = draw_batch(self.training, self.plan.batch_size, self.gpt.config.context_length)
        loss, norm = learn(self.step, batch, rate, self.plan.clip)
        if number % self.every == 0:
            self.curve.append((number, round(loss, 4), round(norm, 3), round(rate, 7)))
        self.done = number
        self.seconds += time.perf_counter() - begin

    def save(self, folder: Path) -> None:
        """Keep the state of this moment."""
        done = checkpoint.Progress(self.done, self.seconds)
        checkpoint.save(folder, self.gpt, self.optimizer, self.tokenizer, done)

    def snapshot(self) -> TrainingSnapshot:
        """What the model is like now."""
        self.gpt.eval()
        losses = [evaluate(self.gpt, text) for text in (self.training, self.validation)]
        old_loss = None if self.old is None else evaluate(self.gpt, self.old)
        curve = dict(zip(Steps.model_fields, zip(*self.curve, strict=True), strict=False))  # of no step there is none
        self.curve = []
        probe = self.tokens(self.plan.probe[-min(MOST_PROBE, self.gpt.config.context_length) :])[None]  # (1, T)
        written = sample(self.gpt, probe, SAMPLE_CHARACTERS, temperature=SAMPLE_TEMPERATURE, seed=self.plan.seed)
        likeliest = next_probabilities(self.gpt, probe)[0].topk(min(LIKELIEST, len(self.tokenizer)))
        characters = self.tokenizer.decode(likeliest.indices.tolist())
        found = TrainingSnapshot(
            step=self.done,
            seconds=round(self.seconds, 2),
            training_loss=losses[0],
            validation_loss=losses[1],
            old_loss=old_loss,
            curve=Steps.model_validate(curve),
            sample=self.tokenizer.decode(written[0].tolist()),
            next=tuple((char, round(p, 4)) for char, p in zip(characters, likeliest.values.tolist(), strict=True)),
            heads=in_percent(attention_weights(self.gpt, probe)),
        )
        self.gpt.train()
        return found


def _kept(trainer: Trainer, folder: Path, on_unkept: Callable[[str], None] | None) -> Path | None:
    """The folder with the state of this moment; None where it cannot be written, and then nothing older is left."""
    try:
        trainer.save(folder)
    except (OSError, SafetensorError) as error:
        if on_unkept is None:
            raise
        logging.exception("the state of a training run could not be written")
        shutil.rmtree(folder, ignore_errors=True)
        # safetensors tells the system's error in its text only
        full = f"os error {errno.ENOSPC}" in str(error) or getattr(error, "errno", None) == errno.ENOSPC
        on_unkept(texts.DISK_FULL if full else texts.NOT_WRITTEN)
        return None
    return folder


def start(plan: Plan) -> tuple[GPT, Tokenizer]:
    """The model before the first step: newly built for the characters of the text, or the one to fine-tune."""
    if plan.base:
        gpt, tokenizer = checkpoint.load_trained(Path(plan.base))
        return gpt.train(), tokenizer
    tokenizer = Tokenizer.of(split(plan.text)[0])
    return build(replace(plan.model, vocab_size=len(tokenizer)), plan.run), tokenizer


def learn(step: TrainingStep, batch: Batch, rate: float, clip: float) -> tuple[float, float]:
    """One step of the optimizer; the loss before it, in nats, and the norm of the gradient before it was clipped."""
    assert step.optimizer is not None
    for group in step.optimizer.param_groups:
        group["lr"] = rate
    loss = step.forward(*batch)
    step.backward(loss)
    norm = clip_grad_norm_(step.gpt.parameters(), clip)
    step.update()
    return finite(loss), norm.item()


def draw_batch(tokens: Tensor, count: int, length: int) -> Batch:
    """Random pieces of a text (B, T), and their targets: the same pieces one token further on."""
    starts = torch.randint(len(tokens) - length, (count,))
    return pieces(tokens, starts, length)


def pieces(tokens: Tensor, starts: Tensor, length: int) -> Batch:
    """The pieces that begin at ``starts`` (B,), and their targets, each (B, T)."""
    places = starts[:, None] + torch.arange(length)  # (B, T)
    return tokens[places], tokens[places + 1]


@torch.no_grad()
def evaluate(gpt: GPT, tokens: Tensor) -> float:
    """Mean loss in nats over the same 64 pieces each time, evenly spread over a text (length,)."""
    length = min(gpt.config.context_length, len(tokens) - 1)
    starts = torch.linspace(0, len(tokens) - length - 1, EVALUATED).long()
    return round(finite(gpt.loss(*pieces(tokens, starts, length))), 4)


def finite(loss: Tensor) -> float:
    """The loss as a number; ValueError, a sentence for the learner, where it is none any more."""
    value = loss.item()
    if not math.isfinite(value):
        raise ValueError("The loss is no longer a number: the learning rate is too high")
    return value


def in_percent(weights: Tensor) -> list[list[list[list[int]]]]:
    """Attention weights (L, N, T, T) as whole percents; of row i the first i + 1, for the rest is 0."""
    percents = (100 * weights).round().int().tolist()
    return [[[row[: i + 1] for i, row in enumerate(head)] for head in layer] for layer in percents]
