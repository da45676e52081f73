"""Families whose layers are not built here, but whose parameters are counted exactly, tensor by tensor.

The shapes are those of transformers' classes: ``modeling_gpt_oss.py`` and ``modeling_deepseek_v3.py``, version 5.23.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llm_explorer.config import RunConfig
from llm_explorer.formats.imported import Counted, Imported, Values, Weight
from llm_explorer.formats.words import keys_in

MOST: Final = 100_000_000
Numbers = Mapping[str, Any]
Shares = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class CountedFamily:
    """A family's class, the keys that change its count with their defaults, and its tensors."""

    architecture: str
    sizes: Mapping[str, int]
    switches: Mapping[str, bool]
    free: frozenset[str]  # keys that change no count
    weights: Callable[[Numbers], tuple[Weight, ...]]
    shares: Callable[[Numbers], Shares]  # of which tensors one token uses only so many of so many parts
    why: str
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    may_be_null: tuple[str, ...] = ()
    may_be_zero: tuple[str, ...] = ()


def count_family(name: str, values: Values, ignored: frozenset[str]) -> Imported:
    """The count of a family that is not built; ConfigError for what is not understood."""
    family = COUNTED[name]
    numbers: dict[str, Any] = {key: _size(values, family, key) for key in family.sizes}
    for key, usual in family.switches.items():
        numbers[key] = values.choose(key, usual, {True: True, False: False}, "is neither true nor false")
    for key, allowed in family.only.items():
        values.only(key, allowed, "another value means other layers")
    values.refuse_rest(ignored | family.free)
    rows = family.weights(numbers)
    shares = family.shares(numbers)
    used = [(row.total, *shares.get(row.name, (1, 1))) for row in rows]
    counted = Counted(rows, sum(total * part // whole for total, part, whole in used))
    return Imported(name, None, RunConfig(), (family.why, *values.notes), counted)


def _size(values: Values, family: CountedFamily, key: str) -> int | None:
    value = values.take(key, family.sizes[key])
    least = 0 if key in family.may_be_zero else 1
    if value is None and key in family.may_be_null:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        values.refuse(key, value, f"is not a whole number from {least} to {MOST:,}")
        return least
    return value


def _linear(name: str, outputs: int, inputs: int, layers: int, *, bias: bool) -> tuple[Weight, ...]:
    weight = Weight(f"{name}.weight", (outputs, inputs), layers)
    return (weight, Weight(f"{name}.bias", (outputs,), layers)) if bias else (weight,)


def _ends(n: Numbers) -> tuple[Weight, ...]:
    matrix = (n["vocab_size"], n["hidden_size"])
    return (
        Weight("model.embed_tokens.weight", matrix),
        Weight("model.norm.weight", (n["hidden_size"],)),
        Weight("lm_head.weight", matrix, 0 if n["tie_word_embeddings"] else 1),
    )


def _block_norms(n: Numbers) -> tuple[Weight, ...]:
    names = "input_layernorm", "post_attention_layernorm"
    return tuple(Weight(f"model.layers.{name}.weight", (n["hidden_size"],), n["num_hidden_layers"]) for name in names)


def _gpt_oss(n: Numbers) -> tuple[Weight, ...]:
    width, layers, inner, experts = (
        n[key] for key in ("hidden_size", "num_hidden_layers", "intermediate_size", "num_local_experts")
    )
    queries, keys = n["num_attention_heads"] * n["head_dim"], n["num_key_value_heads"] * n["head_dim"]
    bias = n["attention_bias"]
    attention, mlp = "model.layers.self_attn", "model.layers.mlp"
    return (
        *_ends(n),
        *_block_norms(n),
        *_linear(f"{attention}.q_proj", queries, width, layers, bias=bias),
        *_linear(f"{attention}.k_proj", keys, width, layers, bias=bias),
        *_linear(f"{attention}.v_proj", keys, width, layers, bias=bias),
        *_linear(f"{attention}.o_proj", width, queries, layers, bias=bias),
        Weight(f"{attention}.sinks", (n["num_attention_heads"],), layers),
        *_linear(f"{mlp}.router", experts, width, layers, bias=True),
        Weight(f"{mlp}.experts.gate_up_proj", (experts, width, 2 * inner), layers),
        Weight(f"{mlp}.experts.gate_up_proj_bias", (experts, 2 * inner), layers),
        Weight(f"{mlp}.experts.down_proj", (experts, inner, width), layers),
        Weight(f"{mlp}.experts.down_proj_bias", (experts, width), layers),
    )


def _gpt_oss_shares(n: Numbers) -> Shares:
    names = "gate_up_proj", "gate_up_proj_bias", "down_proj", "down_proj_bias"
    share = min(n["num_experts_per_tok"], n["num_local_experts"]), n["num_local_experts"]
    return {f"model.layers.mlp.experts.{name}": share for name in names}


def _deepseek(n: Numbers) -> tuple[Weight, ...]:
    width, layers, experts, inner = (
        n[key] for key in ("hidden_size", "num_hidden_layers", "n_routed_experts", "moe_intermediate_size")
    )
    dense = min(n["first_k_dense_replace"], layers)
    shared = inner * n["n_shared_experts"]
    mlp = "model.layers.mlp"
    return (
        *_ends(n),
        *_block_norms(n),
        *_latent_attention(n),
        *_gated(mlp, n["intermediate_size"], width, dense),
        Weight(f"{mlp}.gate.weight", (experts, width), layers - dense),
        Weight(f"{mlp}.experts.gate_up_proj", (experts, 2 * inner, width), layers - dense),
        Weight(f"{mlp}.experts.down_proj", (experts, width, inner), layers - dense),
        *_gated(f"{mlp}.shared_experts", shared, width, layers - dense),
    )


def _latent_attention(n: Numbers) -> tuple[Weight, ...]:
    """Multi-head latent attention, DeepSeek-V2, section 2.1: https://arxiv.org/abs/2405.04434."""
    width, layers, heads, bias = (
        n[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "attention_bias")
    )
    rank, latent, rotated, plain, value = (
        n[key] for key in ("q_lora_rank", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")
    )
    queries, name = heads * (plain + rotated), "model.layers.self_attn"
    return (
        *(
            _linear(f"{name}.q_proj", queries, width, layers, bias=False)
            if rank is None
            else (
                *_linear(f"{name}.q_a_proj", rank, width, layers, bias=bias),
                Weight(f"{name}.q_a_layernorm.weight", (rank,), layers),
                *_linear(f"{name}.q_b_proj", queries, rank, layers, bias=False),
            )
        ),
        *_linear(f"{name}.kv_a_proj_with_mqa", latent + rotated, width, layers, bias=bias),
        Weight(f"{name}.kv_a_layernorm.weight", (latent,), layers),
        *_linear(f"{name}.kv_b_proj", heads * (plain + value), latent, layers, bias=False),
        *_linear(f"{name}.o_proj", width, heads * value, layers, bias=bias),
    )


def _gated(name: str, inner: int, width: int, layers: int) -> tuple[Weight, ...]:
    return (
        Weight(f"{name}.gate_proj.weight", (inner, width), layers),
        Weight(f"{name}.up_proj.weight", (inner, width), layers),
        Weight(f"{name}.down_proj.weight", (width, inner), layers),
    )


def _deepseek_shares(n: Numbers) -> Shares:
    share = min(n["num_experts_per_tok"], n["n_routed_experts"]), n["n_routed_experts"]
    return {f"model.layers.mlp.experts.{name}": share for name in ("gate_up_proj", "down_proj")}


_FREE: Final = keys_in(
    "max_position_embeddings hidden_act attention_dropout rope_theta rope_scaling rope_parameters "
    "router_aux_loss_coef output_router_logits quantization_config"
)
COUNTED: Final[Mapping[str, CountedFamily]] = {
    "gpt_oss": CountedFamily(
        "GptOssForCausalLM",
        {
            "vocab_size": 201_088, "hidden_size": 2_880, "intermediate_size": 2_880, "num_hidden_layers": 36,
            "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64,
            "num_local_experts": 128, "num_experts_per_tok": 4,
        },
        {"attention_bias": True, "tie_word_embeddings": False},
        _FREE
        | keys_in(
    "sliding_window layer_types swiglu_alpha swiglu_limit experts_per_token initial_context_length"
),
        _gpt_oss,
        _gpt_oss_shares,
        "experts with biases, a clamped activation and a sink for each head of attention are not built here.",
    ),
    "deepseek_v3": CountedFamily(
        "DeepseekV3ForCausalLM",
        {
            "vocab_size": 129_280, "hidden_size": 7_168, "intermediate_size": 18_432, "moe_intermediate_size": 2_048,
            "num_hidden_layers": 61, "first_k_dense_replace": 3, "num_attention_heads": 128,
            "q_lora_rank": 1_536, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128,
            "v_head_dim": 128, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
        },
        {"attention_bias": False, "tie_word_embeddings": False},
        _FREE
        | keys_in(
    "num_key_value_heads n_group topk_group norm_topk_prob scoring_func topk_method routed_scaling_factor "
    "aux_loss_alpha seq_aux rope_interleave ep_size num_nextn_predict_layers num_mtp_layers"
),
        _deepseek,
        _deepseek_shares,
        "latent attention is not built here. Counted without the routers' correction biases, which are not trained by "
        "gradients, and without the layers that predict further tokens.",
        only={"moe_layer_freq": (1,)},
        may_be_null=("q_lora_rank",),
        may_be_zero=("first_k_dense_replace", "n_shared_experts"),
    ),
}  # fmt: skip
