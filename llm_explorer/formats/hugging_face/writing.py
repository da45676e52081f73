"""Export to a Hugging Face config.json: the family that says a config exactly, found by reading its file back.

>>> json.loads(to_hugging_face(ModelConfig(qkv_bias=True, tie_embeddings=True)))["model_type"]
'gpt2'
"""

import json
from typing import Any, Final

from llm_explorer.config import ConfigError, ModelConfig, Problem
from llm_explorer.config.problems import shown
from llm_explorer.formats.hugging_face.families import FAMILIES, SIZE_KEYS, Family, Option
from llm_explorer.formats.hugging_face.reading import FULL, SLIDING, import_config

# the first that says it all is taken: those without numbers of their own before Gemma and before rare ones
_ORDER: Final = (
    "gpt2", "llama", "mistral", "qwen2", "qwen3", "mixtral", "qwen3_moe", "gpt_neox", "starcoder2", "olmo", "olmo2",
    "phi", "phi3", "stablelm", "gemma", "gemma2", "gemma3_text",
)  # fmt: skip


def to_hugging_face(model: ModelConfig) -> str:
    """The config.json, whose count and cost are the model's; ConfigError where no family can say it."""
    wanted = resolved(model)
    nearest: tuple[str, dict[str, Any]] | None = None
    for name in _ORDER:
        given = _candidate(name, model)
        try:
            found = import_config(given).configs()[0]
        except ConfigError:
            continue
        other = {field: value for field, value in resolved(found).items() if value != wanted[field]}
        if not other:
            return json.dumps(given, indent=2) + "\n"
        if nearest is None or len(other) < len(nearest[1]):
            nearest = name, other
    raise ConfigError([_refusal(model, wanted, nearest)])


def _refusal(model: ModelConfig, wanted: dict[str, Any], nearest: tuple[str, dict[str, Any]] | None) -> Problem:
    if nearest is None:
        return Problem("model", None, "no family of Hugging Face's has such blocks; export JSON or the PyTorch file")
    name, other = nearest
    field = next(iter(other))
    differences = ", ".join(f"{each}={shown(value)}, not {shown(wanted[each])}" for each, value in other.items())
    message = f"no family of Hugging Face's says this config: the nearest, {name}, has {differences}"
    fixes = tuple((each, value) for each, value in other.items() if each in type(model).model_fields)
    return Problem(
        field, wanted[field], f"{message}; export JSON or the PyTorch file", fixes if len(other) == 1 else ()
    )


def resolved(model: ModelConfig) -> dict[str, Any]:
    """Every choice as it takes effect, so that two configs that say one model differently are equal."""
    fields = model.model_dump()
    fields |= {
        "n_kv_heads": model.kv_heads,
        "head_dim": model.head_width,
        "mlp_bias": model.has_mlp_bias,
        "windows": tuple(model.window(layer) for layer in range(model.n_layers)),
    }
    del fields["sliding_window"], fields["full_attention_every"]
    if model.n_experts is None:
        fields["hidden_dim"] = model.feed_forward_dim
    else:  # no layer has the width F itself
        fields |= {"hidden_dim": None, "expert_hidden_dim": model.expert_dim, "n_active_experts": model.active_experts}
    if model.positions != "rope":
        fields |= {"rope_theta": None, "rope_share": None}
    return fields


def _candidate(name: str, model: ModelConfig) -> dict[str, Any]:
    """What a family would write of the model; what it has no key for is left out, and found out by reading it."""
    family = FAMILIES[name]
    given: dict[str, Any] = {"model_type": name, "architectures": [family.architecture]}
    sizes = resolved(model) | {"hidden_dim": model.feed_forward_dim}
    for field, key in (family.size_keys or SIZE_KEYS).items():
        if field not in family.missing:
            given[key] = sizes[field]
    given["tie_word_embeddings"] = model.tie_embeddings
    given[family.activation_key] = _name_of(model.activation, family.activations, family.activation)
    given |= dict.fromkeys(family.dropouts, model.drop_rate if family.dropout_everywhere else 0.0)
    for key, option in family.options.items():
        if isinstance(option, Option):
            value = sizes[option.fields[0]]
            given[key] = value if option.meanings is None else _name_of(value, option.meanings, option.default)
    if "moe_intermediate_size" in given:
        given["moe_intermediate_size"] = model.expert_dim
    elif model.n_experts is not None:  # Mixtral's experts have the width F
        given["intermediate_size"] = model.expert_dim
    return given | _rope(family, model) | _windows(family, model) | _numbers(family, model)


def _name_of(value: Any, meanings: Any, default: Any) -> Any:
    """The family's word for a value; its default where it has none."""
    if meanings.get(default) == value:
        return default
    return next((word for word, meaning in meanings.items() if meaning == value), default)


def _rope(family: Family, model: ModelConfig) -> dict[str, Any]:
    if model.positions != "rope" or family.fixed.get("positions") != "rope":
        return {}
    share = {} if family.share is None else {family.share_key: model.rope_share}
    return {family.theta_key: model.rope_theta, **share}


def _windows(family: Family, model: ModelConfig) -> dict[str, Any]:
    if family.windows == "none":
        return {}
    kinds = [FULL if model.window(layer) is None else SLIDING for layer in range(model.n_layers)]
    given: dict[str, Any] = {"sliding_window": model.sliding_window}
    if family.windows == "switch":
        given["use_sliding_window"] = model.sliding_window is not None
    if family.windows != "all" and family.first_window:  # families that read layer_types
        given["layer_types"] = kinds
    return given


def _numbers(family: Family, model: ModelConfig) -> dict[str, Any]:
    """Keys that change no count, set to the numbers of this app's own blocks."""
    own: dict[str, Any] = {"query_pre_attn_scalar": model.head_width, "norm_topk_prob": True}
    given = {key: value for key, value in own.items() if key in family.options}
    epsilon = {"rmsnorm": {"rms_norm_eps": 1e-6}, "layernorm": {"layer_norm_eps": 1e-5}}.get(model.norm, {})
    return given | epsilon
