"""The choices of a model that decide which tensors it has; their sizes come in as letters."""

from functools import lru_cache
from typing import Literal, NamedTuple

from llm_explorer.config import Activation, ModelConfig, Norm, NormPlace, Positions, QkNorm, Residual

Windows = Literal["none", "all", "last full", "last windowed"]


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
    experts: int  # 0, 1, 2, or 3 for more
    shared: bool
    qkv_bias: bool
    bias: bool
    mlp_bias: bool
    head_bias: bool
    tied: bool
    attention_softcap: bool
    logit_softcap: bool
    windows: Windows  # of the layers: which have one
    windowed: bool  # of one of the layers: it has one

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
    def mixed(self) -> bool:
        """Whether some layers have a window and some have none."""
        return self.windows in ("last full", "last windowed")

    @property
    def of_last_layer(self) -> "Structure":
        """With the last layer's window, or none."""
        return self._replace(windowed=self.windows in ("all", "last windowed"))

    @property
    def of_full_layer(self) -> "Structure":
        """Of a layer without a window, where there is one."""
        return self._replace(windowed=self.windows == "all")

    @property
    def without_biases(self) -> "Structure":
        """The same for an account in which biases are too small to be met."""
        return self._replace(qkv_bias=False, bias=False, mlp_bias=False, head_bias=False)

    @property
    def one_norm(self) -> bool:
        """Whether attention and feed-forward read the output of the same norm."""
        return self.residual == "parallel_one_norm"

    def matrices(self, width: str = "F") -> dict[str, tuple[str, str]]:
        """Of a feed-forward layer, or of an expert: outputs x inputs of each, in the order in which they are read."""
        first, last = (width, "D"), ("D", width)
        return {"gate": first, "up": first, "down": last} if self.gated else {"up": first, "down": last}


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
        experts=min(model.n_experts or 0, 3),
        shared=model.n_shared_experts > 0,
        qkv_bias=model.qkv_bias,
        bias=model.bias,
        mlp_bias=model.has_mlp_bias,
        head_bias=model.head_bias,
        tied=model.tie_embeddings,
        attention_softcap=model.attention_softcap is not None,
        logit_softcap=model.logit_softcap is not None,
        windows=_windows(model),
        windowed=model.window(0) is not None,
    )


def _windows(model: ModelConfig) -> Windows:
    every = model.full_attention_every
    if model.sliding_window is None or every == 1:
        return "none"
    if every is None or every > model.n_layers:
        return "all"
    return "last windowed" if model.n_layers % every else "last full"
