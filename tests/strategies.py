"""Random configs for hypothesis: small enough to build, mixed enough to meet every branch."""

from typing import Any, get_args

from hypothesis import strategies as st

from llm_explorer.config import ModelConfig, RunConfig, choices


@st.composite
def model_configs(draw: st.DrawFn, *, largest_vocab: int = 300, largest_width: int = 96) -> ModelConfig:
    """Models of at most 4 layers and 64 positions."""
    n_heads = draw(st.integers(1, 6))
    emb_dim = n_heads * draw(st.integers(1, largest_width // n_heads))
    return ModelConfig(
        vocab_size=draw(st.integers(1, largest_vocab)),
        context_length=draw(st.integers(1, 64)),
        emb_dim=emb_dim,
        n_heads=n_heads,
        n_layers=draw(st.integers(1, 4)),
        drop_rate=draw(st.sampled_from([0.0, 0.1])),
        qkv_bias=draw(st.booleans()),
        tie_embeddings=draw(st.booleans()),
        hidden_dim=draw(st.none() | st.integers(1, 4 * emb_dim)),
        bias=draw(st.booleans()),
    )


@st.composite
def modern_models(draw: st.DrawFn) -> ModelConfig:
    """Blocks of published models and of none, every choice with every other, of at most 3 layers."""
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n_heads = kv_heads * group
    fields: dict[str, Any] = {
        "vocab_size": draw(st.integers(1, 300)),
        "context_length": draw(st.integers(1, 40)),
        "emb_dim": n_heads * 2 * draw(st.integers(1, 8)),
        "n_heads": n_heads,
        "n_kv_heads": kv_heads,
        "head_dim": draw(st.none() | st.sampled_from([2, 8, 20])),
        "n_layers": draw(st.integers(1, 3)),
        "drop_rate": draw(st.sampled_from([0.0, 0.1])),
        "hidden_dim": draw(st.none() | st.integers(1, 60)),
        "residual": draw(st.sampled_from(["sequential", "parallel", "parallel_one_norm"])),
        "sliding_window": draw(st.none() | st.integers(1, 40)),
    }
    for field in ("qkv_bias", "tie_embeddings", "bias", "head_bias"):
        fields[field] = draw(st.booleans())
    for field in ("norm", "activation", "positions", "qk_norm"):
        fields[field] = draw(st.sampled_from(get_args(ModelConfig.model_fields[field].annotation)))
    if fields["residual"] == "sequential":
        fields["norm_place"] = draw(st.sampled_from(["pre", "post", "sandwich"]))
    if fields["sliding_window"]:
        fields["full_attention_every"] = draw(st.none() | st.integers(1, 3))
    for field in ("attention_softcap", "logit_softcap"):
        fields[field] = draw(st.sampled_from([None, None, 30.0]))
    if draw(st.booleans()):
        experts = draw(st.integers(1, 5))
        fields |= {"n_experts": experts, "n_active_experts": draw(st.integers(1, experts)), "mlp_bias": False}
        fields |= {
            "n_shared_experts": draw(st.integers(0, 2)),
            "expert_hidden_dim": draw(st.none() | st.integers(1, 40)),
        }
    return ModelConfig(**fields)


@st.composite
def run_configs(draw: st.DrawFn, /, model: ModelConfig, **fixed: Any) -> RunConfig:
    """Runs of a model, up to 4 sequences of any length it takes; ``fixed`` fields keep their value."""
    drawn: dict[str, Any] = {
        "precision": draw(st.sampled_from(choices("precision"))),
        "batch_size": draw(st.integers(1, 4)),
        "sequence_length": draw(st.integers(1, model.context_length)),
        "accumulation": draw(st.integers(1, 3)),
        "optimizer": draw(st.sampled_from(choices("optimizer"))),
        "optimizer_implementation": draw(st.sampled_from(choices("optimizer_implementation"))),
        "attention": draw(st.sampled_from(choices("attention"))),
        "checkpointing": draw(st.booleans()),
        "loss_chunk": draw(st.none() | st.integers(1, 300)),
        "bf16_products": draw(st.sampled_from(choices("bf16_products"))),
    }
    return RunConfig(**(drawn | fixed))


@st.composite
def pairs(draw: st.DrawFn, /, **fixed: Any) -> tuple[ModelConfig, RunConfig]:
    """A model and a run that go together."""
    model = draw(model_configs())
    return model, draw(run_configs(model, **fixed))
