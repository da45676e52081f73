"""Train a small GPT on text, one token a character.

    text.py        texts, tokenizer, training and validation part      no torch
    plan.py        what is trained and how: Plan, learning rate        no torch
    snapshot.py    what a run tells on the way                         no torch
    loop.py        the training loop: train, evaluate                  torch
    sampling.py    next-token probabilities, temperature, top-k        torch
    attention.py   what each head looks at                             torch
    checkpoint.py  a run on disk, to go on with or to take away        torch

The files without torch are for the server, which has none: importing this package imports no torch either.
"""

from importlib import import_module
from typing import Any

from llm_explorer.pretraining.plan import Plan, learning_rate, shrink
from llm_explorer.pretraining.text import Tokenizer, corpus, split

_WITH_TORCH = {
    "train": "loop",
    "evaluate": "loop",
    "sample": "sampling",
    "next_probabilities": "sampling",
    "attention_weights": "attention",
    "load_trained": "checkpoint",
}

__all__ = ["Plan", "Tokenizer", "corpus", "learning_rate", "shrink", "split", *_WITH_TORCH]


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"llm_explorer.pretraining.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
