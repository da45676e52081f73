"""Of a mixture of experts the part that an exercise can ask about as of any other model."""

from llm_explorer.config import ModelConfig, replace


def one_expert(model: ModelConfig) -> ModelConfig:
    """The model with a single expert as its feed-forward layer; without experts the same.

    >>> one_expert(ModelConfig(n_experts=8, expert_hidden_dim=100, mlp_bias=False)).feed_forward_dim
    100
    """
    if model.n_experts is None:
        return model
    none = {"n_experts": None, "n_active_experts": None, "expert_hidden_dim": None, "n_shared_experts": 0}
    return replace(model, hidden_dim=model.expert_dim, **none)
