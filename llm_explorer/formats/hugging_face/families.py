"""The families of Hugging Face configs, as data: what each key means, and what holds where it is absent.

The defaults are those of transformers' own classes, https://github.com/huggingface/transformers, version 5.23:
``src/transformers/models/<family>/configuration_<family>.py`` says them, ``modeling_<family>.py`` what they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from llm_explorer.formats.words import keys_in

Windows = Literal["none", "all", "switch", "layers"]


class Sizes(NamedTuple):
    """A family's sizes where its config says none; None: derived from the others."""

    vocab_size: int
    emb_dim: int
    hidden_dim: int | None
    n_layers: int
    n_heads: int
    n_kv_heads: int | None
    head_dim: int | None
    context_length: int


class Option(NamedTuple):
    """A key that sets fields: to its own value, or to what ``meanings`` says of it."""

    fields: tuple[str, ...]
    default: Any
    meanings: Mapping[Any, Any] | None = None
    nullable: bool = False


class Noted(NamedTuple):
    """A key that changes numbers only: its usual values, and what another one means."""

    usual: tuple[Any, ...]
    why: str


class Only(NamedTuple):
    """A key whose other values mean layers that this app does not have; the first value is the default."""

    allowed: tuple[Any, ...]
    why: str


# three matrices; Hugging Face names only the function between them
GATED: Final = {"silu": "swiglu", "swish": "swiglu", "gelu_pytorch_tanh": "geglu", "gelu_new": "geglu"}
PLAIN: Final = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}


@dataclass(frozen=True)
class Family:
    """One model_type: its class, the fields that hold for all its members, and the meaning of each key."""

    architecture: str
    sizes: Sizes
    fixed: Mapping[str, Any]
    tied: bool
    activation: str
    options: Mapping[str, Option | Noted | Only]
    activation_key: str = "hidden_act"
    activations: Mapping[str, str] = field(default_factory=lambda: GATED)
    size_keys: Mapping[str, str] | None = None  # where they are not the usual ones
    nullable: tuple[str, ...] = ()  # fields whose key may be null although the family's default is a number
    missing: tuple[str, ...] = ()  # fields that the family has no key for
    dropouts: tuple[str, ...] = ("attention_dropout",)
    dropout_everywhere: bool = False  # the keys together are all the dropout layers of our own model
    dropout: float = 0.0
    windows: Windows = "none"
    window: int | None = None
    first_window: int = 28  # with windows="switch": the usual max_window_layers
    window_every: int | None = None  # the usual layer_types: every so many layers one has no window
    theta: float = 10_000.0
    theta_key: str = "rope_theta"
    share: float | None = None  # of each head that is rotated; None: all, and there is no key for it
    share_key: str = "partial_rotary_factor"
    renamed: Mapping[str, str] = field(default_factory=dict)  # other names that a key has in some files
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


SIZE_KEYS: Final = {
    "vocab_size": "vocab_size",
    "emb_dim": "hidden_size",
    "hidden_dim": "intermediate_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "context_length": "max_position_embeddings",
}
_GPT2_KEYS: Final = {
    "vocab_size": "vocab_size",
    "emb_dim": "n_embd",
    "hidden_dim": "n_inner",
    "n_layers": "n_layer",
    "n_heads": "n_head",
    "context_length": "n_positions",
}
# They change neither the parameters nor what a step costs: names, tokens, the text it generates, and the dtype,
# which here the run says (precision).
IGNORED: Final = keys_in(
    "model_type architectures transformers_version _name_or_path name_or_path torch_dtype dtype auto_map "
    "use_cache initializer_range bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id "
    "decoder_start_token_id id2label label2id num_labels problem_type task_specific_params "
    "finetuning_task tokenizer_class prefix output_attentions output_hidden_states output_scores "
    "return_dict return_dict_in_generate torchscript attn_implementation _attn_implementation "
    "_attn_implementation_autoset cache_implementation gradient_checkpointing pretraining_tp is_decoder "
    "unsloth_version unsloth_fixed temperature top_k top_p typical_p max_length min_length do_sample "
    "num_beams num_beam_groups early_stopping repetition_penalty length_penalty diversity_penalty "
    "no_repeat_ngram_size encoder_no_repeat_ngram_size num_return_sequences bad_words_ids "
    "forced_bos_token_id forced_eos_token_id suppress_tokens begin_suppress_tokens remove_invalid_values "
    "exponential_decay_length_penalty tf_legacy_loss use_bfloat16 rms_norm_eps layer_norm_eps "
    "layer_norm_epsilon norm_epsilon"
)
_SHAPES_ONLY: Final = "this app has no such layers; leave it out if they are not used"
COMMON: Final[Mapping[str, Only]] = {
    "add_cross_attention": Only((False,), _SHAPES_ONLY),
    "is_encoder_decoder": Only((False,), _SHAPES_ONLY),
    "tie_encoder_decoder": Only((False,), _SHAPES_ONLY),
    "cross_attention_hidden_size": Only((None,), _SHAPES_ONLY),
    "chunk_size_feed_forward": Only((0,), "the feed-forward layer in chunks costs other memory; set it to 0"),
    "pruned_heads": Only(({}, None), "a model with heads cut out has other matrices; set it to {}"),
    "quantization_config": Only((None,), "weights of fewer bits are not counted; remove it to count the whole model"),
}
_LLAMA: Final = {"norm": "rmsnorm", "positions": "rope", "bias": False, "mlp_bias": False}
_NEOX: Final = {"norm": "layernorm", "positions": "rope"}
_GEMMA_NOTE: Final = (
    "Gemma multiplies the embeddings by the root of D and its norms by 1 + weight; same count and cost, other numbers."
)
_ALL_BIASES: Final = Option(("qkv_bias", "bias"), default=False)
_NO_SWITCH: Final = Only((False, None), "attention in both directions is not built here; set it to false")
_ROUTER: Final[Mapping[str, "Option | Noted | Only"]] = {
    "output_router_logits": Only((False,), "the loss that balances the router is not counted; set it to false"),
    "router_aux_loss_coef": Noted((0.001, 0.02, 0.01, 0.0), "the weight of a loss that is not asked for"),
}
_PARALLEL: Final = {True: "parallel", False: "sequential"}

# fmt: off
FAMILIES: Final[Mapping[str, Family]] = {
    #                                        V        D     F       L   N   K     H     C
    "gpt2": Family(
        "GPT2LMHeadModel",             Sizes(50_257,  768,  None,   12, 12, None, None, 1_024),
        {"qkv_bias": True}, tied=True, activation="gelu_new", activations=PLAIN,
        activation_key="activation_function", size_keys=_GPT2_KEYS, missing=("n_kv_heads", "head_dim"),
        dropouts=("resid_pdrop", "embd_pdrop", "attn_pdrop"), dropout_everywhere=True, dropout=0.1,
        options={
            "scale_attn_weights": Noted((True,), "scores are not divided by the root of H"),
            "scale_attn_by_inverse_layer_idx": Noted((False,), "scores are divided by the layer's number too"),
            "reorder_and_upcast_attn": Only((False,), "scores in float32 cost other memory; set it to false"),
        },
        ignored=("n_ctx", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels",
                 "summary_first_dropout"),
    ),
    "gpt_neox": Family(
        "GPTNeoXForCausalLM",          Sizes(50_432,  6144, 24_576, 44, 64, None, None, 2_048),
        _NEOX | {"mlp_bias": True}, tied=False, activation="gelu", activations=PLAIN,
        missing=("n_kv_heads", "head_dim"),
        dropouts=("attention_dropout", "hidden_dropout"), dropout_everywhere=True,
        theta_key="rotary_emb_base", share=0.25, share_key="rotary_pct",
        options={
            "use_parallel_residual": Option(("residual",), True, _PARALLEL),
            "attention_bias": Option(("qkv_bias", "bias"), True),
        },
        ignored=("classifier_dropout",),
    ),
    "llama": Family(
        "LlamaForCausalLM",            Sizes(32_000,  4096, 11_008, 32, 32, None, None, 2_048),
        _LLAMA, tied=False, activation="silu",
        options={"attention_bias": _ALL_BIASES, "mlp_bias": Option(("mlp_bias",), False)},
    ),
    "mistral": Family(
        "MistralForCausalLM",          Sizes(32_000,  4096, 14_336, 32, 32, 8,    None, 131_072),
        _LLAMA, tied=False, activation="silu", windows="all", window=4_096, options={},
    ),
    "mixtral": Family(
        "MixtralForCausalLM",          Sizes(32_000,  4096, 14_336, 32, 32, 8,    None, 131_072),
        _LLAMA, tied=False, activation="silu", windows="all", theta=1e6,
        options={**_ROUTER,
            "num_local_experts": Option(("n_experts",), 8),
            "num_experts_per_tok": Option(("n_active_experts",), 2),
            "router_jitter_noise": Noted((0.0,), "noise on the router's input in training"),
        },
    ),
    "qwen2": Family(
        "Qwen2ForCausalLM",            Sizes(151_936, 4096, 22_016, 32, 32, 32,   None, 32_768),
        _LLAMA | {"qkv_bias": True}, tied=False, activation="silu", windows="switch", window=4_096,
        nullable=("n_kv_heads",), options={},
    ),
    "qwen3": Family(
        "Qwen3ForCausalLM",            Sizes(151_936, 4096, 22_016, 32, 32, 32,   128,  32_768),
        _LLAMA | {"qk_norm": "head"}, tied=False, activation="silu", windows="switch", window=4_096,
        nullable=("n_kv_heads",), options={"attention_bias": _ALL_BIASES},
    ),
    "qwen3_moe": Family(
        "Qwen3MoeForCausalLM",         Sizes(151_936, 2048, 6_144,  24, 32, 4,    None, 32_768),
        _LLAMA | {"qk_norm": "head"}, tied=False, activation="silu", windows="switch", window=4_096,
        first_window=0, renamed={"num_local_experts": "num_experts"},  # as transformers 5 writes it
        options={**_ROUTER,
            "attention_bias": _ALL_BIASES,
            "num_experts": Option(("n_experts",), 128),
            "num_experts_per_tok": Option(("n_active_experts",), 8),
            "moe_intermediate_size": Option(("expert_hidden_dim",), 768),
            "norm_topk_prob": Noted((True,), "the weights of a token's experts do not sum to 1"),
            "decoder_sparse_step": Only((1,), "experts in some layers only are not built here; set it to 1"),
            "mlp_only_layers": Only(([], None), "experts in some layers only are not built here; set it to []"),
        },
    ),
    "gemma": Family(
        "GemmaForCausalLM",            Sizes(256_000, 3072, 24_576, 28, 16, 16,   256,  8_192),
        # its released configs say gelu and mean the tanh form: configuration_gemma.py
        _LLAMA, tied=True, activation="gelu_pytorch_tanh", activations=GATED | {"gelu": "geglu"}, notes=(_GEMMA_NOTE,),
        options={
            "attention_bias": _ALL_BIASES, "use_bidirectional_attention": _NO_SWITCH,
            "hidden_activation": Only((None, "gelu_pytorch_tanh"), "known: gelu_pytorch_tanh"),
        },
    ),
    "gemma2": Family(
        "Gemma2ForCausalLM",           Sizes(256_000, 2304, 9_216,  26, 8,  4,    256,  8_192),
        _LLAMA | {"norm_place": "sandwich"}, tied=True, activation="gelu_pytorch_tanh",
        activation_key="hidden_activation", windows="layers", window=4_096, window_every=2, notes=(_GEMMA_NOTE,),
        options={
            "attention_bias": _ALL_BIASES, "use_bidirectional_attention": _NO_SWITCH,
            "hidden_act": Only(("gelu_pytorch_tanh",), "known: gelu_pytorch_tanh"),
            "attn_logit_softcapping": Option(("attention_softcap",), 50.0, nullable=True),
            "final_logit_softcapping": Option(("logit_softcap",), 30.0, nullable=True),
            "query_pre_attn_scalar": Noted((256,), "scores are divided by its root, not by that of H"),
        },
    ),
    "gemma3_text": Family(
        "Gemma3ForCausalLM",           Sizes(262_208, 2304, 9_216,  26, 8,  4,    256,  131_072),
        _LLAMA | {"norm_place": "sandwich", "qk_norm": "head"}, tied=True, activation="gelu_pytorch_tanh",
        activation_key="hidden_activation", windows="layers", window=4_096, window_every=6, theta=1e6,
        notes=(_GEMMA_NOTE,),
        options={
            "attention_bias": _ALL_BIASES, "use_bidirectional_attention": _NO_SWITCH,
            "attn_logit_softcapping": Option(("attention_softcap",), None),
            "final_logit_softcapping": Option(("logit_softcap",), None),
            "query_pre_attn_scalar": Noted((256,), "scores are divided by its root, not by that of H"),
            "_sliding_window_pattern": Only((6,), "give layer_types or sliding_window_pattern"),
            "rope_local_base_freq": Noted((None,), "layers with a window rotate by a base of their own"),
        },
    ),
    "phi": Family(
        "PhiForCausalLM",              Sizes(51_200,  2048, 8_192,  24, 32, None, None, 2_048),
        _NEOX | {"qkv_bias": True, "bias": True, "head_bias": True, "residual": "parallel_one_norm"}, tied=False,
        activation="gelu_new", activations=PLAIN,
        dropouts=("resid_pdrop", "embd_pdrop", "attention_dropout"), dropout_everywhere=True,
        share=0.5, options={"qk_layernorm": Option(("qk_norm",), False, {True: "head", False: "none"})},
    ),
    "phi3": Family(
        "Phi3ForCausalLM",             Sizes(32_064,  3072, 8_192,  32, 32, None, None, 4_096),
        _LLAMA, tied=False, activation="silu", dropouts=("resid_pdrop", "embd_pdrop", "attention_dropout"),
        windows="all", share=1.0, options={"attention_bias": Only((False,), "Phi-3 has no such biases")},
        ignored=("original_max_position_embeddings",),
    ),
    "olmo": Family(
        "OlmoForCausalLM",             Sizes(50_304,  4096, 11_008, 32, 32, None, None, 2_048),
        _LLAMA | {"norm": "layernorm_plain"}, tied=False, activation="silu",
        options={
            "attention_bias": _ALL_BIASES,
            "clip_qkv": Noted((None,), "queries, keys and values are kept within plus and minus this"),
        },
    ),
    "olmo2": Family(
        "Olmo2ForCausalLM",            Sizes(50_304,  4096, 11_008, 32, 32, None, None, 2_048),
        _LLAMA | {"norm_place": "post", "qk_norm": "full"}, tied=False, activation="silu",
        options={"attention_bias": _ALL_BIASES},
    ),
    "starcoder2": Family(
        "Starcoder2ForCausalLM",       Sizes(49_152,  3072, 12_288, 30, 24, 2,    None, 4_096),
        _NEOX, tied=True, activation="gelu_pytorch_tanh", activations=PLAIN, windows="all",
        dropouts=("attention_dropout", "residual_dropout", "embedding_dropout"), dropout_everywhere=True,
        options={
            "use_bias": Option(("qkv_bias", "bias"), True),
            "mlp_type": Only(("default",), "StarCoder2 has one kind of feed-forward layer"),
            "norm_type": Only(("layer_norm",), "StarCoder2 has one kind of norm"),
        },
        # in the released 7B's config, read by no line of modeling_starcoder2.py
        ignored=("activation_function", "attention_softmax_in_fp32", "scale_attention_softmax_in_fp32",
                 "scale_attn_weights"),
    ),
    "stablelm": Family(
        "StableLmForCausalLM",         Sizes(50_304,  2560, 6_912,  32, 32, 32,   None, 4_096),
        _NEOX | {"bias": False, "mlp_bias": False}, tied=False, activation="silu", missing=("head_dim",),
        dropouts=("attention_dropout", "hidden_dropout"), share=0.25,
        options={
            "use_qkv_bias": Option(("qkv_bias",), False),
            "use_parallel_residual": Option(("residual",), False, {True: "parallel_one_norm", False: "sequential"}),
            "qk_layernorm": Only((False,), "a norm of its own for each head is not built here; set it to false"),
        },
        ignored=("norm_eps",),
    ),
}
# fmt: on
