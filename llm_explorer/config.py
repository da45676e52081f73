"""What is asked for: the model and the run, frozen and never invalid.

    ValueError
      ConfigError        every problem at once, each a Problem(field, value, message, fixes)

Field names of ModelConfig are those of the book "Build a Large Language Model (From Scratch)", so that its dict
loads as it stands. Letters used in formulas everywhere: B batch, T sequence, V vocabulary, D model width, L layers,
N heads, K heads of keys and values, H head width, F feed-forward width, C context length, E experts, k active ones.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llm_explorer import hardware as hardware_table
from llm_explorer.problems import ConfigError as ConfigError
from llm_explorer.problems import Problem as Problem
from llm_explorer.problems import field_problem, limits, nearest_divisors, shown

DEFAULT_SEQUENCE: Final = 256  # a step at the full context of GPT-2 takes seconds on a laptop
# rows of the head that a loss in chunks (loss.py) sums the gradient of at once: 12 steps for GPT-2's 50,257
HEAD_ROWS_AT_ONCE: Final = 4096
_DEVICE: Final = re.compile(r"cpu|meta|mps|cuda(:[0-9]{1,3})?")


class _Config(BaseModel):
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


Norm = Literal["layernorm", "layernorm_no_bias", "layernorm_plain", "rmsnorm"]
NormPlace = Literal["pre", "post", "sandwich"]
Residual = Literal["sequential", "parallel", "parallel_one_norm"]
Activation = Literal["gelu_tanh", "gelu", "relu", "swiglu", "geglu"]
Positions = Literal["learned", "rope", "none"]
QkNorm = Literal["none", "head", "full"]


class ModelConfig(_Config):
    """The shape of a GPT; the defaults are the book's GPT_CONFIG_124M.

    Each further field is a choice of a published model; None stands for what GPT-2 has:
    ``hidden_dim`` 4 D, ``n_kv_heads`` N, ``head_dim`` D / N, ``mlp_bias`` as ``bias``, ``n_experts`` none,
    ``n_active_experts`` 2 of them, ``expert_hidden_dim`` as ``hidden_dim``, ``sliding_window`` none,
    ``full_attention_every`` never (every layer has the window), the softcaps none.

    >>> ModelConfig().head_width, ModelConfig().feed_forward_dim
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
    mlp_bias: bool | None = None
    head_bias: bool = False
    n_kv_heads: Annotated[int | None, Field(ge=1, le=65_536)] = None
    head_dim: Annotated[int | None, Field(ge=1, le=65_536)] = None
    norm: Norm = "layernorm"
    norm_place: NormPlace = "pre"
    residual: Residual = "sequential"
    activation: Activation = "gelu_tanh"
    positions: Positions = "learned"
    rope_theta: Annotated[float, Field(ge=1.0, le=1e12)] = 10_000.0
    rope_share: Annotated[float, Field(ge=0.01, le=1.0)] = 1.0
    qk_norm: QkNorm = "none"
    sliding_window: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    full_attention_every: Annotated[int | None, Field(ge=1, le=10_000)] = None
    attention_softcap: Annotated[float | None, Field(ge=0.001, le=1e6)] = None
    logit_softcap: Annotated[float | None, Field(ge=0.001, le=1e6)] = None
    n_experts: Annotated[int | None, Field(ge=1, le=4_096)] = None
    n_active_experts: Annotated[int | None, Field(ge=1, le=4_096)] = None
    expert_hidden_dim: Annotated[int | None, Field(ge=1, le=8_388_608)] = None
    n_shared_experts: Annotated[int, Field(ge=0, le=256)] = 0

    @property
    def head_width(self) -> int:
        """H, the width of one attention head: D / N unless head_dim says otherwise."""
        return self.emb_dim // self.n_heads if self.head_dim is None else self.head_dim

    @property
    def kv_heads(self) -> int:
        """K, the heads of keys and values, each for N / K heads of queries: N unless n_kv_heads says otherwise."""
        return self.n_heads if self.n_kv_heads is None else self.n_kv_heads

    @property
    def has_mlp_bias(self) -> bool:
        """Whether the matrices of the feed-forward layer have biases: as ``bias`` unless mlp_bias says otherwise.

        Those of experts never have any.
        """
        return self.n_experts is None and (self.bias if self.mlp_bias is None else self.mlp_bias)

    @property
    def is_gated(self) -> bool:
        """Whether the feed-forward layer has a third matrix, whose output the activation lets through."""
        return self.activation in ("swiglu", "geglu")

    @property
    def rope_width(self) -> int:
        """How many of the H values of a head are rotated: all unless rope_share says otherwise."""
        return int(self.head_width * self.rope_share)

    @property
    def active_experts(self) -> int:
        """k, the experts that each token is sent to; 0 where there are none."""
        if self.n_experts is None:
            return 0
        return min(2, self.n_experts) if self.n_active_experts is None else self.n_active_experts

    @property
    def expert_dim(self) -> int:
        """The width inside one expert: F unless expert_hidden_dim says otherwise."""
        return self.feed_forward_dim if self.expert_hidden_dim is None else self.expert_hidden_dim

    def window(self, layer: int) -> int | None:
        """How many positions, its own included, layer 0, 1, ... L - 1 sees; None: all before it.

        >>> [ModelConfig(sliding_window=128, full_attention_every=3).window(layer) for layer in range(4)]
        [128, 128, None, 128]
        """
        every = self.full_attention_every
        return None if every is not None and (layer + 1) % every == 0 else self.sliding_window

    @property
    def feed_forward_dim(self) -> int:
        """F, the width inside the feed-forward layer: 4 D unless hidden_dim says otherwise."""
        return 4 * self.emb_dim if self.hidden_dim is None else self.hidden_dim

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        yield from _head_problems(sound)
        yield from _position_problems(sound)
        yield from _expert_problems(sound)
        yield from _norm_problems(sound)
        if sound.get("full_attention_every") and "sliding_window" in sound and sound["sliding_window"] is None:
            every = sound["full_attention_every"]
            message = (
                f"full_attention_every={every} says which layers have no window, but sliding_window is none: "
                f"give sliding_window a width such as 1024, or leave full_attention_every out"
            )
            yield Problem(
                "full_attention_every", every, message, (("sliding_window", 1024), ("full_attention_every", None))
            )


Precision = Literal["float32", "autocast", "bfloat16", "bfloat16_master"]
Optimizer = Literal["adamw", "sgd", "none"]
OptimizerImplementation = Literal["fused", "foreach", "for_loop"]
Attention = Literal["sdpa", "materialized"]
Bf16Products = Literal["own", "torch"]


class RunConfig(_Config):
    """How one training step is run, where it really runs (device) and what it is sized for (hardware).

    ``sequence_length=None`` is min(C, 256); ``threads=None`` is physical cores - 1, at least 1; ``loss_chunk`` is how
    many of the B T token positions have logits at once, None: all. ``bf16_products`` is about CPUs without instructions
    for bf16 only: see measure/bf16_on_old_cpus/.
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
    bf16_products: Bf16Products = "own"
    threads: Annotated[int | None, Field(ge=1, le=1_024)] = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0

    def sequence(self, model: ModelConfig) -> int:
        """T, the tokens of one sequence of a batch."""
        return min(model.context_length, DEFAULT_SEQUENCE) if self.sequence_length is None else self.sequence_length

    @classmethod
    def _cross_problems(cls, sound: Mapping[str, Any]) -> Iterable[Problem]:
        device, hardware = sound.get("device"), sound.get("hardware")
        if device is not None and not _DEVICE.fullmatch(device):
            message = f"device={shown(device)} is not a device; write cpu, meta, mps, cuda or cuda:0"
            yield Problem("device", device, message, (("device", "cpu"),))
        if hardware is not None and hardware_table.find(hardware) is None:
            near = get_close_matches(hardware[:40], hardware_table.names(), n=3, cutoff=0.4)
            message = (
                f"hardware={shown(hardware)} is not known; write {hardware_table.THIS_MACHINE!r}, a size such as "
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
    within = limits(config, field)
    return within["ge"], within["le"]


def logits_row(vocab_size: int) -> int:
    """Z values that a row of V logits lies in where they are made some rows at a time (loss.py): 50,257 -> 50,288.

    An odd number of 16 values, in fp32 of cache lines: the head's product is then 1.3 times as fast as with rows of
    50,257 (D=384, 512 positions, fp32, AMD EPYC, 1 thread, 2026-11), and the rows of V=32,768, which begin at the same
    places of a cache, do not push each other out of it (the weights' gradient is 1.35 times as fast).
    """
    return 16 * (-(-vocab_size // 16) | 1)


def choices(field: str) -> tuple[str, ...]:
    """The values a RunConfig field of fixed choices takes: 'optimizer' -> ('adamw', 'sgd', 'none')."""
    return cast(tuple[str, ...], RunConfig.model_fields[field].annotation.__args__)  # type: ignore[union-attr]


def _head_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    width, heads, kv_heads = sound.get("emb_dim"), sound.get("n_heads"), sound.get("n_kv_heads")
    if width and heads and sound.get("head_dim", 0) is None and width % heads:
        nearest = nearest_divisors(width, heads, limits(ModelConfig, "n_heads")["le"])
        message = (
            f"n_heads={heads} does not divide emb_dim={width}: {width} / {heads} = {width / heads:.4g}; "
            f"nearest that do: {', '.join(map(str, nearest))}"
        )
        wider = max(1, round(width / heads)) * heads
        fixes = tuple(("n_heads", value) for value in nearest)
        if wider <= limits(ModelConfig, "emb_dim")["le"]:
            fixes = (*fixes, ("emb_dim", wider))
        yield Problem("n_heads", heads, message, fixes)
    if heads and kv_heads and heads % kv_heads:
        nearest = nearest_divisors(heads, kv_heads, heads)
        message = (
            f"n_kv_heads={kv_heads} does not divide n_heads={heads}: {heads} / {kv_heads} = {heads / kv_heads:.4g}, "
            f"but as many heads of queries must share each; nearest that do: {', '.join(map(str, nearest))}"
        )
        yield Problem("n_kv_heads", kv_heads, message, tuple(("n_kv_heads", value) for value in nearest))


def _position_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    needed = "emb_dim", "n_heads", "head_dim", "positions", "rope_share"
    if not all(name in sound for name in needed) or sound["positions"] != "rope":
        return
    head = sound["head_dim"] or sound["emb_dim"] // sound["n_heads"]
    share = sound["rope_share"]
    if not _can_rotate(head, share):
        rotated = int(head * share)
        message = (
            f"positions=rope turns pairs of a head's values, but {rotated} of {head} is no even number of at least 2: "
            f"choose heads of an even width, or another rope_share"
        )
        even = max(2, head + head % 2)
        fixes: list[tuple[str, Any]] = [("head_dim", even)] if _can_rotate(even, share) else []
        fixes += [("rope_share", 1.0)] if _can_rotate(head, 1.0) else []
        yield Problem("positions", "rope", message, (*fixes, ("positions", "learned")))


def _can_rotate(head: int, share: float) -> bool:
    return int(head * share) >= 2 and int(head * share) % 2 == 0


def _norm_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    residual, place = sound.get("residual"), sound.get("norm_place")
    if residual in ("parallel", "parallel_one_norm") and place in ("post", "sandwich"):
        message = (
            f"norm_place={place} does not go with residual={residual}: layers side by side have their norms before "
            f"them; use norm_place=pre, or residual=sequential"
        )
        yield Problem("norm_place", place, message, (("norm_place", "pre"), ("residual", "sequential")))


def _expert_problems(sound: Mapping[str, Any]) -> Iterable[Problem]:
    if "n_experts" not in sound:
        return
    experts, active = sound["n_experts"], sound.get("n_active_experts")
    if experts is not None and sound.get("mlp_bias"):
        message = f"mlp_bias=True does not go with n_experts={experts}: experts have no biases; leave mlp_bias out"
        yield Problem("mlp_bias", True, message, (("mlp_bias", None), ("n_experts", None)))
    if experts is None:
        for field in ("n_active_experts", "expert_hidden_dim", "n_shared_experts"):
            value = sound.get(field)
            if value:
                message = f"{field}={value} is about experts, but n_experts is none: give n_experts, or leave it out"
                default = ModelConfig.model_fields[field].default
                yield Problem(field, value, message, (("n_experts", 8), (field, default)))
    elif active is not None and active > experts:
        message = f"n_active_experts={active} is more than n_experts={experts}: a token can go to {experts} at most"
        yield Problem("n_active_experts", active, message, (("n_active_experts", experts), ("n_experts", active)))
