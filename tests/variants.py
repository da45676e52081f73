"""The block variants at toy sizes: a config for each family of published models, together every field once or more."""

from typing import Any, Final

from llm_explorer.config import ModelConfig, replace

_TOY: Final = ModelConfig(vocab_size=97, context_length=32, emb_dim=48, n_heads=4, n_layers=2, drop_rate=0.0)
_LLAMA: Final = replace(
    _TOY, hidden_dim=80, bias=False, norm="rmsnorm", activation="swiglu", positions="rope", n_kv_heads=2
)
_EXPERTS: Final = {"n_experts": 4, "n_active_experts": 2}


def _toy(**fields: Any) -> ModelConfig:
    return replace(_TOY, **fields)


def _llama(**fields: Any) -> ModelConfig:
    return replace(_LLAMA, **fields)


VARIANTS: Final[dict[str, ModelConfig]] = {
    "gpt2": _toy(qkv_bias=True, tie_embeddings=True, drop_rate=0.1),
    "nanogpt": _toy(bias=False, norm="layernorm_no_bias", activation="gelu", tie_embeddings=True),
    "no positions": _toy(positions="none", activation="relu", n_layers=3),
    "llama": _llama(rope_theta=500_000.0),
    "mistral": _llama(sliding_window=8),
    "mixtral": _llama(**_EXPERTS, expert_hidden_dim=40, rope_theta=1e6),
    "qwen2": _llama(qkv_bias=True, tie_embeddings=True),
    "qwen3": _llama(head_dim=16, qk_norm="head", rope_theta=1e6),
    "qwen3_moe": _llama(head_dim=16, qk_norm="head", n_experts=6, n_active_experts=3, expert_hidden_dim=24),
    "shared experts": _llama(**_EXPERTS, n_shared_experts=2, expert_hidden_dim=24, n_layers=3),
    "plain experts": _toy(bias=True, mlp_bias=False, activation="gelu", n_experts=3, n_active_experts=1),
    "gemma": _llama(activation="geglu", n_kv_heads=1, head_dim=16, tie_embeddings=True),
    "gemma2": _llama(
        activation="geglu", norm_place="sandwich", head_dim=16, tie_embeddings=True, n_layers=4,
        sliding_window=8, full_attention_every=2, attention_softcap=5.0, logit_softcap=3.0,
    ),
    "phi": _toy(qkv_bias=True, head_bias=True, residual="parallel_one_norm", positions="rope", rope_share=0.5),
    "phi3": _llama(n_kv_heads=4, sliding_window=16),
    "gpt_neox": _toy(qkv_bias=True, residual="parallel", activation="gelu", positions="rope", rope_share=0.34),
    "olmo": _llama(norm="layernorm_plain", n_kv_heads=None),
    "olmo2": _llama(norm_place="post", qk_norm="full", n_kv_heads=2, rope_theta=500_000.0),
    "starcoder2": _toy(qkv_bias=True, n_kv_heads=2, positions="rope", sliding_window=10, tie_embeddings=True),
    "stablelm": _llama(norm="layernorm", n_kv_heads=4, rope_share=0.34, qkv_bias=True),
    "windows 2 of 3": _llama(emb_dim=64, n_layers=4, sliding_window=5, full_attention_every=3, n_kv_heads=1),
}  # fmt: skip
