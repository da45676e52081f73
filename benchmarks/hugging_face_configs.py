"""Random configs of each Hugging Face family, and transformers' own count of them on the meta device."""

import random
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final

VARIATIONS: Final = 20
Given = dict[str, Any]
Draw = Callable[[random.Random], Given]


def variations(family: str, number: int = VARIATIONS) -> Iterator[Given]:
    """Small configs of a family, each key present or left to the family's default; the same ones each time."""
    draw = random.Random(family)
    for _ in range(number):
        yield {"model_type": family} | _FAMILIES[family](draw)


def defaults(family: str) -> Given:
    """The config that says nothing but its family."""
    return {"model_type": family}


def families() -> tuple[str, ...]:
    """All that are tried."""
    return tuple(_FAMILIES)


def reference_count(given: Given) -> int:
    """The parameters of transformers' own class, tied ones once."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        config = CONFIG_MAPPING[given["model_type"]].from_dict(deepcopy(given))  # it writes into what it is given
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def _maybe(draw: random.Random, **values: Any) -> Given:
    """Each of the keys or not, so that the family's defaults are tried too."""
    return {key: value for key, value in values.items() if draw.random() < 0.7}


def _sizes(draw: random.Random, *, free_head: bool = True, grouped: bool = True) -> Given:
    heads = draw.choice([2, 4, 8])
    width = heads * draw.choice([8, 16])
    found: Given = {
        "vocab_size": draw.randrange(3, 200),
        "hidden_size": width,
        "intermediate_size": draw.randrange(1, 100),
        "num_hidden_layers": draw.randrange(1, 4),
        "num_attention_heads": heads,
        "max_position_embeddings": draw.randrange(1, 100),
    }
    if grouped:
        found["num_key_value_heads"] = draw.choice([each for each in (1, 2, 4, 8) if heads % each == 0])
    if free_head and draw.random() < 0.7:
        found["head_dim"] = draw.choice([4, 6, 8, 20])
    return found


def _rope(draw: random.Random) -> Given:
    scaling = {"rope_type": "linear", "factor": 2.0}
    choices: list[Given] = [
        {},
        {"rope_theta": 5e5},
        {"rope_theta": 5e5, "rope_scaling": None},
        {"rope_scaling": scaling},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
    ]
    return draw.choice(choices)


def _tied(draw: random.Random) -> Given:
    return _maybe(draw, tie_word_embeddings=draw.random() < 0.5, use_cache=True, torch_dtype="bfloat16")


def _flag(draw: random.Random) -> bool:
    return draw.random() < 0.5


def _llama(draw: random.Random) -> Given:
    options = _maybe(draw, attention_bias=_flag(draw), mlp_bias=_flag(draw), hidden_act="silu")
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **options}


def _mistral(draw: random.Random) -> Given:
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **_maybe(draw, sliding_window=draw.choice([None, 5, 4096]))}


def _mixtral(draw: random.Random) -> Given:
    experts = {"num_local_experts": draw.randrange(2, 7), "num_experts_per_tok": draw.randrange(1, 3)}
    return {**_mistral(draw), **experts}


def _switched(draw: random.Random, layers: int) -> Given:
    """Windows of Qwen: none, in all layers, or in a pattern that layer_types says."""
    patterns: list[Given] = [
        {},
        {"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 1},
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0},
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": layers},
        {
            "use_sliding_window": True,
            "layer_types": ["full_attention" if layer % 2 else "sliding_attention" for layer in range(layers)],
        },
    ]
    return draw.choice(patterns)


def _qwen2(draw: random.Random) -> Given:
    sizes = _sizes(draw)
    return {**sizes, **_rope(draw), **_tied(draw), **_switched(draw, sizes["num_hidden_layers"])}


def _qwen3(draw: random.Random) -> Given:
    return {**_qwen2(draw), **_maybe(draw, attention_bias=_flag(draw))}


def _qwen3_moe(draw: random.Random) -> Given:
    experts = {"num_experts": draw.randrange(2, 7), "num_experts_per_tok": 2, **_maybe(draw, norm_topk_prob=True)}
    inner = _maybe(draw, moe_intermediate_size=draw.randrange(1, 50), mlp_only_layers=[], decoder_sparse_step=1)
    windows: Given = draw.choice(
        [{}, {"use_sliding_window": False, "max_window_layers": 2}, {"use_sliding_window": True}]
    )
    sizes = {**_sizes(draw), **_rope(draw), **_tied(draw)}
    return {**sizes, **experts, **inner, **windows, **_maybe(draw, attention_bias=_flag(draw))}


def _gemma(draw: random.Random) -> Given:
    options = _maybe(draw, attention_bias=_flag(draw), hidden_act=draw.choice(["gelu", "gelu_pytorch_tanh"]))
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **options}


def _gemma2(draw: random.Random) -> Given:
    options = _maybe(draw, attention_bias=_flag(draw), sliding_window=8, query_pre_attn_scalar=8)
    caps = _maybe(draw, attn_logit_softcapping=draw.choice([None, 5.0]), final_logit_softcapping=3.0)
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **options, **caps}


def _gemma3(draw: random.Random) -> Given:
    given = _gemma2(draw)
    given.pop("rope_parameters", None)
    return {**given, **_maybe(draw, sliding_window_pattern=draw.choice([1, 2, 6]), rope_local_base_freq=1e4)}


def _gpt2(draw: random.Random) -> Given:
    heads = draw.choice([1, 2, 4])
    sizes = {
        "vocab_size": draw.randrange(3, 200),
        "n_embd": 8 * heads,
        "n_layer": draw.randrange(1, 4),
        "n_head": heads,
    }
    options = _maybe(draw, n_inner=draw.choice([None, 17, 64]), activation_function=draw.choice(["gelu", "relu"]))
    rates = draw.choice([{}, {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}, {"resid_pdrop": 0.5}])
    return {**sizes, "n_positions": draw.randrange(1, 100), "n_ctx": 3, **options, **rates, **_tied(draw)}


def _gpt_neox(draw: random.Random) -> Given:
    options = _maybe(draw, use_parallel_residual=_flag(draw), attention_bias=_flag(draw), rotary_pct=0.5)
    options |= _maybe(draw, rotary_emb_base=10_000, hidden_act=draw.choice(["gelu", "gelu_new", "relu"]))
    return {**_sizes(draw, free_head=False, grouped=False), **_tied(draw), **options}


def _phi(draw: random.Random) -> Given:
    options = _maybe(draw, qk_layernorm=_flag(draw), partial_rotary_factor=0.5, hidden_act="gelu_new")
    return {**_sizes(draw, free_head=False), **_rope(draw), **_tied(draw), **options}


def _phi3(draw: random.Random) -> Given:
    options = _maybe(draw, sliding_window=draw.choice([None, 6]), original_max_position_embeddings=8)
    theta = _maybe(draw, rope_theta=250_000.0, partial_rotary_factor=0.5)
    padding = {"pad_token_id": None}  # the default, 32000, is no row of a small embedding
    return {**_sizes(draw, free_head=False), **_tied(draw), **options, **theta, **padding}


def _olmo(draw: random.Random) -> Given:
    options = _maybe(draw, attention_bias=_flag(draw), clip_qkv=draw.choice([None, 8.0]))
    return {**_sizes(draw, free_head=False), **_rope(draw), **_tied(draw), **options}


def _olmo2(draw: random.Random) -> Given:
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **_maybe(draw, attention_bias=_flag(draw))}


def _starcoder2(draw: random.Random) -> Given:
    rates = draw.choice([{}, {"attention_dropout": 0.1, "residual_dropout": 0.1, "embedding_dropout": 0.1}])
    options = _maybe(draw, use_bias=_flag(draw), sliding_window=draw.choice([None, 7]), mlp_type="default")
    return {**_sizes(draw), **_rope(draw), **_tied(draw), **options, **rates}


def _stablelm(draw: random.Random) -> Given:
    options = _maybe(draw, use_qkv_bias=_flag(draw), use_parallel_residual=_flag(draw), partial_rotary_factor=0.5)
    return {**_sizes(draw, free_head=False), **_rope(draw), **_tied(draw), **options}


def _gpt_oss(draw: random.Random) -> Given:
    experts = {"num_local_experts": draw.randrange(2, 7), "num_experts_per_tok": draw.randrange(1, 3)}
    return {**_sizes(draw), **_tied(draw), **experts, **_maybe(draw, attention_bias=_flag(draw), sliding_window=5)}


def _deepseek_v3(draw: random.Random) -> Given:
    ranks = {"q_lora_rank": draw.choice([None, 12]), "kv_lora_rank": draw.randrange(1, 20)}
    heads = {"qk_rope_head_dim": 4, "qk_nope_head_dim": draw.randrange(1, 9), "v_head_dim": draw.randrange(1, 9)}
    experts = {"n_routed_experts": 8, "n_shared_experts": draw.randrange(1, 3), "num_experts_per_tok": 2}
    inner = {"moe_intermediate_size": draw.randrange(1, 40), **_maybe(draw, first_k_dense_replace=draw.randrange(0, 5))}
    sizes = _sizes(draw, free_head=False) | _maybe(draw, attention_bias=_flag(draw))
    return {**sizes, **_tied(draw), **ranks, **heads, **experts, **inner}


_FAMILIES: Final[dict[str, Draw]] = {
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
    "llama": _llama,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "phi": _phi,
    "phi3": _phi3,
    "olmo": _olmo,
    "olmo2": _olmo2,
    "starcoder2": _starcoder2,
    "stablelm": _stablelm,
    "gpt_oss": _gpt_oss,
    "deepseek_v3": _deepseek_v3,
}
