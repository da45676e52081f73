import pytest
import torch

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.model import GPT, build
from llm_explorer.pretraining import next_probabilities, sample

TOKENS = torch.tensor([[1, 2, 3]])


@pytest.fixture(scope="module")
def gpt() -> GPT:
    config = ModelConfig(vocab_size=20, context_length=8, emb_dim=16, n_heads=2, n_layers=1, drop_rate=0.0)
    made = build(config, RunConfig()).eval()
    made.head.weight.data *= 50  # an untrained model's probabilities are all alike
    return made


def test_the_probabilities_are_the_softmax_of_the_last_logits_over_the_temperature(gpt: GPT) -> None:
    logits = gpt(TOKENS)[:, -1]
    for temperature in (0.5, 1.0, 3.0):
        expected = (logits / temperature).softmax(-1)
        assert torch.allclose(next_probabilities(gpt, TOKENS, temperature), expected)


def test_a_low_temperature_sharpens_and_a_high_one_flattens(gpt: GPT) -> None:
    cold, usual, hot = (next_probabilities(gpt, TOKENS, t).max() for t in (0.5, 1.0, 2.0))
    assert cold > usual > hot > 1 / 20


def test_top_k_keeps_the_likeliest_in_their_proportion(gpt: GPT) -> None:
    every, kept = next_probabilities(gpt, TOKENS)[0], next_probabilities(gpt, TOKENS, top_k=3)[0]
    three = every.topk(3)
    assert (kept > 0).sum() == 3
    assert torch.allclose(kept[three.indices], three.values / three.values.sum())
    assert torch.equal(next_probabilities(gpt, TOKENS, top_k=1000)[0], every)


def test_of_a_text_longer_than_the_context_the_end_counts(gpt: GPT) -> None:
    long = torch.arange(12)[None] % 20
    assert torch.equal(next_probabilities(gpt, long), next_probabilities(gpt, long[:, -8:]))


def test_with_top_k_of_one_every_seed_writes_the_likeliest(gpt: GPT) -> None:
    written = sample(gpt, TOKENS, 10, top_k=1, seed=1)
    assert torch.equal(written, sample(gpt, TOKENS, 10, top_k=1, seed=2))
    assert written[0, 0] == gpt(TOKENS)[0, -1].argmax()


def test_the_same_seed_writes_the_same_and_another_something_else(gpt: GPT) -> None:
    first = sample(gpt, TOKENS, 12, temperature=2.0, seed=1)
    assert first.shape == (1, 12)
    assert torch.equal(first, sample(gpt, TOKENS, 12, temperature=2.0, seed=1))
    assert not torch.equal(first, sample(gpt, TOKENS, 12, temperature=2.0, seed=2))


def test_what_is_drawn_has_the_frequencies_of_the_probabilities(gpt: GPT) -> None:
    many = TOKENS.expand(20_000, -1)
    drawn = torch.bincount(sample(gpt, many, 1, seed=0)[:, 0], minlength=20) / 20_000
    # of 20,000 draws the standard deviation of a share is at most 0.5 / sqrt(20,000) = 0.0035
    assert torch.allclose(drawn, next_probabilities(gpt, TOKENS)[0], atol=0.018)
