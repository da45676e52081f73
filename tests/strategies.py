"""Random configs for hypothesis: small enough to build, mixed enough to meet every branch."""

from typing import Any

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
def run_configs(draw: st.DrawFn, model: ModelConfig, **fixed: Any) -> RunConfig:
    """Runs of a model, up to 4 sequences of any length it takes; ``fixed`` fields keep their value."""
    drawn = {
        "precision": draw(st.sampled_from(choices("precision"))),
        "batch_size": draw(st.integers(1, 4)),
        "sequence_length": draw(st.integers(1, model.context_length)),
        "accumulation": draw(st.integers(1, 3)),
        "optimizer": draw(st.sampled_from(choices("optimizer"))),
        "optimizer_implementation": draw(st.sampled_from(choices("optimizer_implementation"))),
        "attention": draw(st.sampled_from(choices("attention"))),
        "checkpointing": draw(st.booleans()),
        "loss_chunk": draw(st.none() | st.integers(1, 300)),
    }
    return RunConfig(**(drawn | fixed))


@st.composite
def pairs(draw: st.DrawFn, **fixed: Any) -> tuple[ModelConfig, RunConfig]:
    """A model and a run that go together."""
    model = draw(model_configs())
    return model, draw(run_configs(model, **fixed))
