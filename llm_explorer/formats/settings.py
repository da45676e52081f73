"""``field=value`` settings, and both configs from values of their fields."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, check
from llm_explorer.formats.dicts import MAX_DIGITS, MAX_FIELDS, NUMBER, number
from llm_explorer.formats.words import refusal, short

Configs = tuple[ModelConfig, RunConfig]


def apply_settings(model: ModelConfig, run: RunConfig, settings: Iterable[str]) -> Configs:
    """The two configs with ``field=value`` changes; of two for one field the later holds.

    Numbers may have underscores (50_257); ``true``, ``false`` and ``none`` are read in any case.

    >>> apply_settings(ModelConfig(), RunConfig(), ["n_layers=24", "precision=bfloat16"])[1].precision
    'bfloat16'
    """
    changes: dict[str, Any] = {}
    problems = []
    settings = tuple(settings)
    if len(settings) > MAX_FIELDS:
        raise refusal("settings", len(settings), f"settings are more than the {MAX_FIELDS} that are read")
    for setting in settings:
        field, equals, value = setting.partition("=")
        if equals:
            changes[field.strip()] = _typed(field.strip(), value)
        else:
            problems.append(Problem("settings", setting, f"{short(setting)} is not a setting; write field=value"))
    of_model, of_run = split(changes)
    return built(model.model_dump() | of_model, run.model_dump() | of_run, problems)


def to_settings(model: ModelConfig, run: RunConfig) -> tuple[str, ...]:
    """What differs from the defaults, as apply_settings reads it: ('n_layers=24', 'qkv_bias=true')."""
    return tuple(
        f"{field}={_setting_text(value)}"
        for config in (model, run)
        for field, value in config.model_dump().items()
        if value != type(config).model_fields[field].default
    )


def built(model: Mapping[str, Any], run: Mapping[str, Any], problems: Iterable[Problem] = ()) -> Configs:
    """Both configs, or all problems of both at once."""
    found = list(problems)
    configs: list[Any] = []
    for kind, values in ((ModelConfig, model), (RunConfig, run)):
        try:
            configs.append(kind(**values))
        except ConfigError as error:
            found.extend(error.problems)
    if found:
        raise ConfigError(found)
    check(configs[0], configs[1])
    return configs[0], configs[1]


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each field to the config it belongs to, an unknown one to where a field is named most like it."""
    of_run = {field: value for field, value in values.items() if _owner(field) is RunConfig}
    return {field: value for field, value in values.items() if field not in of_run}, of_run


def _owner(field: str) -> type[BaseModel]:
    for config in (ModelConfig, RunConfig):
        if field in config.model_fields:
            return config
    near = get_close_matches(field[:40], (*ModelConfig.model_fields, *RunConfig.model_fields), n=1)
    return RunConfig if near and near[0] in RunConfig.model_fields else ModelConfig


def _typed(field: str, text: str) -> Any:
    """The text as the field's type; as it stands where it is none, for the config to refuse in words."""
    known = _owner(field).model_fields.get(field)
    kinds = (known.annotation, *get_args(known.annotation)) if known else ()
    word = text.strip().lower()
    if NoneType in kinds and word in ("none", "null"):
        return None
    if bool in kinds:
        return {"true": True, "false": False}.get(word, text)
    if (int in kinds or float in kinds) and NUMBER.fullmatch(word.removeprefix("-")) and len(word) <= MAX_DIGITS:
        return number(word)
    return text


def _setting_text(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
