"""Every number in the lesson's answers that follows from a config, computed again."""

import pytest

from llm_explorer import presets
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, replace
from llm_explorer.formats import parse
from llm_explorer.presets.gpt import GPTS
from llm_explorer.texts import concepts as texts

BOOK = ModelConfig()


def more(**changes: object) -> int:
    """Parameters that the book's GPT-2 small gets more with a change."""
    return count_parameters(replace(BOOK, **changes)).total - count_parameters(BOOK).total


def in_blocks(model: ModelConfig) -> int:
    return sum(row.total for row in count_parameters(model).rows if row.name.startswith("blocks."))


def of_component(component: str) -> int:
    return sum(row.total for row in count_parameters(BOOK).rows if row.component == component)


def right(name: str) -> str:
    guess = texts.CARDS[name].guess
    return guess.options[guess.right]


def test_the_largest_gpt3() -> None:
    largest = presets.find("gpt3-175b")
    small = presets.find("gpt2")
    assert largest is not None
    assert largest.published == 175_000_000_000
    assert right("parameters") == "175 billion"
    assert small is not None
    assert largest.published / (small.published or 1) == pytest.approx(1400, rel=0.01)


def test_one_more_token() -> None:
    assert right("vocabulary") == f"{more(vocab_size=50258):,}" == "1,536"
    tied = replace(BOOK, tie_embeddings=True)
    assert count_parameters(replace(tied, vocab_size=50258)).total - count_parameters(tied).total == 768


def test_twice_the_context() -> None:
    assert more(context_length=2048) == 786_432
    assert "786,432" in texts.CARDS["context"].guess.answer
    assert right("context") == "About 0.8 million"
    assert more(context_length=2048) / count_parameters(BOOK).total == pytest.approx(0.005, abs=0.0005)


def test_twice_the_width() -> None:
    assert in_blocks(replace(BOOK, emb_dim=1536)) / in_blocks(BOOK) == pytest.approx(4, rel=0.01)
    assert right("embedding") == "Four times as many"


def test_feed_forward_has_two_thirds_of_a_block() -> None:
    assert of_component("feed-forward") / in_blocks(BOOK) == pytest.approx(2 / 3, rel=0.01)
    assert right("hidden") == "The feed-forward layer"


def test_the_share_of_the_blocks() -> None:
    assert in_blocks(BOOK) / count_parameters(BOOK).total == pytest.approx(0.52, abs=0.005)
    assert round(in_blocks(BOOK) / 1e6) == 85
    assert right("layers") == "About half"
    largest = presets.find("gpt3-175b")
    assert largest is not None
    assert in_blocks(largest.model) / count_parameters(largest.model).total > 0.99


def test_heads_split_the_width() -> None:
    assert more(n_heads=24) == 0
    assert right("heads") == "Not at all"


def test_the_bias_of_query_key_and_value() -> None:
    assert right("bias") == f"{more(qkv_bias=True):,}" == "27,648"
    assert more(qkv_bias=True) / count_parameters(BOOK).total < 0.0002


def test_the_book_s_dict_is_the_book_s_model() -> None:
    model, _run = parse(texts.BOOK_CONFIG)
    assert model == BOOK
    assert texts.CONFIG_GUESS.answer.startswith(f"{count_parameters(model).total:,}")
    assert texts.CONFIG_GUESS.options[texts.CONFIG_GUESS.right] == "163 million"
    assert f"{count_parameters(model).tied:,}".startswith("124,")


def test_every_key_of_the_dict_is_explained_with_a_name_that_hugging_face_has() -> None:
    from transformers import GPT2Config

    assert all(f'"{name}":' in texts.BOOK_CONFIG for name in texts.KEYS)
    assert texts.BOOK_CONFIG.count('":') == len(texts.KEYS)
    known = GPT2Config().to_dict()
    named = [name for key in texts.KEYS.values() for name in key.hugging_face.split("`")[1::2]]
    assert len(named) == 8
    assert set(named) <= set(known)
    assert {"n_embd", "n_inner"} <= set(known)  # in the cards
    assert {"hidden_size"} <= set(GPT2Config.attribute_map)


@pytest.mark.parametrize("preset", [each for each in GPTS if each.published], ids=lambda each: each.name)
def test_the_year_of_each_published_family_is_that_of_its_source(preset: presets.Preset) -> None:
    family, year = texts.FAMILIES[preset.family].split(", ")
    assert family == preset.family
    assert f" {year}," in preset.source
