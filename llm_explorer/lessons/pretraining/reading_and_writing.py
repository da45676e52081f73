"""Reading and writing with the recorded model, or with one that a learner has trained."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from llm_explorer.config import RunConfig
from llm_explorer.lessons.pretraining import recorded
from llm_explorer.model import GPT, build
from llm_explorer.pretraining.checkpoint import load_trained
from llm_explorer.pretraining.sampling import next_probabilities, sample
from llm_explorer.pretraining.text import Tokenizer

MOST_READ: Final = 40  # characters
MOST_WRITTEN: Final = 40
SAMPLES: Final = 3
SHOWN: Final = 8


def read_along(text: str) -> dict[str, list[str] | list[float]]:
    """The targets of a text, and the probability that a model gave each: an untrained one and the trained one.

    The input is the text without its last character, the targets are the text without its first: for "the", input "th"
    and targets "he". Keys: input, target, untrained, trained; one entry a position. ValueError for a text of no
    2 to 40 characters.
    """
    if not 2 <= len(text) <= MOST_READ:
        raise ValueError(f"The text has {len(text)} characters; from 2 to {MOST_READ} can be read")
    trained, tokenizer = model("")
    tokens = torch.tensor(tokenizer.encode(text))  # (T + 1,)
    inputs, targets = tokens[:-1], tokens[1:]
    return {
        "input": list(text[:-1]),
        "target": list(text[1:]),
        "untrained": probability_of(untrained(), inputs, targets),
        "trained": probability_of(trained, inputs, targets),
    }


@torch.no_grad()
def probability_of(gpt: GPT, inputs: Tensor, targets: Tensor) -> list[float]:
    """The probability of each target (T,) after the inputs (T,) up to it."""
    probabilities = gpt(inputs[None])[0].softmax(dim=-1)  # (T, V)
    found: list[float] = probabilities.gather(1, targets[:, None])[:, 0].tolist()
    return found


def next_characters(
    prompt: str, temperature: float, top_k: int, folder: str = ""
) -> dict[str, list[str] | list[float]]:
    """The 8 likeliest next characters, each with its probability: as the model says, and as it is drawn from.

    ``top_k=0`` keeps all. Keys: characters, plain (temperature 1, all kept), drawn (as asked).
    """
    gpt, tokens, tokenizer = _prompted(prompt, folder)
    plain = next_probabilities(gpt, tokens)[0]  # (V,)
    drawn = next_probabilities(gpt, tokens, temperature, top_k or None)[0]  # (V,)
    likeliest = plain.topk(min(SHOWN, len(plain))).indices
    return {
        "characters": list(tokenizer.decode(likeliest.tolist())),
        "plain": plain[likeliest].tolist(),
        "drawn": drawn[likeliest].tolist(),
    }


def write(prompt: str, temperature: float, top_k: int, seed: int, folder: str = "") -> list[str]:
    """Three times 40 characters that the model writes after a prompt; the same seed draws the same."""
    gpt, tokens, tokenizer = _prompted(prompt, folder)
    same = tokens.expand(SAMPLES, -1)  # (1, T) -> (3, T): written side by side, in one forward pass a character
    written = sample(gpt, same, MOST_WRITTEN, temperature=temperature, top_k=top_k or None, seed=seed)
    return [tokenizer.decode(row) for row in written.tolist()]


@lru_cache(maxsize=4)
def model(folder: str) -> tuple[GPT, Tokenizer]:
    """A trained model: the recorded one, or the one in a folder."""
    gpt, tokenizer = load_trained(Path(folder) if folder else recorded.FOLDER)
    return gpt.float(), tokenizer


@lru_cache(maxsize=1)
def untrained() -> GPT:
    """The recorded model before its first step."""
    return build(model("")[0].config, RunConfig()).eval()


def _prompted(prompt: str, folder: str) -> tuple[GPT, Tensor, Tokenizer]:
    """A model, and the end of a prompt as its tokens (1, T)."""
    if not prompt:
        raise ValueError("Write at least one character for the model to go on with")
    gpt, tokenizer = model(folder)
    return gpt, torch.tensor([tokenizer.encode(prompt[-MOST_READ:])]), tokenizer
