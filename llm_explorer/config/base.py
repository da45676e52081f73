"""What both configs are: values that are valid as long as they exist."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from llm_explorer.config.problems import ConfigError, Problem, field_problem, limits


class Config(BaseModel):
    """Frozen, strict and never invalid: ConfigError with all problems at once."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        wrong: dict[str, Problem] = {}
        try:
            super().__init__(**values)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=True):
                problem = field_problem(type(self), details)
                wrong.setdefault(problem.field, problem)
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        sound = {name: value for name, value in (defaults | values).items() if name not in wrong}
        problems = (*wrong.values(), *self._cross_problems(sound))
        if problems:
            raise ConfigError(problems)

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        """Rules over several fields, asked of those that are valid alone."""
        raise NotImplementedError

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Like pydantic's, but validated: a config is never invalid (``deep`` means nothing for plain values)."""
        del deep
        return type(self)(**(self.model_dump() | dict(update or {})))

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override]
        """Like pydantic's, but validated: a config is never invalid."""
        return cls(**values)


AnyConfig = TypeVar("AnyConfig", bound=Config)


def replace(config: AnyConfig, /, **changes: Any) -> AnyConfig:
    """The config with some fields changed, validated.

    >>> from llm_explorer.config import ModelConfig
    >>> replace(ModelConfig(), n_layers=24).n_layers
    24
    """
    return config.model_copy(update=changes)


def field_range(config: type[Config], field: str) -> tuple[float, float]:
    """The smallest and the largest value of a numeric field: emb_dim -> (1, 1048576)."""
    within = limits(config, field)
    return within["ge"], within["le"]
