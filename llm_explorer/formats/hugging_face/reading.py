"""Import of a Hugging Face config.json, offline and exact: each key is understood, or the config is refused.

>>> found = import_config({"model_type": "llama", "num_hidden_layers": 2, "rope_scaling": {"rope_type": "yarn"}})
>>> found.model.n_layers, found.notes[0][:34]
(2, "rope_scaling={'rope_type': 'yarn'}")
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from llm_explorer.config import ConfigError, Problem, RunConfig
from llm_explorer.config.problems import shown
from llm_explorer.formats.hugging_face.counted import COUNTED, count_family
from llm_explorer.formats.hugging_face.families import COMMON, FAMILIES, IGNORED, SIZE_KEYS, Family, Noted, Only, Option
from llm_explorer.formats.imported import Imported, Values
from llm_explorer.formats.words import keys_in, short

FIRST_WINDOW: Final = 28  # what max_window_layers is where it is absent, and it is absent only in Qwen2 and Qwen3
SLIDING: Final = "sliding_attention"
FULL: Final = "full_attention"
_ROPE_TYPES: Final = ("default", "linear", "dynamic", "yarn", "longrope", "su", "llama3")
_ROPE_KEYS: Final = keys_in(
    "type rope_type rope_theta partial_rotary_factor factor attention_factor beta_fast beta_slow "
    "short_factor long_factor low_freq_factor high_freq_factor original_max_position_embeddings mscale "
    "mscale_all_dim truncate short_mscale long_mscale"
)


def import_config(given: Mapping[str, Any]) -> Imported:
    """The model that a config.json describes; ConfigError with the name of whatever is not understood."""
    name = _family_name(given)
    if name in FAMILIES:
        given = _with_usual_names(given, FAMILIES[name].renamed)
    values = Values(given, f"model_type={name}")
    _check_architecture(values, name)
    for key, only in COMMON.items():
        if name not in COUNTED or key != "quantization_config":  # it changes no count, and there is no cost then
            values.only(key, only.allowed, only.why)
    if name in COUNTED:
        return count_family(name, values, IGNORED)
    family = FAMILIES[name]
    fields = {**family.fixed, **_sizes(values, family), "drop_rate": _drop_rate(values, family)}
    values.key_of["tie_embeddings"] = "tie_word_embeddings"
    fields["tie_embeddings"] = values.take("tie_word_embeddings", family.tied)
    fields["activation"] = values.choose(
        family.activation_key, family.activation, family.activations, "no such activation is built here"
    )
    fields |= _options(values, family)
    if fields.get("positions") == "rope":
        fields |= _rope(values, family)
    fields |= _windows(values, family, fields["n_layers"])
    model = values.finish(fields, (*IGNORED, *family.ignored))
    return Imported(name, model, RunConfig(), (*family.notes, *values.notes))


def _family_name(given: Mapping[str, Any]) -> str:
    """The model_type, or the one whose class the architectures name."""
    name = given.get("model_type")
    known = (*FAMILIES, *COUNTED)
    if name is None:
        classes = given.get("architectures")
        named = classes[0] if isinstance(classes, list) and classes else None
        name = next((each for each in known if _architecture(each) == named), None)
        if name is None:
            message = f"architectures={shown(classes)}: no known family has this class; give model_type"
            raise ConfigError([Problem("architectures", classes, message)])
    if not isinstance(name, str) or name not in known:
        near = get_close_matches(str(name)[:40], known, n=3, cutoff=0.5) if isinstance(name, str) else ()
        hint = f"near: {', '.join(near)}" if near else f"known: {', '.join(known)}"
        nested = "; if it has a text_config, paste that one alone" if "text_config" in given else ""
        message = f"model_type={short(str(shown(name)))}: this family is not understood; {hint}{nested}"
        raise ConfigError([Problem("model_type", name, message)])
    return name


def _with_usual_names(given: Mapping[str, Any], renamed: Mapping[str, str]) -> Mapping[str, Any]:
    """The keys by their usual names; one that stands under both is left, and refused as not understood."""
    return {key if renamed.get(key, key) in given else renamed[key]: value for key, value in given.items()}


def _architecture(name: str) -> str:
    return COUNTED[name].architecture if name in COUNTED else FAMILIES[name].architecture


def _check_architecture(values: Values, name: str) -> None:
    """Another class of the same family has another head, or none: another count."""
    classes = values.take("architectures")
    wanted = _architecture(name)
    if classes not in (None, [], [wanted]):
        values.refuse("architectures", classes, f"another class has another head; known for {name}: {wanted}")


def _sizes(values: Values, family: Family) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    keys = family.size_keys or SIZE_KEYS
    for field, default in family.sizes._asdict().items():
        if field not in family.missing:
            key = keys[field]
            fields[field] = values.take(key, default)
            values.key_of[field] = key
            if fields[field] is None and default is not None and field not in family.nullable:
                values.refuse(key, None, f"the family's default is {default}; leave the key out, or give a number")
                fields[field] = default
    return fields | _as_derived(fields)


def _as_derived(fields: Mapping[str, Any]) -> dict[str, None]:
    """None for the sizes that say what holds without them: so a published config is equal to its preset."""
    width, heads = fields["emb_dim"], fields["n_heads"]
    found: dict[str, None] = {}
    if heads is not None and fields.get("n_kv_heads") == heads:
        found["n_kv_heads"] = None
    if _is_count(heads) and isinstance(width, int) and width % heads == 0 and fields.get("head_dim") == width // heads:
        found["head_dim"] = None
    return found


def _options(values: Values, family: Family) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, option in family.options.items():
        match option:
            case Only(allowed, why):
                values.only(key, allowed, why)
            case Noted(usual, why):
                values.note(key, usual, why)
            case Option(names, default, meanings, nullable):
                if meanings is None:
                    value = values.take(key, default)
                    if value is None and default is not None and not nullable:
                        values.refuse(key, None, f"the family's default is {shown(default)}; leave the key out")
                else:
                    value = values.choose(key, default, meanings, "no such layers are built here")
                fields |= dict.fromkeys(names, value)
                values.key_of |= dict.fromkeys(names, key)
    return fields


def _drop_rate(values: Values, family: Family) -> Any:
    """One rate where the family's dropout layers are those of our model and agree; else 0, and it is said."""
    rates = {key: values.take(key, family.dropout) for key in family.dropouts}
    values.key_of["drop_rate"] = family.dropouts[0]
    for key, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float):
            values.refuse(key, rate, "is no number from 0 to 0.9")
            return 0.0
    if len({*rates.values()}) == 1 and (family.dropout_everywhere or not any(rates.values())):
        return next(iter(rates.values()))
    told = ", ".join(f"{key}={rate}" for key, rate in rates.items())
    values.notes.append(f"{told}: this model has one rate for all its dropout; taken as drop_rate=0, not counted.")
    return 0.0


def _rope(values: Values, family: Family) -> dict[str, Any]:
    """The base and the share of the rotation; a way to stretch it to longer contexts is told, it has no cost."""
    scaling, parameters = values.take("rope_scaling"), values.take("rope_parameters")
    key = "rope_parameters" if scaling is None else "rope_scaling"
    if scaling is not None and parameters is not None and scaling != parameters:
        values.refuse(key, scaling, "rope_parameters says something else; keep one")
    rope = parameters if scaling is None else scaling
    rope = {} if rope is None else rope
    if not isinstance(rope, dict):
        values.refuse(key, rope, "is no object {...} or null")
        rope = {}
    if family.windows == "layers" and {FULL, SLIDING} & rope.keys():
        rope = _rope_by_layer(values, key, rope)
    unknown = sorted(rope.keys() - _ROPE_KEYS)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if unknown or kind not in _ROPE_TYPES:
        what = f"{short(unknown[0])} in it" if unknown else f"the type {shown(kind)}"
        values.refuse(key, rope, f"{what} is not understood; known types: {', '.join(_ROPE_TYPES)}")
    elif kind != "default":
        values.notes.append(f"{key}={shown(rope)}: the rotation is stretched; same count and cost, other numbers.")
    theta = rope.get("rope_theta", values.take(family.theta_key, family.theta))
    fields = {"rope_theta": family.theta if theta is None else theta}
    values.key_of["rope_theta"] = family.theta_key
    share = rope.get("partial_rotary_factor", None if family.share is None else values.take(family.share_key))
    if family.share is None:
        if share not in (None, 1.0):
            values.refuse(key, rope, "partial_rotary_factor is not known for this family; leave it out")
    else:
        fields["rope_share"] = family.share if share is None else share
        values.key_of["rope_share"] = family.share_key
    return fields


def _rope_by_layer(values: Values, key: str, rope: Mapping[str, Any]) -> dict[str, Any]:
    """Of rotations by kind of layer the one of the layers without a window; others are told."""
    full, sliding = rope.get(FULL) or {}, rope.get(SLIDING) or {}
    if not isinstance(full, dict) or not isinstance(sliding, dict) or rope.keys() - {FULL, SLIDING}:
        values.refuse(key, rope, f"is no object of {FULL} and {SLIDING}")
        return {}
    if full != sliding:
        values.notes.append(
            f"{key}: layers with a window rotate by a base of their own; same count and cost, other numbers."
        )
    return full


def _windows(values: Values, family: Family, layers: Any) -> dict[str, Any]:
    """Which layers see how far: sliding_window and full_attention_every, or a refusal of a pattern they cannot say."""
    values.key_of["sliding_window"] = "sliding_window"
    if family.windows == "none":
        return _agreed(values, None, layers)
    window = values.take("sliding_window", family.window)
    if family.windows == "switch" and values.take("use_sliding_window", default=False) is not True:
        values.only("use_sliding_window", (False,), "is neither true nor false")
        values.take("max_window_layers")
        window = None
    if family.windows == "all" or window is None or not _is_count(layers):
        return _agreed(values, window, layers)
    if family.windows == "switch":
        first = values.take("max_window_layers", family.first_window)
        usual = [SLIDING if not _is_count(first) or layer >= first else FULL for layer in range(layers)]
        if not _is_count(first) and first != 0:
            values.refuse("max_window_layers", first, "is no whole number from 0")
    else:
        every = values.take("sliding_window_pattern", family.window_every)
        if not _is_count(every):
            values.refuse("sliding_window_pattern", every, "is no whole number from 1")
            every = 1
        usual = [SLIDING if (layer + 1) % every else FULL for layer in range(layers)]
    kinds = values.take("layer_types")
    return _pattern(values, window, usual if kinds is None else kinds, layers, given=kinds is not None)


def _agreed(values: Values, window: Any, layers: Any) -> dict[str, Any]:
    """The same window in all layers; layer_types may say so once more."""
    kinds = values.take("layer_types")
    wanted = FULL if window is None else SLIDING
    if kinds is not None and not (isinstance(kinds, list) and kinds == [wanted] * len(kinds) and len(kinds) == layers):
        values.refuse("layer_types", kinds, f"the rest of the config makes all {shown(layers)} layers {wanted}")
    return {"sliding_window": window}


def _pattern(values: Values, window: Any, kinds: Any, layers: int, *, given: bool) -> dict[str, Any]:
    key = "layer_types" if given else "max_window_layers"
    known = isinstance(kinds, list) and len(kinds) == layers and all(kind in (SLIDING, FULL) for kind in kinds)
    if not known:
        values.refuse(key, kinds, f"is no list of {layers} times {SLIDING} or {FULL}")
        return {}
    every = full_every(kinds)
    if every == 1:
        return {"sliding_window": None}
    if every is None and FULL in kinds:
        first = kinds.index(FULL)
        values.refuse(
            key, kinds if given else values.take(key, FIRST_WINDOW),
            f"layers without a window must come every so many layers, last of each such group; here the first is layer "
            f"{first}; give layer_types such a pattern, or sliding_window null",
        )  # fmt: skip
    return {"sliding_window": window, "full_attention_every": every}


def full_every(kinds: Sequence[str]) -> int | None:
    """The p of a pattern in which layer l is full when (l + 1) % p == 0; None where none is full, or none fits.

    >>> full_every(["sliding_attention", "full_attention", "sliding_attention"])
    2
    """
    if FULL not in kinds:
        return None
    every = kinds.index(FULL) + 1
    return every if all((kind == FULL) == ((layer + 1) % every == 0) for layer, kind in enumerate(kinds)) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000
