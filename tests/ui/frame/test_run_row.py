"""Every field of the run changes what it should, and what it is not about stays."""

from typing import Any

import pytest

from llm_explorer import units
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.ui.frame import run_row
from tests.ui.app_visit import Visit


def peak_of(**run: Any) -> str:
    return units.byte_size(count_memory(ModelConfig(), RunConfig(**run), "cpu").peak_bytes)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("precision", "bfloat16", "in pure bf16 with AdamW"),
        ("precision", "autocast", "in bf16 autocast with AdamW"),
        ("precision", "bfloat16_master", "in bf16 with fp32 master weights with AdamW"),
        ("optimizer", "sgd", "in fp32 with SGD"),
        ("optimizer", "none", "a forward and a backward pass in fp32 at"),
    ],
)
def test_a_choice_changes_the_peak_and_the_sentence(field: str, value: str, words: str) -> None:
    visit = Visit().choose(field, value)
    assert words in visit.sentence()
    assert visit.metrics()["Training peak"] == peak_of(**{field: value}) != peak_of()
    assert visit.metrics()["Parameters"] == "163.0 M"


@pytest.mark.parametrize(
    ("field", "value", "words"), [("batch_size", 8, "B=8, T=256"), ("sequence_length", 1024, "B=2, T=1024")]
)
def test_the_size_of_the_batch_changes_the_peak_and_the_sentence(field: str, value: int, words: str) -> None:
    visit = Visit().type(field, value)
    assert words in visit.sentence()
    assert visit.metrics()["Training peak"] == peak_of(**{field: value}) != peak_of()


def test_accumulation_keeps_gradients_alive_at_the_peak() -> None:
    visit = Visit().type("accumulation", 4)
    assert visit.metrics()["Training peak"] == peak_of(accumulation=4) != peak_of()


def test_without_a_sequence_it_follows_the_context() -> None:
    visit = Visit().type("context_length", 100)
    assert "T=100" in visit.sentence()
    visit.type("context_length", 5000)
    assert "T=256" in visit.sentence()


def test_a_sequence_over_the_context_is_told_and_each_fix_mends_it() -> None:
    for fix in ("sequence_length=1024", "context_length=2000"):
        visit = Visit().type("sequence_length", 2000)
        assert "sequence_length=2000 is longer than context_length=1024" in visit.words()
        visit.press(f"Use {fix}")
        assert "is longer" not in visit.words()


def test_the_hardware_is_what_the_verdict_is_about() -> None:
    visit = Visit(hardware="1GiB")
    assert visit.metrics()["Sized for 1GiB"].endswith("Does not fit")
    visit.choose("hardware", "h100-80gb")
    assert "fits h100-80gb, 79.6 GiB in all" in visit.sentence()  # 81,559 MiB: nvidia-smi
    assert visit.metrics()["Sized for h100-80gb"].endswith("Fits")


def test_a_size_that_is_none_is_told_with_its_fix() -> None:
    visit = Visit(hardware="toaster")
    assert "hardware=toaster is not known; write 'this machine', a size such as 24GiB" in visit.words()
    assert "Use hardware=this machine" in visit.buttons()


def test_the_share_kept_free_turns_a_fit_into_a_tight_one() -> None:
    visit = Visit(hardware="3GiB")  # the peak is 2.6 GiB
    assert visit.metrics()["Sized for 3GiB"].endswith("Fits")
    visit.type("reserve", 50)
    assert visit.metrics()["Sized for 3GiB"].endswith("Tight")
    assert "To make it fit 3GiB with the share kept free:" in visit.words()


def test_the_device_does_not_change_what_is_computed() -> None:
    visit = Visit()
    before = visit.metrics()["Training peak"]
    assert visit.choose("device", "meta").metrics()["Training peak"] == before


def test_the_rarer_settings_are_drawn_when_opened_and_change_the_peak() -> None:
    visit = Visit()
    assert "checkpointing__setting" not in {toggle.key for toggle in visit.page.toggle}
    visit.open("run_options")
    visit.page.toggle(key="checkpointing__setting").set_value(True)
    visit.run()
    assert visit.page.text_input(key="set").value == "checkpointing=true"
    assert visit.metrics()["Training peak"] == peak_of(checkpointing=True) != peak_of()
    visit.choose("attention__setting", "materialized")
    assert visit.page.text_input(key="set").value == "checkpointing=true attention=materialized"
    assert visit.metrics()["Training peak"] == peak_of(checkpointing=True, attention="materialized")
    visit.type("seed__setting", 7).type("threads__setting", 1)
    assert visit.page.text_input(key="set").value == "checkpointing=true attention=materialized seed=7 threads=1"


@pytest.mark.parametrize(
    ("lacks", "address", "offered"),
    [
        (True, {"precision": "bfloat16"}, True),
        (True, {"precision": "autocast"}, True),
        (True, {}, False),
        (True, {"precision": "bfloat16", "device": "meta"}, False),
        (False, {"precision": "bfloat16"}, False),
    ],
)
def test_whose_bf16_products_is_asked_only_where_it_changes_something(
    monkeypatch: pytest.MonkeyPatch, *, lacks: bool, address: dict[str, str], offered: bool
) -> None:
    monkeypatch.setattr(run_row, "lacks_bf16", lambda: lacks)
    visit = Visit(**address).open("run_options")
    assert ("bf16_products__setting" in [box.key for box in visit.page.selectbox]) is offered
    if offered:
        visit.choose("bf16_products__setting", "torch")
        assert visit.page.text_input(key="set").value == "bf16_products=torch"
        visit.choose("bf16_products__setting", "own")
        assert visit.page.text_input(key="set").value == ""
