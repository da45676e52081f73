import pytest
import torch
from torch import Tensor

from llm_explorer.config import Attention, ModelConfig, RunConfig
from llm_explorer.model import CausalSelfAttention, build
from llm_explorer.pretraining import attention_weights
from tests.variants import VARIANTS

CONFIG = ModelConfig(vocab_size=20, context_length=8, emb_dim=24, n_heads=3, n_layers=2, drop_rate=0.0)
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2]])


MODELS = {"plain": CONFIG} | {name: VARIANTS[name] for name in ("llama", "gemma2", "olmo2", "windows 2 of 3")}


@pytest.mark.parametrize("kind", ["sdpa", "materialized"])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_weights_times_the_values_are_what_the_model_itself_computes(model: ModelConfig, kind: Attention) -> None:
    gpt = build(model, RunConfig(attention=kind))
    for weight in gpt.parameters():
        weight.data *= 5  # else every row is nearly even
    seen: list[tuple[Tensor, Tensor]] = []
    for attention in (module for module in gpt.modules() if isinstance(module, CausalSelfAttention)):
        attention.qkv.register_forward_hook(lambda module, inputs, qkv: seen.append((qkv, qkv)))
        attention.projection.register_forward_pre_hook(lambda module, inputs: seen.append((inputs[0], inputs[0])))
    with torch.no_grad():
        gpt(TOKENS)
    weights = attention_weights(gpt, TOKENS)
    heads, keys, width = model.n_heads, model.kv_heads, model.head_width
    for layer in range(model.n_layers):
        qkv, joined = seen[2 * layer][0], seen[2 * layer + 1][0]
        values = (
            qkv[0, :, (heads + keys) * width :].unflatten(-1, (keys, width)).transpose(0, 1)
        )  # (T, KH) -> (K, T, H)
        values = values.repeat_interleave(heads // keys, dim=0)  # (K, T, H) -> (N, T, H)
        mixed = (weights[layer] @ values).transpose(0, 1).flatten(1)
        assert torch.allclose(mixed, joined[0], atol=2e-5)  # of values up to 10


def test_rows_sum_to_one_and_nothing_looks_ahead() -> None:
    weights = attention_weights(build(CONFIG, RunConfig()), TOKENS)
    assert weights.shape == (2, 3, 7, 7)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3, 7))
    assert weights.triu(1).abs().max() == 0


def test_the_model_is_left_as_it_was() -> None:
    gpt = build(CONFIG, RunConfig())
    before = gpt(TOKENS)
    attention_weights(gpt, TOKENS)
    assert torch.equal(gpt(TOKENS), before)
    assert not any(module._forward_hooks for module in gpt.modules())
