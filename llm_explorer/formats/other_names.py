"""The arguments of nanoGPT's GPTConfig and of litgpt's Config, in our names.

Sources: https://github.com/karpathy/nanoGPT/blob/master/model.py,
https://github.com/Lightning-AI/litgpt/blob/main/litgpt/config.py and model.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llm_explorer.config import RunConfig
from llm_explorer.formats.hugging_face.reading import FULL, SLIDING, full_every
from llm_explorer.formats.imported import Imported, Values
from llm_explorer.formats.words import keys_in

_COMMON: Final = {"block_size": "context_length", "n_layer": "n_layers", "n_head": "n_heads", "n_embd": "emb_dim"}
_LITGPT_ONLY: Final = keys_in(
    "padded_vocab_size padding_multiple norm_class_name mlp_class_name n_query_groups rotary_percentage "
    "parallel_residual shared_attention_norm hf_config rope_base"
)
_PARTS: Final = {"LayerNorm": "layernorm", "RMSNorm": "rmsnorm"}
_MLPS: Final = {"GptNeoxMLP": None, "LLaMAMLP": "swiglu", "GemmaMLP": "geglu", "LLaMAMoE": "swiglu"}
_IGNORED: Final = ("name", "hf_config", "norm_eps")


def is_nanogpt(values: Mapping[str, Any]) -> bool:
    """Whether a dict has names that nanoGPT and litgpt share."""
    return "block_size" in values or "n_embd" in values


def is_litgpt(values: Mapping[str, Any]) -> bool:
    """Whether a dict has names that litgpt alone has."""
    return bool(values.keys() & _LITGPT_ONLY)


def nanogpt(given: Mapping[str, Any]) -> Imported:
    """The model of nanoGPT's arguments: GPT-2 with GELU by erf, norms without bias where ``bias`` is false.

    >>> nanogpt({"block_size": 256, "n_embd": 384, "n_head": 6, "n_layer": 6, "bias": False}).model.norm
    'layernorm_no_bias'
    """
    values = Values(given, "nanoGPT")
    defaults = {"block_size": 1024, "n_layer": 12, "n_head": 12, "n_embd": 768}
    fields = _plain(values, _COMMON, defaults)
    fields |= _plain(
        values, {"vocab_size": "vocab_size", "dropout": "drop_rate"}, {"vocab_size": 50304, "dropout": 0.0}
    )
    biased = values.choose("bias", True, {True: True, False: False}, "is neither true nor false")
    fields |= {
        "qkv_bias": biased,
        "bias": biased,
        "norm": "layernorm" if biased else "layernorm_no_bias",
        "activation": "gelu",
        "tie_embeddings": True,
    }
    return Imported("nanogpt", values.finish(fields, ()), RunConfig(), tuple(values.notes))


def litgpt(given: Mapping[str, Any]) -> Imported:
    """The model of litgpt's arguments, with litgpt's own defaults; its head is never tied.

    >>> litgpt({"n_embd": 4096, "n_layer": 16, "padding_multiple": 512}).model.vocab_size
    50688
    """
    values = Values(given, "litgpt")
    defaults = {"block_size": 4096, "n_layer": 16, "n_head": 32, "n_embd": 4096}
    fields = _plain(values, _COMMON, defaults)
    optional = {
        "n_query_groups": "n_kv_heads",
        "head_size": "head_dim",
        "intermediate_size": "hidden_dim",
        "attention_logit_softcapping": "attention_softcap",
        "final_logit_softcapping": "logit_softcap",
    }
    fields |= _plain(values, optional, {})
    fields |= {"vocab_size": _padded_vocab(values), "drop_rate": 0.0, "positions": "rope"}
    plain = {"rotary_percentage": "rope_share", "rope_base": "rope_theta", "lm_head_bias": "head_bias"}
    fields |= _plain(values, plain, {"rotary_percentage": 0.25, "rope_base": 10_000, "lm_head_bias": False})
    fields |= _litgpt_blocks(values) | _litgpt_mlp(values) | _litgpt_windows(values, fields["n_layers"])
    values.note("scale_embeddings", (False,), "embeddings are multiplied by the root of D")
    values.note("attention_scores_scalar", (None,), "scores are divided by its root, not by that of H")
    values.note("rope_condense_ratio", (1,), "positions are divided by it")
    values.note("rope_adjustments", (None,), "the rotation is stretched")
    values.note("rope_local_base_freq", (None,), "layers with a window rotate by a base of their own")
    values.note("rope_indices", (None,), "says which layers do")
    values.only("latent_attention", (None,), "latent attention is not built here")
    return Imported("litgpt", values.finish(fields, _IGNORED), RunConfig(), tuple(values.notes))


def _plain(values: Values, names: Mapping[str, str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    values.key_of |= {field: key for key, field in names.items()}
    return {field: values.take(key, defaults.get(key)) for key, field in names.items()}


def _switch(values: Values, key: str, *, default: bool) -> bool:
    return bool(values.choose(key, default, {default: default, not default: not default}, "is neither true nor false"))


def _padded_vocab(values: Values) -> Any:
    """The rows of the embedding: padded_vocab_size, or vocab_size up to a multiple."""
    vocab, multiple = values.take("vocab_size", 50254), values.take("padding_multiple", 512)
    padded = values.take("padded_vocab_size")
    values.key_of["vocab_size"] = "vocab_size" if padded is None else "padded_vocab_size"
    if padded is not None:
        return padded
    for key, value in (("vocab_size", vocab), ("padding_multiple", multiple)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
            values.refuse(key, value, "is not a whole number from 1 to 10,000,000")
            return 1
    return -(-vocab // multiple) * multiple


def _litgpt_blocks(values: Values) -> dict[str, Any]:
    """Norms, residual and biases of a block."""
    biased = _switch(values, "bias", default=True)
    qkv = _switch(values, "attn_bias", default=False)
    parallel, shared = _switch(values, "parallel_residual", default=True), values.take("shared_attention_norm", False)
    if shared and not parallel:
        values.refuse("shared_attention_norm", shared, "goes with parallel_residual=True only")
    before = [_switch(values, key, default=True) for key in ("norm_1", "norm_2")]
    after = [_switch(values, key, default=False) for key in ("post_attention_norm", "post_mlp_norm")]
    place = {(True, False): "pre", (True, True): "sandwich", (False, True): "post"}.get((before[0], after[0]))
    if place is None or before[0] is not before[1] or after[0] is not after[1]:
        values.refuse("norm_1", before[0], "these norms before and after the two parts of a block are not built here")
        place = "pre"
    norm = values.choose("norm_class_name", "LayerNorm", _PARTS, "no such norm is built here")
    if norm == "layernorm" and "OLMo" in str(values.take("name", "")):
        norm = "layernorm_plain"  # litgpt's norm_class goes by the name
    kinds = {"default": "head", "olmo2": "full"}
    qk_norm = values.choose("norm_qk_type", "default", kinds, "no such norm is built here")
    return {
        "bias": biased,
        "qkv_bias": biased or qkv,
        "residual": ("parallel_one_norm" if shared else "parallel") if parallel else "sequential",
        "norm": norm,
        "norm_place": place,
        "qk_norm": qk_norm if _switch(values, "norm_qk", default=False) else "none",
    }


def _litgpt_mlp(values: Values) -> dict[str, Any]:
    kind = values.take("mlp_class_name", "GptNeoxMLP")
    tanh = values.choose("gelu_approximate", "none", {"none": False, "tanh": True}, "is neither none nor tanh")
    if not isinstance(kind, str) or kind not in _MLPS:
        values.refuse("mlp_class_name", kind, f"no such layer is built here; known: {', '.join(_MLPS)}")
        return {}
    if kind == "GemmaMLP" and not tanh:
        values.refuse("gelu_approximate", "none", "GEGLU is built here with the tanh form only; set it to tanh")
    activation = _MLPS[kind] or ("gelu_tanh" if tanh else "gelu")
    experts = {
        "n_expert": "n_experts",
        "n_expert_per_token": "n_active_experts",
        "moe_intermediate_size": "expert_hidden_dim",
    }
    found = _plain(values, experts, {"n_expert": 0, "n_expert_per_token": 0})
    if kind != "LLaMAMoE":
        if found["n_experts"]:
            values.refuse("n_expert", found["n_experts"], "goes with mlp_class_name=LLaMAMoE only")
        return {"activation": activation}
    if values.take("bias", True):
        values.refuse("bias", True, "experts with biases are not built here; set it to False")
    return {"activation": activation, **found}


def _litgpt_windows(values: Values, layers: Any) -> dict[str, Any]:
    window, indices = values.take("sliding_window_size"), values.take("sliding_window_indices")
    values.key_of["sliding_window"] = "sliding_window_size"
    if window is None or indices is None:
        return {"sliding_window": window}
    if not isinstance(indices, Sequence) or len(indices) != layers or any(each not in (0, 1) for each in indices):
        values.refuse("sliding_window_indices", indices, "is no list of as many 0 and 1 as there are layers")
        return {}
    kinds = [SLIDING if each else FULL for each in indices]
    every = full_every(kinds)
    if every is None and FULL in kinds:
        values.refuse("sliding_window_indices", indices, "layers without a window must come every so many layers")
    return {"sliding_window": None} if every == 1 else {"sliding_window": window, "full_attention_every": every}
