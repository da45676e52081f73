"""The shape of a GPT."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from llm_explorer.config.base import Config
from llm_explorer.config.problems import Problem
from llm_explorer.config.rules import model_problems

Norm = Literal["layernorm", "layernorm_no_bias", "layernorm_plain", "rmsnorm"]
NormPlace = Literal["pre", "post", "sandwich"]
Residual = Literal["sequential", "parallel", "parallel_one_norm"]
Activation = Literal["gelu_tanh", "gelu", "relu", "swiglu", "geglu"]
Positions = Literal["learned", "rope", "none"]
QkNorm = Literal["none", "head", "full"]


class ModelConfig(Config):
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
        return model_problems(cls, sound)
