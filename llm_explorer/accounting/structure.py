"""The choices of a model that decide which tensors it has; their sizes come in as letters."""

from functools import lru_cache
from typing import NamedTuple

from llm_explorer.config import Activation, ModelConfig, Norm, NormPlace, Positions, QkNorm, Residual


class Structure(NamedTuple):
    """Which parts there are; ``plain_heads``: the heads are as wide together as the model, each has keys of its own."""

    norm: Norm
    norm_place: NormPlace
    residual: Residual
    activation: Activation
    gated: bool
    positions: Positions
    rotates_all: bool
    qk_norm: QkNorm
    plain_heads: bool
    grouped: bool
    experts: bool
    shared: bool
    qkv_bias: bool
    bias: bool
    mlp_bias: bool
    head_bias: bool
    tied: bool
    attention_softcap: bool
    logit_softcap: bool

    @property
    def is_gpt2(self) -> bool:
        """Whether a step is GPT-2's but for sizes and biases."""
        plain = self.plain_heads and not self.experts and not self.attention_softcap and not self.logit_softcap
        usual = self.norm == "layernorm" and self.norm_place == "pre" and self.residual == "sequential"
        same = self.activation in ("gelu_tanh", "gelu") and self.positions == "learned" and self.qk_norm == "none"
        return plain and usual and same and not self.head_bias

    @property
    def queries(self) -> str:
        """The width of the queries of all heads, and of what they bring together."""
        return "D" if self.plain_heads else "N * H"

    @property
    def keys(self) -> str:
        """The width of the keys of all heads, and of the values."""
        return "D" if self.plain_heads else "K * H"

    @property
    def qkv(self) -> str:
        """The width of queries, keys and values, which one product makes."""
        if self.plain_heads:
            return "3 * D"
        return "(N + 2 * K) * H" if self.grouped else "3 * N * H"

    @property
    def norm_has_weight(self) -> bool:
        """Whether a norm scales its output."""
        return self.norm != "layernorm_plain"

    @property
    def norm_has_bias(self) -> bool:
        """Whether a norm shifts its output."""
        return self.norm == "layernorm"

    @property
    def norms_before(self) -> bool:
        """Whether attention and feed-forward read the output of a norm."""
        return self.norm_place != "post"

    @property
    def norms_after(self) -> bool:
        """Whether a norm stands between them and the residual stream."""
        return self.norm_place != "pre"

    @property
    def one_norm(self) -> bool:
        """Whether attention and feed-forward read the output of the same norm."""
        return self.residual == "parallel_one_norm"


@lru_cache(maxsize=256)  # every account of a config begins with it
def structure_of(model: ModelConfig) -> Structure:
    """The structure of a model.

    >>> structure_of(ModelConfig()).qkv, structure_of(ModelConfig(n_kv_heads=4)).qkv
    ('3 * D', '(N + 2 * K) * H')
    """
    grouped = model.kv_heads != model.n_heads
    return Structure(
        norm=model.norm,
        norm_place=model.norm_place,
        residual=model.residual,
        activation=model.activation,
        gated=model.is_gated,
        positions=model.positions,
        rotates_all=model.positions == "rope" and model.rope_width == model.head_width,
        qk_norm=model.qk_norm,
        plain_heads=not grouped and model.n_heads * model.head_width == model.emb_dim,
        grouped=grouped,
        experts=model.n_experts is not None,
        shared=model.n_shared_experts > 0,
        qkv_bias=model.qkv_bias,
        bias=model.bias,
        mlp_bias=model.has_mlp_bias,
        head_bias=model.head_bias,
        tied=model.tie_embeddings,
        attention_softcap=model.attention_softcap is not None,
        logit_softcap=model.logit_softcap is not None,
    )
