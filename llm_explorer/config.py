"""What is asked for: the model and the run, frozen and never invalid.

    ValueError
      ConfigError        every problem at once, each a Problem(field, value, message, fixes)

Field names of ModelConfig are those of the book "Build a Large Language Model (From Scratch)", so that its dict
loads as it stands. Letters used in formulas everywhere: B batch, T sequence, V vocabulary, D model width, L layers,
N heads, H head width, F feed-forward width, C context length.
"""

import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isqrt
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined

from llm_explorer import hardware as hardware_table

DEFAULT_SEQUENCE: Final = 256  # a step at the full context of GPT-2 takes seconds on a laptop
# rows of the head that a loss in chunks (loss.py) sums the gradient of at once: 12 steps for GPT-2's 50,257
HEAD_ROWS_AT_ONCE: Final = 4096
_DEVICE: Final = re.compile(r"cpu|meta|mps|cuda(:\d{1,3})?")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and the changes ``(field, value)`` that would each mend it."""

    field: str
    value: object
    message: str
    fixes: tuple[tuple[str, Any], ...] = ()


class ConfigError(ValueError):
    """All problems of a config at once; ``str()`` has one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        wrong: dict[str, Problem] = {}
        try:
            super().__init__(**values)
        except ValidationError as error:
            for details in error.errors(include_url=False, include_context=True):
                problem = _field_problem(type(self), details)
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


class ModelConfig(_Config):
    """The shape of a GPT; the defaults are the book's GPT_CONFIG_124M.

    >>> ModelConfig().head_dim, ModelConfig().feed_forward_dim
    (64, 3072)
    """

    vocab_size: Annotated[int, Field(ge=1, le=10_000_000)] = 50257
    context_length: Annotated[int, Field(ge=1, le=100_000_000)] = 1024
    emb_dim: Annotated[int, Field(ge=1, le=1_048_576)] = 768
    n_heads: Annotated[int, Field(ge=1, le=65_536)] = 12
    n_layers: Annotated[int, Field(ge=1, le=10_000)] = 12
    drop_rate: Annotated[float, Field(ge=0.0, le=0.9)] = 0.1
    qkv_bias: bool = False
    tie_embeddings: bool = False
    hidden_dim: Annotated[int | None, Field(ge=1, le=8_388_608)] = None
    bias: bool = True

    @property
    def head_dim(self) -> int:
        """H, the width of one attention head."""
        return self.emb_dim // self.n_heads

    @property
    def feed_forward_dim(self) -> int:
        """F, the width inside the feed-forward layer: 4 D unless hidden_dim says otherwise."""
        return 4 * self.emb_dim if self.hidden_dim is None else self.hidden_dim

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        width, heads = sound.get("emb_dim"), sound.get("n_heads")
        if width and heads and width % heads:
            nearest = _nearest_divisors(width, heads)
            message = (
                f"n_heads={heads} does not divide emb_dim={width}: {width} / {heads} = {width / heads:.4g}; "
                f"nearest that do: {', '.join(map(str, nearest))}"
            )
            wider = max(1, round(width / heads)) * heads
            fixes = tuple(("n_heads", value) for value in nearest)
            if wider <= _limits(cls, "emb_dim")["le"]:
                fixes = (*fixes, ("emb_dim", wider))
            yield Problem("n_heads", heads, message, fixes)


Precision = Literal["float32", "autocast", "bfloat16", "bfloat16_master"]
Optimizer = Literal["adamw", "sgd", "none"]
OptimizerImplementation = Literal["fused", "foreach", "for_loop"]
Attention = Literal["sdpa", "materialized"]


class RunConfig(_Config):
    """How one training step is run, where it really runs (device) and what it is sized for (hardware).

    ``sequence_length=None`` is min(C, 256); ``threads=None`` is physical cores - 1, at least 1; ``loss_chunk`` is how
    many of the B T token positions have logits at once, None: all.
    """

    device: str = "cpu"
    hardware: str = hardware_table.THIS_MACHINE
    precision: Precision = "float32"
    batch_size: Annotated[int, Field(ge=1, le=1_048_576)] = 2
    sequence_length: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    accumulation: Annotated[int, Field(ge=1, le=65_536)] = 1
    optimizer: Optimizer = "adamw"
    optimizer_implementation: OptimizerImplementation = "fused"
    attention: Attention = "sdpa"
    checkpointing: bool = False
    loss_chunk: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    threads: Annotated[int | None, Field(ge=1, le=1_024)] = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0

    def sequence(self, model: ModelConfig) -> int:
        """T, the tokens of one sequence of a batch."""
        return min(model.context_length, DEFAULT_SEQUENCE) if self.sequence_length is None else self.sequence_length

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        device, hardware = sound.get("device"), sound.get("hardware")
        if device is not None and not _DEVICE.fullmatch(device):
            message = f"device={_shown(device)} is not a device; write cpu, meta, mps, cuda or cuda:0"
            yield Problem("device", device, message, (("device", "cpu"),))
        if hardware is not None and hardware_table.find(hardware) is None:
            near = get_close_matches(hardware[:40], hardware_table.names(), n=3, cutoff=0.4)
            message = (
                f"hardware={_shown(hardware)} is not known; write {hardware_table.THIS_MACHINE!r}, a size such as "
                f"24GiB, or a name such as {', '.join(near or hardware_table.names()[:3])}"
            )
            yield Problem("hardware", hardware, message, (("hardware", hardware_table.THIS_MACHINE),))


AnyConfig = TypeVar("AnyConfig", ModelConfig, RunConfig)


def replace(config: AnyConfig, /, **changes: Any) -> AnyConfig:
    """The config with some fields changed, validated.

    >>> replace(ModelConfig(), n_layers=24).n_layers
    24
    """
    return config.model_copy(update=changes)


def check(model: ModelConfig, run: RunConfig) -> None:
    """Raise ConfigError where the two do not go together."""
    length, context = run.sequence(model), model.context_length
    if length > context:
        message = (
            f"sequence_length={length} is longer than context_length={context}: the model has positions for "
            f"{context} tokens; use at most {context}, or a longer context"
        )
        fixes = (("sequence_length", context), ("context_length", length))
        raise ConfigError([Problem("sequence_length", length, message, fixes)])


def field_range(config: type[ModelConfig] | type[RunConfig], field: str) -> tuple[float, float]:
    """The smallest and the largest value of a numeric field: emb_dim -> (1, 1048576)."""
    limits = _limits(config, field)
    return limits["ge"], limits["le"]


def choices(field: str) -> tuple[str, ...]:
    """The values a RunConfig field of fixed choices takes: 'optimizer' -> ('adamw', 'sgd', 'none')."""
    return cast(tuple[str, ...], RunConfig.model_fields[field].annotation.__args__)  # type: ignore[union-attr]


def _limits(config: type[BaseModel], field: str) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for constraint in config.model_fields[field].metadata:
        limits |= {name: getattr(constraint, name) for name in ("ge", "le") if hasattr(constraint, name)}
    return limits


def _field_problem(config: type[BaseModel], details: ErrorDetails) -> Problem:
    """pydantic's finding in our words: what, both numbers, a way out."""
    value = details["input"]
    # without a place it is the name of a field that is wrong: text that cannot be written in UTF-8
    field = str(details["loc"][0] if details["loc"] else value)
    if details["type"] == "extra_forbidden" or not details["loc"]:
        near = get_close_matches(field[:40], config.model_fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(config.model_fields)}"
        return Problem(field[:40], value, f"unknown field {_shown(field)}{hint}")
    limits = _limits(config, field)
    if "ge" in limits:
        low, high = limits["ge"], limits["le"]
        kind = "a whole number" if isinstance(low, int) else "a number"
        near_value = _nearest_in_range(value, low, high)
        hint = "" if near_value is None else f"; nearest: {near_value:,}"
        message = f"{field}={_shown(value, quoted=True)} is not {kind} from {low:,} to {high:,}{hint}"
        return Problem(field, value, message, () if near_value is None else ((field, near_value),))
    default = config.model_fields[field].default
    fixes = () if default is PydanticUndefined else ((field, default),)
    return Problem(field, value, f"{field}={_shown(value)}: {_expected(details)}", fixes)


def _expected(details: ErrorDetails) -> str:
    if details["type"] == "literal_error":
        return f"use one of {details['ctx']['expected']}"
    if details["type"].startswith("bool"):
        return "use true or false"
    return "use text"


def _nearest_in_range(value: object, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    inside = min(max(low, value), high)
    return round(inside) if isinstance(low, int) else inside


def _nearest_divisors(width: int, heads: int) -> tuple[int, ...]:
    """The divisor of width on each side of heads: 768, 10 -> (8, 12)."""
    small = [n for n in range(1, isqrt(width) + 1) if width % n == 0]
    allowed = [n for n in (*small, *(width // n for n in small)) if n <= _limits(ModelConfig, "n_heads")["le"]]
    below = max(n for n in allowed if n < heads)
    above = min((n for n in allowed if n > heads), default=below)
    return (below,) if above == below else (below, above)


def _shown(value: object, *, quoted: bool = False) -> str:
    """A value from outside, short enough for a message."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return "a number of over 18 digits"
    plain = isinstance(value, str) and not quoted and len(value) <= 60 and value.isprintable()
    try:
        return str(value) if plain else reprlib.repr(value)
    except ValueError:  # Python does not print an integer of over 4300 digits, here inside a list or dict
        return "a value too long to show"
