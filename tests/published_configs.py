"""What the config.json of published models says, by preset; seen on the models' pages in November 2026."""

import json
from typing import Any, Final

_LLAMA_3_ROPE: Final = {
    "factor": 32.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3",
}
_SLIDING: Final = ["sliding_attention"] * 5 + ["full_attention"]


def _config(family: str, architecture: str, sizes: str, **others: Any) -> str:
    """The JSON text; ``sizes`` are V C D F L N K."""
    names = "vocab_size max_position_embeddings hidden_size intermediate_size num_hidden_layers num_attention_heads"
    keys = (*names.split(), "num_key_value_heads")
    values = dict(zip(keys, map(int, sizes.split()), strict=False))
    usual = {"transformers_version": "4.40.0", "torch_dtype": "bfloat16", "use_cache": True, "bos_token_id": 1}
    return json.dumps({"architectures": [architecture], "model_type": family, **usual, **values, **others})


CONFIGS: Final = {
    "gpt2": json.dumps(
        {
            "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
            "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
            "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12,
            "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": None,
            "summary_first_dropout": 0.1, "summary_proj_to_labels": True, "summary_type": "cls_index",
            "summary_use_proj": True, "task_specific_params": {"text-generation": {"do_sample": True}},
            "vocab_size": 50257,
        }
    ),
    "pythia-70m": _config(
        "gpt_neox", "GPTNeoXForCausalLM", "50304 2048 512 2048 6 8", hidden_act="gelu", layer_norm_eps=1e-05,
        rotary_emb_base=10000, rotary_pct=0.25, tie_word_embeddings=False, use_parallel_residual=True,
    ),
    "llama-3.2-1b": _config(
        "llama", "LlamaForCausalLM", "128256 131072 2048 8192 16 32 8", attention_bias=False, attention_dropout=0.0,
        head_dim=64, hidden_act="silu", mlp_bias=False, pretraining_tp=1, rms_norm_eps=1e-05,
        rope_scaling=_LLAMA_3_ROPE, rope_theta=500000.0, tie_word_embeddings=True,
    ),
    "mistral-7b-v0.1": _config(
        "mistral", "MistralForCausalLM", "32000 32768 4096 14336 32 32 8", hidden_act="silu", rope_theta=10000.0,
        sliding_window=4096, tie_word_embeddings=False,
    ),
    "mixtral-8x7b": _config(
        "mixtral", "MixtralForCausalLM", "32000 32768 4096 14336 32 32 8", attention_dropout=0.0, hidden_act="silu",
        num_experts_per_tok=2, num_local_experts=8, output_router_logits=False, rope_theta=1000000.0,
        router_aux_loss_coef=0.02, sliding_window=None, tie_word_embeddings=False,
    ),
    "qwen2.5-7b": _config(
        "qwen2", "Qwen2ForCausalLM", "152064 131072 3584 18944 28 28 4", attention_dropout=0.0, hidden_act="silu",
        max_window_layers=28, rope_theta=1000000.0, sliding_window=131072, tie_word_embeddings=False,
        use_mrope=None, use_sliding_window=False,
    ),
    "qwen3-0.6b": _config(
        "qwen3", "Qwen3ForCausalLM", "151936 40960 1024 3072 28 16 8", attention_bias=False, head_dim=128,
        hidden_act="silu", max_window_layers=28, rope_scaling=None, rope_theta=1000000, sliding_window=None,
        tie_word_embeddings=True, use_sliding_window=False,
    ),
    "qwen3-30b-a3b": _config(
        "qwen3_moe", "Qwen3MoeForCausalLM", "151936 40960 2048 6144 48 32 4", attention_bias=False,
        decoder_sparse_step=1, head_dim=128, hidden_act="silu", max_window_layers=48, mlp_only_layers=[],
        moe_intermediate_size=768, norm_topk_prob=True, num_experts=128, num_experts_per_tok=8,
        output_router_logits=False, rope_scaling=None, rope_theta=1000000.0, router_aux_loss_coef=0.001,
        sliding_window=None, tie_word_embeddings=False, use_sliding_window=False,
    ),
    "gemma-2-2b": _config(
        "gemma2", "Gemma2ForCausalLM", "256000 8192 2304 9216 26 8 4", attn_logit_softcapping=50.0,
        cache_implementation="hybrid", final_logit_softcapping=30.0, head_dim=256, hidden_act="gelu_pytorch_tanh",
        hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=256, rope_theta=10000.0, sliding_window=4096,
    ),
    "gemma-3-270m": _config(
        "gemma3_text", "Gemma3ForCausalLM", "262144 32768 640 2048 18 4 1", _sliding_window_pattern=6,
        attn_logit_softcapping=None, final_logit_softcapping=None, head_dim=256, layer_types=_SLIDING * 3,
        hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=256, rope_local_base_freq=10000.0,
        rope_scaling=None, rope_theta=1000000.0, sliding_window=512, use_bidirectional_attention=False,
    ),
    "phi-2": _config(
        "phi", "PhiForCausalLM", "51200 2048 2560 10240 32 32 32", attention_dropout=0.0, embd_pdrop=0.0,
        hidden_act="gelu_new", layer_norm_eps=1e-05, partial_rotary_factor=0.4, qk_layernorm=False, resid_pdrop=0.1,
        rope_scaling=None, rope_theta=10000.0, tie_word_embeddings=False,
    ),
    "phi-3-mini-4k": _config(
        "phi3", "Phi3ForCausalLM", "32064 4096 3072 8192 32 32 32", attention_bias=False, attention_dropout=0.0,
        auto_map={"AutoConfig": "configuration_phi3.Phi3Config"}, embd_pdrop=0.0, hidden_act="silu",
        original_max_position_embeddings=4096, resid_pdrop=0.0, rope_scaling=None, sliding_window=2047,
        tie_word_embeddings=False,
    ),
    "olmo-1b": _config(
        "olmo", "OlmoForCausalLM", "50304 2048 2048 8192 16 16 16", clip_qkv=None, hidden_act="silu",
        pretraining_tp=1, rope_scaling=None, rope_theta=10000.0, tie_word_embeddings=True,
    ),
    "olmo-2-32b": _config(
        "olmo2", "Olmo2ForCausalLM", "100352 4096 5120 27648 64 40 8", attention_bias=False, hidden_act="silu",
        rope_scaling=None, rope_theta=500000, tie_word_embeddings=False,
    ),
    "starcoder2-7b": _config(
        "starcoder2", "Starcoder2ForCausalLM", "49152 16384 4608 18432 32 36 4", activation_function="gelu",
        attention_dropout=0.0, attention_softmax_in_fp32=True, hidden_act="gelu_pytorch_tanh", mlp_type="default",
        norm_type="layer_norm", rope_theta=1000000, scale_attention_softmax_in_fp32=True, scale_attn_weights=True,
        sliding_window=4096, use_bias=True,
    ),
    "stablelm-2-1.6b": _config(
        "stablelm", "StableLmForCausalLM", "100352 4096 2048 5632 24 32 32", hidden_act="silu", hidden_dropout=0.0,
        layer_norm_eps=1e-05, partial_rotary_factor=0.25, rope_scaling=None, rope_theta=10000,
        tie_word_embeddings=False, use_qkv_bias=True,
    ),
}  # fmt: skip
