"""Weights of published models, by transformers' names, into a GPT of the same shape.

Files are read as safetensors and never as pickles, which can run code. Nothing is downloaded.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from llm_explorer.config import ModelConfig
from llm_explorer.formats.hugging_face import import_config
from llm_explorer.formats.json_text import read_json
from llm_explorer.model import GPT

MOST_NAMED: Final = 5  # of the tensors that are wrong, in one message


class _Family(NamedTuple):
    """The choices whose numbers it needs, its norms' epsilon unless a config says another, and its names of ours."""

    choices: Mapping[str, str]
    epsilon: float
    names: Mapping[str, str]
    is_transposed: bool = False


_GPT2_NAMES: Final = {
    "token_embedding": "transformer.wte",
    "position_embedding": "transformer.wpe",
    "blocks": "transformer.h",
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.up": "mlp.c_fc",
    "mlp.down": "mlp.c_proj",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
}
_LLAMA_NAMES: Final = {
    "token_embedding": "model.embed_tokens",
    "blocks": "model.layers",
    "attention_norm": "input_layernorm",
    "attention.query_norm": "self_attn.q_norm",
    "attention.key_norm": "self_attn.k_norm",
    "attention.projection": "self_attn.o_proj",
    "mlp_norm": "post_attention_layernorm",
    "mlp.gate": "mlp.gate_proj",  # before the router, which takes its name
    "mlp.router": "mlp.gate",
    "mlp.up": "mlp.up_proj",
    "mlp.down": "mlp.down_proj",
    "final_norm": "model.norm",
    "head": "lm_head",
}
_PLAIN: Final = {"norm_place": "pre", "residual": "sequential"}
_GPT2: Final = _Family(_PLAIN | {"norm": "layernorm", "positions": "learned"}, 1e-5, _GPT2_NAMES, is_transposed=True)
_LLAMA: Final = _Family(_PLAIN | {"norm": "rmsnorm", "positions": "rope", "activation": "swiglu"}, 1e-6, _LLAMA_NAMES)
FAMILIES: Final[Mapping[str, _Family]] = {
    "gpt2": _GPT2,
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "mixtral": _LLAMA._replace(epsilon=1e-5),
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "qwen3_moe": _LLAMA,
}
# names of buffers that older versions of transformers saved: masks and frequencies, which follow from the config
_BUFFERS: Final = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")
_MIXTRAL_NAMES: Final = {"block_sparse_moe": "mlp", ".w1.": ".gate_proj.", ".w3.": ".up_proj.", ".w2.": ".down_proj."}
_OF_EXPERT: Final = {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"}


def load_folder(path: str | Path) -> GPT:
    """The model in a local folder of transformers', from its config.json and safetensors; in eval mode, ready to write.

    ConfigError where the config is not understood, ValueError where numbers would differ or a tensor does not fit,
    OSError where a file cannot be read.
    """
    folder = Path(path)
    given = read_json((folder / "config.json").read_text(encoding="utf-8"))
    # dropout is for training: whatever rates it says, the numbers are the same
    found = import_config({key: value for key, value in given.items() if not key.endswith(("pdrop", "dropout"))})
    model, _run = found.configs()
    if found.notes:
        raise ValueError(f"{folder}: with this config the model here gives other numbers: {' '.join(found.notes)}")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ValueError(f"{folder}: no *.safetensors; files of other kinds are not read, because they can run code")
    state = {name: tensor for file in files for name, tensor in _read(file).items()}
    gpt = GPT(model)
    load_transformers_state_dict(gpt, state, found.family, norm_epsilon=_epsilon(given))
    return gpt.eval()


@torch.no_grad()
def load_transformers_state_dict(
    gpt: GPT, state: Mapping[str, Tensor], family: str, *, norm_epsilon: float | None = None
) -> None:
    """Copy the weights of transformers' model of a ``family`` of FAMILIES, saved or from its state_dict().

    The norms get the family's epsilon, or the one that is given. ValueError, with nothing copied, where the family
    has another kind of model, or where tensors are missing, unexpected or of another shape.
    """
    kind = _family(gpt.config, family)
    ours = dict(_targets(gpt, kind))
    theirs = _same_names(state, kind)
    _check(ours, theirs, gpt.config, family)
    for name, target in ours.items():
        target.copy_(theirs[name])
    for module in gpt.modules():
        if isinstance(module, nn.LayerNorm | nn.RMSNorm):
            module.eps = norm_epsilon or kind.epsilon


def _read(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f"{file}: not a whole safetensors file: {error}") from None


def _family(config: ModelConfig, name: str) -> _Family:
    if name not in FAMILIES:
        raise ValueError(f"weights of the family {name!r} are not known; known: {', '.join(FAMILIES)}")
    for field, wanted in FAMILIES[name].choices.items():
        found = getattr(config, field)
        if found != wanted:
            raise ValueError(f"a model of the family {name} has {field}={wanted}, this one {found}")
    return FAMILIES[name]


def _targets(gpt: GPT, family: _Family) -> Iterator[tuple[str, Tensor]]:
    """Each tensor of theirs by its name, and the part of ours that it goes to: a view of its shape."""
    for name, parameter in gpt.named_parameters():
        module, _, kind = name.rpartition(".")
        if module.endswith("mlp.experts"):
            for expert, matrix in enumerate(parameter):
                yield f"{_renamed(module, family)}.{expert}.{_OF_EXPERT[kind]}.weight", matrix
        elif module.endswith("attention.qkv") and not family.is_transposed:
            width = gpt.config.head_width
            rows = [heads * width for heads in (gpt.config.n_heads, gpt.config.kv_heads, gpt.config.kv_heads)]
            for letter, part in zip("qkv", parameter.split(rows), strict=True):  # ((N + 2K) H, ..) -> 3
                yield f"{_renamed(module, family).replace('attention.qkv', f'self_attn.{letter}_proj')}.{kind}", part
        elif family.is_transposed and kind == "weight" and module.startswith("blocks") and parameter.dim() == 2:
            yield f"{_renamed(module, family)}.{kind}", parameter.T  # (outputs, inputs) as (inputs, outputs)
        else:
            yield f"{_renamed(module, family)}.{kind}", parameter


def _renamed(module: str, family: _Family) -> str:
    """'blocks.0.attention_norm' -> 'model.layers.0.input_layernorm'."""
    for ours, theirs in family.names.items():
        module = re.sub(rf"(^|\.){re.escape(ours)}($|\.)", rf"\g<1>{theirs}\g<2>", module, count=1)
    return module


def _same_names(state: Mapping[str, Tensor], family: _Family) -> dict[str, Tensor]:
    """The state with one name for what has several: with and without prefix, each expert apart, no buffers."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if family is _GPT2 and not name.startswith(("transformer.", "lm_head.")):
            name = f"transformer.{name}"  # as in the files that OpenAI's weights were published in
        if _BUFFERS.search(name):
            continue
        for old, new in _MIXTRAL_NAMES.items():
            name = name.replace(old, new)
        found |= dict(_experts_apart(name, tensor))
    return found


def _experts_apart(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """transformers 5 holds the experts of a layer as gate_up_proj (E, 2F, D) and down_proj (E, D, F)."""
    parent, _, kind = name.rpartition(".")
    if not parent.endswith("mlp.experts") or tensor.dim() != 3:
        yield name, tensor
        return
    parts = tensor.chunk(2, dim=1) if kind == "gate_up_proj" else (tensor,)
    for part, each in zip(kind.replace("gate_up_proj", "gate_proj up_proj").split(), parts, strict=True):
        for expert, matrix in enumerate(each):
            yield f"{parent}.{expert}.{part}.weight", matrix


def _check(ours: Mapping[str, Tensor], theirs: dict[str, Tensor], config: ModelConfig, family: str) -> None:
    """Every tensor has its place and its shape; a tied head, where it is there, is the embedding once more."""
    if config.tie_embeddings and "lm_head.weight" in theirs:
        head, embedding = (
            theirs.pop("lm_head.weight"),
            theirs.get(FAMILIES[family].names["token_embedding"] + ".weight"),
        )
        if embedding is not None and not torch.equal(head, embedding):
            raise ValueError(
                "lm_head.weight differs from the token embedding, but tie_embeddings=True: set it to False"
            )
    missing = [f"{name} {tuple(tensor.shape)}" for name, tensor in ours.items() if name not in theirs]
    unexpected = [f"{name} {tuple(tensor.shape)}" for name, tensor in theirs.items() if name not in ours]
    misshaped = [
        f"{name} {tuple(theirs[name].shape)} where the model has {tuple(tensor.shape)}"
        for name, tensor in ours.items()
        if name in theirs and theirs[name].shape != tensor.shape
    ]
    wrong = {"missing": missing, "unexpected": unexpected, "of another shape": misshaped}
    if any(wrong.values()):
        said = "; ".join(f"{what}: {_some(names)}" for what, names in wrong.items() if names)
        raise ValueError(f"these are not the weights of this {family} model: {said}")


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _epsilon(given: Mapping[str, Any]) -> float | None:
    """What a config.json says of its norms' epsilon."""
    for key in ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps"):
        if isinstance(given.get(key), float):
            return float(given[key])
    return None
