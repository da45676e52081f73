"""Import and export in the sidebar."""

import json

import pytest

from llm_explorer import formats, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets import find
from llm_explorer.texts import sharing as texts
from llm_explorer.ui.frame import import_export
from tests.ui.app_visit import Visit

LLAMA = json.dumps(
    {
        "model_type": "llama",
        "vocab_size": 1000,
        "max_position_embeddings": 128,
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 96,
    }
)


def importing(text: str, **address: str) -> Visit:
    visit = Visit(**address).open("import")
    visit.page.text_area(key="import_text").set_value(text)
    visit.run()
    return visit


def test_nothing_is_made_until_it_is_opened() -> None:
    visit = Visit()
    assert not visit.page.text_area
    assert not visit.page.get("download_button")


def test_a_pasted_config_is_told_and_taken_at_the_press_of_a_button() -> None:
    visit = importing(LLAMA, precision="autocast", batch_size="5")
    model, _run = formats.parse(LLAMA)
    assert f"**llama**: {units.exact(count_parameters(model).total)} parameters" in visit.words()
    assert visit.metrics()["Parameters"] == "163.0 M", "not before the button is pressed"
    visit.press(texts.USE)
    assert visit.metrics()["Parameters"] == units.count(count_parameters(model).total)
    assert visit.number("n_layers") == 3
    assert visit.page.selectbox(key="precision").value == "autocast", "the run stays the visitor's"
    assert visit.number("batch_size") == 5
    assert texts.IN_USE in visit.words()
    visit.press("Undo")
    assert visit.metrics()["Parameters"] == "163.0 M"


def test_a_sequence_longer_than_the_new_context_becomes_automatic() -> None:
    visit = importing(LLAMA, sequence_length="1000")
    assert texts.SHORTER in visit.words()
    visit.press(texts.USE)
    assert visit.number("sequence_length") is None
    assert "is longer than" not in visit.words()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"model_type": "t5"}', "t5"),
        (LLAMA.replace("}", ', "mystery_blocks": 3}'), "mystery_blocks"),
        ('{"n_heads": 7}', "n_heads=7 does not divide emb_dim=768"),
        ("import os", "a dict {...}"),
        ('{"model_type": "llama"', "line 1 is no JSON"),
        ("[" * 5000, "stands where"),
        ('{"**bold** <b>": 1}', "**bold** <b>"),
    ],
)
def test_what_is_refused_is_told_in_words_and_nothing_is_lost(text: str, told: str) -> None:
    visit = importing(text, n_layers="7")
    assert told in visit.words()
    assert "**bold**" not in visit.raw_words()
    assert texts.USE not in visit.buttons()
    assert visit.page.text_area(key="import_text").value == text
    assert visit.number("n_layers") == 7
    assert len(visit.metrics()) == 4


def test_a_family_that_can_only_be_counted_is_counted_and_cannot_be_taken() -> None:
    visit = importing('{"model_type": "deepseek_v3"}')
    found = formats.read('{"model_type": "deepseek_v3"}')
    assert found.counted is not None
    assert f"{units.exact(found.counted.total)} parameters" in visit.words()
    assert "Counted, not buildable" in visit.words()
    assert texts.USE not in visit.buttons()


def offered(visit: Visit) -> list[str]:
    """The downloads that are offered."""
    return [file.proto.label for file in visit.page.get("download_button")]


def test_every_kind_of_file_is_offered_and_what_has_no_words_for_a_model_says_so() -> None:
    visit = Visit().choose("preset", find("gpt2-medium")).open("export")
    every = [texts.EXPORTS[name] for name in import_export.EXPORTS]
    assert offered(visit) == [label for label in every if label != texts.EXPORTS["book_config.py"]]
    assert f"{texts.EXPORTS['book_config.py']}: the book's dict has no word for tie_embeddings=True" in visit.words()
    visit.choose("preset", find("book-124m"))
    assert offered(visit) == [label for label in every if label != texts.EXPORTS["config.json"]]
    assert f"{texts.EXPORTS['config.json']}: no family of Hugging Face's says this config" in visit.words()


def test_what_is_exported_is_read_back_as_the_same_config() -> None:
    preset = find("gpt2-medium")
    assert preset is not None
    run = RunConfig(batch_size=5, precision="autocast")
    assert formats.parse(import_export._text("llm_explorer.json", preset.model, run, 0.1)) == (preset.model, run)
    model, _run = formats.parse(import_export._text("config.json", preset.model, run, 0.1))
    assert count_parameters(model).total == preset.published
    assert formats.parse(import_export._text("book_config.py", ModelConfig(), run, 0.1))[0] == ModelConfig()
    assert "354,823,168" in import_export._text("report.md", preset.model, run, 0.1)
    assert "token_embedding.weight" in import_export._text("report.csv", preset.model, run, 0.1)
    assert "import torch" in import_export._text("gpt.py", preset.model, run, 0.1)


def test_a_config_that_is_not_valid_is_not_exported() -> None:
    visit = Visit().type("n_heads", 7).open("export")
    assert texts.MEND_FIRST in visit.words()
    assert not visit.page.get("download_button")
    assert ModelConfig().n_heads == 12


def test_a_shared_server_offers_to_paste_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Visit().open("import").page.get("file_uploader")
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    visit = importing(LLAMA)
    assert not visit.page.get("file_uploader")
    assert texts.USE in visit.buttons()
