"""The small real pieces behind the cards, each against torch or against what is known of it."""

import ast
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.lessons.concepts import journey, parts
from llm_explorer.model import CausalSelfAttention, build, materialized_attention
from llm_explorer.training import random_batch
from tests.strategies import model_configs

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("parameters", {}),
    ("vocabulary", {"text": "abc"}),
    ("context", {"tokens": 3}),
    ("embedding", {"width": 8}),
    ("hidden", {"width": 8, "hidden_dim": 24}),
    ("layers", {"n_layers": 3}),
    ("heads", {"n_heads": 2}),
    ("bias", {}),
)


@pytest.mark.parametrize(("function", "inputs"), CALLS, ids=[name for name, _inputs in CALLS])
def test_the_same_inputs_give_the_same_plain_data_and_another_seed_other_data(
    function: str, inputs: dict[str, Any]
) -> None:
    call = getattr(parts, function)
    first = call(seed=1, **inputs)
    assert json.loads(json.dumps(first)) == first == call(seed=1, **inputs)
    assert call(seed=2, **inputs) != first


def test_the_histogram_is_that_of_the_weights_drawn_at_the_start() -> None:
    data = parts.parameters(seed=0)
    gpt = build(parts.TINY, RunConfig(seed=0))
    assert data["count"] == sum(weight.numel() for weight in gpt.parameters())
    entries = torch.cat([weight.detach().flatten() for weight in gpt.parameters() if weight.dim() == 2])
    inside = (entries.abs() <= parts.HISTOGRAM_EDGE).sum().item()
    assert sum(data["heights"]) == inside > 0.999 * entries.numel()
    spread = math.sqrt(
        sum(height * middle**2 for height, middle in zip(data["heights"], data["middles"], strict=True)) / inside
    )
    assert spread == pytest.approx(entries.std().item(), rel=0.02)


def test_one_training_step_moves_the_watched_weights_against_their_gradients() -> None:
    data = parts.parameters(seed=0)
    run = RunConfig(seed=0)
    gpt = build(parts.TINY, run)
    gpt.loss(*random_batch(parts.TINY, run)).backward()
    torch.optim.SGD(gpt.parameters(), lr=parts.LEARNING_RATE).step()
    expected = gpt.get_parameter("blocks.0.mlp.up.weight")[0, : parts.WATCHED].tolist()
    assert data["after"] == pytest.approx(expected, abs=1e-7)
    assert all(after != before for before, after in zip(data["before"], data["after"], strict=True))


def test_a_text_becomes_ids_of_its_own_characters() -> None:
    data = parts.vocabulary("banana", seed=0)
    assert data["characters"] == ["a", "b", "n"]
    assert data["ids"] == [1, 0, 2, 0, 2, 0]
    assert [len(row) for row in data["rows"]] == [parts.TINY.emb_dim] * 3


@pytest.mark.parametrize(
    ("text", "message"), [("", "at least one"), ("abcdefghijklmnopqrstuvwxyz", "26 different characters")]
)
def test_a_text_without_room_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parts.vocabulary(text, seed=0)


def test_a_text_longer_than_the_context_is_refused_by_the_model_itself() -> None:
    assert parts.context(8, seed=0)["refusal"] is None
    assert "9 tokens is longer than context_length=8" in parts.context(9, seed=0)["refusal"]
    assert len(parts.context(1, seed=0)["rows"]) == 8


@pytest.mark.parametrize("width", [4, 64, 256])
def test_the_cosine_is_that_of_the_two_vectors_shown(width: int) -> None:
    data = parts.embedding(width, seed=3)
    one, two = data["rows"]
    product = sum(a * b for a, b in zip(one, two, strict=True))
    lengths = math.dist(one, [0.0] * width) * math.dist(two, [0.0] * width)
    assert data["cosine"] == pytest.approx(product / lengths, rel=1e-4)


def test_wide_random_vectors_are_nearly_at_right_angles() -> None:
    # the standard deviation of the cosine is 1 / sqrt(D): 0.5 at D = 4, 0.0625 at D = 256
    def spread(width: int) -> float:
        return math.sqrt(sum(parts.embedding(width, seed)["cosine"] ** 2 for seed in range(60)) / 60)

    assert spread(4) == pytest.approx(0.5, rel=0.35)
    assert spread(256) == pytest.approx(0.0625, rel=0.35)


def test_the_feed_forward_layer_goes_up_to_f_and_down_again() -> None:
    stages = parts.hidden(8, 32, seed=0)["stages"]
    assert {name: len(values) for name, values in stages.items()} == {"in": 8, "up": 32, "after GELU": 32, "down": 8}
    for before, after in zip(stages["up"], stages["after GELU"], strict=True):
        # tanh GELU: Hendrycks and Gimpel 2016, section 2
        inner = math.sqrt(2 / math.pi) * (before + 0.044715 * before**3)
        assert after == pytest.approx(0.5 * before * (1 + math.tanh(inner)), abs=1e-6)


def test_every_layer_leaves_one_vector_and_the_last_is_what_the_model_makes() -> None:
    data = parts.layers(3, seed=5)
    assert (len(data["rows"]), len(data["changes"])) == (4, 3)
    gpt = build(replace(parts.TINY, n_layers=3), RunConfig(seed=5))
    seen: list[torch.Tensor] = []
    gpt.final_norm.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    gpt(torch.arange(parts.TOKENS).unsqueeze(0))
    assert data["rows"][-1] == pytest.approx(seen[0][0, -1].tolist(), abs=1e-6)
    first, second = data["rows"][:2]
    length = math.dist(first, [0.0] * len(first))
    assert data["changes"][0] == pytest.approx(math.dist(first, second) / length, rel=1e-4)


@pytest.mark.parametrize("n_heads", [1, 2, 4])
def test_attention_patterns_are_causal_shares(n_heads: int) -> None:
    patterns = parts.heads(n_heads, seed=0)["patterns"]
    assert len(patterns) == n_heads
    for pattern in patterns:
        for place, row in enumerate(pattern):
            assert sum(row) == pytest.approx(1, abs=1e-6)
            assert all(share > 0 for share in row[: place + 1])
            assert row[place + 1 :] == [0.0] * (parts.TOKENS - place - 1)


def test_the_attention_weights_are_those_that_the_model_uses() -> None:
    torch.manual_seed(0)
    attention = CausalSelfAttention(parts.TINY, "sdpa")
    x = torch.randn(2, 5, parts.TINY.emb_dim)
    weights = attention.weights(x)  # (2, N, 5, 5)
    q, k, v = (part.unflatten(-1, attention.heads).transpose(1, 2) for part in attention.qkv(x).split(16, dim=-1))
    torch.testing.assert_close(weights @ v, materialized_attention(q, k, v, 0.0))
    expected = attention.projection((weights @ v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attention(x), expected)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_zeroes_some_and_scales_the_rest(rate: float) -> None:
    data = parts.dropout(rate, step=1)
    for before, after in zip(data["before"], data["after"], strict=True):
        assert after == 0 or after == pytest.approx(before / (1 - rate), rel=1e-5)
    assert data["at_inference"] == data["before"]
    assert (data["after"] == data["before"]) == (rate == 0)


def test_dropout_draws_anew_in_each_step_and_keeps_the_average() -> None:
    data = parts.dropout(0.5, step=1)
    assert parts.dropout(0.5, step=2)["after"] != data["after"] == parts.dropout(0.5, step=1)["after"]
    for before, average in zip(data["before"], data["average"], strict=True):
        # a mean of 1,000 draws of 0 or 2 x: its standard deviation is x / sqrt(1000), five of them never happen here
        assert abs(average - before) <= 5 * before / math.sqrt(1000)


def test_the_bias_is_the_same_for_every_token_and_nearly_never_zero() -> None:
    data = parts.bias(seed=0)
    difference = [after - before for before, after in zip(data["without"], data["with_bias"], strict=True)]
    torch.manual_seed(0)
    qkv = torch.nn.init.normal_(torch.empty(24, 8), std=0.02)
    drawn = torch.empty(24).normal_(std=0.02)
    x = torch.randn(8)
    assert data["without"] == pytest.approx((qkv @ x).tolist(), abs=1e-6)
    assert difference == pytest.approx(drawn.tolist(), abs=1e-6)


def test_a_text_travels_through_the_stages_of_the_real_model() -> None:
    data = journey.journey("To be", seed=4)
    assert data["ids"] == [84, 111, 32, 98, 101]
    assert [stage["name"] for stage in data["stages"]] == ["embeddings", "block 1", "block 2", "final norm", "logits"]
    logits = build(parts.TINY, RunConfig(seed=4))(torch.tensor([data["ids"]]))[0]
    shown = torch.tensor(data["stages"][-1]["rows"])
    torch.testing.assert_close(shown, logits.detach())
    best = logits[-1].softmax(-1).sort(descending=True)
    assert [each["id"] for each in data["likeliest"]] == best.indices[:10].tolist()
    assert [each["probability"] for each in data["likeliest"]] == pytest.approx(best.values[:10].tolist())


@pytest.mark.parametrize("seed", range(5))
def test_an_untrained_model_finds_all_tokens_about_equally_likely(seed: int) -> None:
    likeliest = journey.journey("Hello", seed)["likeliest"]
    assert 1 / 256 < likeliest[0]["probability"] < 1.5 / 256


@pytest.mark.parametrize("text", ["", "a text of seventeen"[:17], "ééééééééé"])
def test_a_text_of_no_or_too_many_bytes_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=f"this text has {len(text.encode())}"):
        journey.journey(text, seed=0)


def test_the_shapes_of_gpt2_small() -> None:
    # V = 50257, D = 768, F = 3072, N = 12: the book, chapter 4
    shapes = journey.shapes(ModelConfig().model_dump(), 5)["shapes"]
    assert shapes["ids"] == [1, 5]
    assert shapes["token_embedding"] == shapes["blocks.0"] == shapes["final_norm"] == [1, 5, 768]
    assert shapes["position_embedding"] == [5, 768]
    assert shapes["blocks.0.attention.qkv"] == [1, 5, 2304]
    assert shapes["attention pattern"] == [1, 12, 5, 5]
    assert shapes["blocks.0.mlp.up"] == [1, 5, 3072]
    assert shapes["head"] == [1, 5, 50257]


@given(model_configs())
@settings(max_examples=10)
def test_the_shapes_on_meta_are_those_of_the_built_model(config: ModelConfig) -> None:
    tokens = min(4, config.context_length)
    shapes = journey.shapes(config.model_dump(), tokens)["shapes"]
    gpt = build(config, RunConfig())
    assert shapes["head"] == list(gpt(torch.zeros(1, tokens, dtype=torch.int64)).shape)
    assert shapes["blocks.0.mlp.up"][-1] == gpt.get_submodule("blocks.0.mlp.up").out_features
    assert shapes["attention pattern"] == [1, config.n_heads, tokens, tokens]


def test_a_giant_has_shapes_too_and_takes_no_memory() -> None:
    giant = ModelConfig(vocab_size=10_000_000, emb_dim=1_048_576, n_heads=64, n_layers=10_000)
    assert journey.shapes(giant.model_dump(), 16)["shapes"]["head"] == [1, 16, 10_000_000]


@pytest.mark.parametrize("module", [parts, journey])
def test_every_public_function_is_explained(module: Any) -> None:
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            words = ast.get_docstring(node)
            assert words
            assert "Returns" in words or "->" in words or "logits" in words, node.name
