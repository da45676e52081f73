"""A run on disk, in safetensors files, which hold numbers and text but nothing that could be executed.

    weights.safetensors        the model, to take away; its metadata: step, config (JSON), characters
    optimizer-40.safetensors   AdamW's two states of each parameter after step 40, to go on with

The weights are written last and at once, and name the step: however a process ends, the folder holds a whole state.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model, save_file, save_model
from torch.optim import Optimizer

from llm_explorer.config import ModelConfig
from llm_explorer.model import GPT
from llm_explorer.pretraining.text import Tokenizer

WEIGHTS: Final = "weights.safetensors"


class Progress(NamedTuple):
    """How far a run is: steps done, and seconds they took."""

    step: int
    seconds: float


def save(folder: Path, gpt: GPT, optimizer: Optimizer, tokenizer: Tokenizer, done: Progress) -> None:
    """Put a run's state in the place of the one before."""
    states = optimizer.state_dict()["state"]
    tensors = {f"{index}.{name}": value for index, state in states.items() for name, value in state.items()}
    new = folder / f"optimizer-{done.step}.safetensors"
    save_file(tensors, new)
    save_weights(folder, gpt, tokenizer, done)
    for old in set(folder.glob("optimizer-*.safetensors")) - {new}:
        old.unlink()


def save_weights(folder: Path, gpt: GPT, tokenizer: Tokenizer, done: Progress) -> None:
    """Write what is needed to use the model, not to train it on."""
    told = {"step": str(done.step), "seconds": str(done.seconds)}
    config = json.dumps(gpt.config.model_dump())
    half_written = folder / f"{WEIGHTS}.new"
    save_model(gpt, str(half_written), told | {"config": config, "characters": tokenizer.characters})
    half_written.replace(folder / WEIGHTS)


def load_trained(folder: Path) -> tuple[GPT, Tokenizer]:
    """The model, dropout off, and its tokenizer; ValueError where there are none any more."""
    metadata = _metadata(folder)
    gpt = GPT(ModelConfig(**json.loads(metadata["config"])))
    load_model(gpt, folder / WEIGHTS)
    return gpt.eval(), Tokenizer(metadata["characters"])


def restore(folder: Path, gpt: GPT, optimizer: Optimizer) -> Progress:
    """Put the state of a run into its model and its optimizer; returns how far it was."""
    metadata = _metadata(folder)
    step = int(metadata["step"])
    load_model(gpt, folder / WEIGHTS)
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in load_file(folder / f"optimizer-{step}.safetensors").items():
        index, _, key = name.partition(".")
        states.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    return Progress(step, float(metadata["seconds"]))


def _metadata(folder: Path) -> dict[str, str]:
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            return dict(file.metadata())
    except FileNotFoundError:
        raise ValueError("This model is no longer kept; train it again") from None
