"""Random configs of GPT-2 for the accuracy of memory."""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import click

from llm_explorer.config import ModelConfig, RunConfig, choices, replace

HALF: Final = tuple(each for each in choices("precision") if each != "float32")
Config = tuple[ModelConfig, RunConfig]
Case = TypeVar("Case")


def draw(pick: random.Random) -> Config:
    """1 to 24 layers, widths 32 to 1024, 16 to 1024 tokens, 100 to 50,257 words, and every choice a run has."""
    n_heads = pick.choice([1, 2, 4, 8, 12, 16])
    emb_dim = n_heads * pick.choice([width for width in (8, 16, 32, 48, 64, 128) if 32 <= n_heads * width <= 1024])
    length = round(16 * 64 ** pick.random())
    model = ModelConfig(
        vocab_size=round(100 * 502.57 ** pick.random()),
        context_length=length,
        emb_dim=emb_dim,
        n_heads=n_heads,
        n_layers=pick.randint(1, 24),
        drop_rate=pick.choice([0.0, 0.1]),
        qkv_bias=pick.random() < 0.5,
        tie_embeddings=pick.random() < 0.5,
        hidden_dim=pick.choice([None, None, emb_dim // 2, 6 * emb_dim]),
        bias=pick.random() < 0.7,
    )

    def one_of(field: str) -> Any:
        return pick.choice(choices(field))

    batch_size = pick.randint(1, 4)
    run = RunConfig(
        precision=one_of("precision"),
        batch_size=batch_size,
        sequence_length=length,
        accumulation=pick.choice([1, 1, 3]),
        optimizer=pick.choice(["adamw", "adamw", "sgd", "none"]),
        optimizer_implementation=one_of("optimizer_implementation"),
        attention=one_of("attention"),
        checkpointing=pick.random() < 0.3,
        loss_chunk=pick.choice([None, None, pick.randint(8, batch_size * length)]),
    )
    return model, run


def draw_in_half(pick: random.Random) -> Config:
    """The same with dropout and in half types, half of them checkpointed.

    In two of three few words, narrow feed-forwards and no optimizer leave the peak to the blocks, mostly to attention.
    """
    model, run = draw(pick)
    precision, checkpointing = pick.choice(HALF), pick.random() < 0.5
    model, run = replace(model, drop_rate=0.1), replace(run, precision=precision, checkpointing=checkpointing)
    if pick.random() < 1 / 3:
        return model, run
    narrow = replace(model, vocab_size=100, n_layers=pick.randint(1, 6), hidden_dim=model.emb_dim // 2)
    return narrow, replace(run, optimizer="none", accumulation=1, loss_chunk=16)


def cases(
    seed: str,
    count: int,
    make: Callable[[ModelConfig, RunConfig], Case],
    wanted: Callable[..., bool] = lambda *_: True,
    drawing: Callable[[random.Random], Config] = draw,
) -> Iterator[Case]:
    """As many drawn configs as asked, of those that are wanted."""
    pick = random.Random(seed)
    done = 0
    while done < count:
        model, run = drawing(pick)
        if wanted(model, run):
            yield make(model, run)
            done += 1
            click.echo(f"\r{seed}: {done} of {count}", nl=done == count, err=True)
