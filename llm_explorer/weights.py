"""Weights of published models, by transformers' names, into a GPT of the same shape.

Files are read as safetensors and never as pickles, which can run code. Nothing is downloaded.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from llm_explorer.config import ModelConfig, replace
from llm_explorer.formats.hugging_face.reading import import_config
from llm_explorer.formats.json_text import MAX_JSON_CHARACTERS, read_json
from llm_explorer.formats.words import short
from llm_explorer.model import GPT

MOST_NAMED: Final = 5  # of the tensors that are wrong, in one message
# of a safetensors file; 128 experts in 94 layers, the most tensors of a config here, are described in 5 MB
MOST_HEADER_BYTES: Final = 16 * 1024**2
# what stands for a number by itself: integers and 8-bit floats are quantised, and mean nothing without their scales
_TAKEN: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class _Family(NamedTuple):
    """The choices whose numbers it needs, its norms' epsilon and the key that says another, and its names of ours."""

    choices: Mapping[str, str]
    epsilon: float
    epsilon_key: str
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
_GPT2_CHOICES: Final = _PLAIN | {"norm": "layernorm", "positions": "learned"}
_LLAMA_CHOICES: Final = _PLAIN | {"norm": "rmsnorm", "positions": "rope", "activation": "swiglu"}
_GPT2: Final = _Family(_GPT2_CHOICES, 1e-5, "layer_norm_epsilon", _GPT2_NAMES, is_transposed=True)
_LLAMA: Final = _Family(_LLAMA_CHOICES, 1e-6, "rms_norm_eps", _LLAMA_NAMES)
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

    Float16, bfloat16, float32 and float64 become float32. All ``*.safetensors`` of the folder are read, an index of
    them is not needed. Names, shapes and dtypes are compared before the model gets any memory.

    ConfigError, a ValueError, where the config is not understood; ValueError where numbers would differ, a file is not
    whole, or a tensor is missing, unexpected, twice there, of another shape or of a dtype that is not taken; OSError
    where a file cannot be read; torch's RuntimeError where the machine lacks the memory that the model needs.
    """
    folder = Path(path)
    given = read_json(_text(folder / "config.json"))
    # dropout is for training: whatever rates it says, the numbers are the same
    found = import_config({key: value for key, value in given.items() if not key.endswith(("pdrop", "dropout"))})
    model, _run = found.configs()
    if found.notes:
        raise ValueError(f"{folder}: with this config the model here gives other numbers: {' '.join(found.notes)}")
    state = _state(folder)
    # each layer needs tensors: where there are fewer than layers, so many layers show it as well as all, in no time
    layers = min(model.n_layers, len(state) + 1)
    with torch.device("meta"):
        outline = GPT(replace(model, n_layers=layers))
    try:
        theirs = _fitting(outline, state, found.family)
        epsilon = _epsilon(given.get(FAMILIES[found.family].epsilon_key), found.family)
    except ValueError as error:
        looked_at = f" (looked at: {layers:,} of {model.n_layers:,} layers)" if layers < model.n_layers else ""
        raise ValueError(f"{folder}: {error}{looked_at}") from None
    gpt = GPT(model)
    _copy(gpt, theirs, found.family, epsilon)
    return gpt.eval()


def load_transformers_state_dict(
    gpt: GPT, state: Mapping[str, Tensor], family: str, *, norm_epsilon: float | None = None
) -> None:
    """Copy the weights of transformers' model of a ``family`` of FAMILIES, saved or from its state_dict().

    The norms get the family's epsilon, or the one that is given. ValueError, with nothing copied, where the family
    has another kind of model, where tensors are missing, unexpected, twice there, of another shape or of a dtype that
    is not taken, or where the epsilon is no number from 0 to 1.
    """
    theirs = _fitting(gpt, state, family)
    _copy(gpt, theirs, family, _epsilon(norm_epsilon, family))


def _text(file: Path) -> str:
    """A config.json, in bounds: of a longer text as much as shows that it is too long."""
    try:
        with _file(file).open(encoding="utf-8") as opened:
            return opened.read(MAX_JSON_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise ValueError(f"{file}: is not text in UTF-8") from None


def _state(folder: Path) -> dict[str, Tensor]:
    """The tensors of all files; what is in them is read from the disk when it is first used."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ValueError(f"{folder}: no *.safetensors; files of other kinds are not read, because they can run code")
    state: dict[str, Tensor] = {}
    file_of: dict[str, Path] = {}
    for file in files:
        for name, tensor in _read(file).items():
            if name in state:
                raise ValueError(
                    f"{folder}: {short(name)} is in {file_of[name].name} and in {file.name}; keep one of them"
                )
            state[name], file_of[name] = tensor, file
    return state


def _read(file: Path) -> dict[str, Tensor]:
    with _file(file).open("rb") as opened:
        header = int.from_bytes(opened.read(8), "little")
    if MOST_HEADER_BYTES < header < file.stat().st_size:
        raise ValueError(f"{file}: a header of {header:,} bytes is too long; at most {MOST_HEADER_BYTES:,} are read")
    try:
        return load_file(file)
    except (SafetensorError, TypeError, RuntimeError) as error:  # the last two are torch's, of shapes over 63 bits
        first_line = str(error).splitlines()[0]
        raise ValueError(f"{file}: not a whole safetensors file: {first_line}") from None


def _file(path: Path) -> Path:
    """The path of something that can be read to its end; OSError in words for a folder, a pipe, a link to nothing."""
    if path.is_file():
        return path
    kinds = {"a folder": path.is_dir(), "a pipe or a device": path.exists(), "a link to nothing": path.is_symlink()}
    what = next((kind for kind, holds in kinds.items() if holds), "not there")
    raise OSError(f"{path}: is {what}; a file is needed")


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


def _same_names(state: Mapping[str, Tensor], family: _Family, experts: int | None) -> dict[str, Tensor]:
    """The state with one name for what has several: with and without prefix, each expert apart, no buffers."""
    found: dict[str, Tensor] = {}
    for given, tensor in state.items():
        name = given
        if family is _GPT2 and not name.startswith(("transformer.", "lm_head.")):
            name = f"transformer.{name}"  # as in the files that OpenAI's weights were published in
        if _BUFFERS.search(name):
            continue
        if tensor.dtype not in _TAKEN:
            kinds = ", ".join(str(kind).removeprefix("torch.") for kind in _TAKEN)
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ValueError(
                f"{short(given)} is {kind}: weights are taken as {kinds}; quantised ones must be unpacked first"
            )
        for old, new in _MIXTRAL_NAMES.items():
            name = name.replace(old, new)
        for each, part in _experts_apart(name, tensor, experts):
            if each in found:
                raise ValueError(f"{short(given)} is there under another name too: both are {each}; keep one of them")
            found[each] = part
    return found


def _experts_apart(name: str, tensor: Tensor, experts: int | None) -> Iterator[tuple[str, Tensor]]:
    """transformers 5 holds the experts of a layer as gate_up_proj (E, 2F, D) and down_proj (E, D, F)."""
    parent, _, kind = name.rpartition(".")
    kinds = ("gate_proj", "up_proj") if kind == "gate_up_proj" else (kind,)
    if (
        not parent.endswith("mlp.experts")
        or tensor.dim() != 3
        or len(tensor) != experts
        or len(kinds) > tensor.shape[1]
    ):
        yield name, tensor
        return
    for part, each in zip(kinds, tensor.chunk(len(kinds), dim=1), strict=True):
        for expert, matrix in enumerate(each):
            yield f"{parent}.{expert}.{part}.weight", matrix


def _fitting(gpt: GPT, state: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """The state by the names that ``_targets`` gives; ValueError unless each tensor has its place and its shape.

    A tied head, where it is there, is the embedding once more. The model may be on meta.
    """
    kind = _family(gpt.config, family)
    ours, theirs = dict(_targets(gpt, kind)), _same_names(state, kind, gpt.config.n_experts)
    head = theirs.pop("lm_head.weight", None) if gpt.config.tie_embeddings else None
    missing = [f"{name} {tuple(tensor.shape)}" for name, tensor in ours.items() if name not in theirs]
    unexpected = [f"{short(name)} {tuple(tensor.shape)}" for name, tensor in theirs.items() if name not in ours]
    misshaped = [
        f"{name} {tuple(theirs[name].shape)} where the model has {tuple(tensor.shape)}"
        for name, tensor in ours.items()
        if name in theirs and theirs[name].shape != tensor.shape
    ]
    wrong = {"missing": missing, "unexpected": unexpected, "of another shape": misshaped}
    if any(wrong.values()):
        said = "; ".join(f"{what}: {_some(names)}" for what, names in wrong.items() if names)
        raise ValueError(f"these are not the weights of this {family} model: {said}")
    embedding = theirs[kind.names["token_embedding"] + ".weight"]
    if head is not None and not torch.equal(head.to(embedding), embedding):
        raise ValueError("lm_head.weight differs from the token embedding, but tie_embeddings=True: set it to False")
    return theirs


@torch.no_grad()
def _copy(gpt: GPT, theirs: Mapping[str, Tensor], family: str, epsilon: float) -> None:
    for name, target in _targets(gpt, FAMILIES[family]):
        target.copy_(theirs[name])
    for module in gpt.modules():
        if isinstance(module, nn.LayerNorm | nn.RMSNorm):
            module.eps = epsilon


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _epsilon(given: object, family: str) -> float:
    """What is given, or the family's own where nothing is."""
    kind = FAMILIES[family]
    if given is None:
        return kind.epsilon
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise ValueError(f"{kind.epsilon_key}={short(repr(given))} is no number from 0 to 1; usual are 1e-5 and 1e-6")
    return float(given)
