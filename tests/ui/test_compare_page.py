"""The Compare page without a browser: what is compared, what differs, what it costs."""

import json
import re

import pytest

from llm_explorer import units
from llm_explorer.accounting.kv_cache import kv_cache_bytes
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.presets import find
from llm_explorer.texts import compare as texts
from llm_explorer.texts.memory import TRACED_ONLY
from llm_explorer.ui.compare.configs import name_in_short, ratio_words
from llm_explorer.ui.parts.words import shown_value
from llm_explorer.ui.visit.pins import Pin, pin_text
from tests.ui.app_visit import Visit


class CompareVisit(Visit):
    script = "compare"

    def pins(self) -> list[Pin]:
        kept: list[Pin] = self.page.session_state["pins"]
        return kept

    def rows(self, title_row: str) -> dict[str, list[str]]:
        """The lines of the table below a first cell, by that cell."""
        (table,) = [table.value for table in self.page.table if title_row in list(table.value[""])]
        rows = {line[0]: [str(cell).replace("\\", "") for cell in line[1:]] for line in table.itertuples(index=False)}
        return rows | {"": [str(name).replace("\\", "") for name in table.columns[1:]]}


def test_alone_a_config_is_shown_and_what_to_do_is_told() -> None:
    visit = CompareVisit()
    assert texts.ALONE in visit.words()
    assert visit.rows("Parameters")["Parameters"] == ["163.0 M"]


def test_differences_are_highlighted_and_numbers_are_told_beside_how_many_times_the_first() -> None:
    visit = CompareVisit(pin=["emb_dim=1024 n_layers=24 n_heads=16"])
    differing = visit.rows("Layers (L)")
    assert differing["Layers (L)"] == ["12", ":orange-background[**24**]"]
    assert differing["Feed-forward width (F)"] == ["3,072", ":orange-background[**4,096**]"]
    assert "Vocab size (V)" not in differing
    # 406,212,608 of the book's exercise 4.2 are 2.49 times 163,009,536
    assert visit.rows("Parameters")["Parameters"] == ["163.0 M", "406.2 M  :gray[2.5\u00a0×]"]
    visit.page.toggle(key="compare_all_fields").set_value(True)
    assert visit.run().rows("Layers (L)")["Vocab size (V)"] == ["50,257", "50,257"]


def test_the_config_of_now_follows_the_sliders_and_the_pins_stay() -> None:
    visit = CompareVisit(pin=["n_layers=24"]).slide("n_layers", 13)
    now = units.count(count_parameters(ModelConfig(n_layers=13)).total)
    assert visit.rows("Parameters")["Parameters"][0] == now
    assert visit.rows("Layers (L)")["Layers (L)"][1] == ":orange-background[**24**]"


def test_a_pin_that_is_the_config_of_now_is_shown_once() -> None:
    visit = CompareVisit().press("Pin")
    assert len(visit.rows("Parameters")["Parameters"]) == 1
    assert len(visit.slide("n_layers", 13).rows("Parameters")["Parameters"]) == 2


def test_of_four_pins_the_three_newest_are_shown() -> None:
    visit = CompareVisit(pin=[f"n_layers={layers}" for layers in (1, 2, 3, 4)])
    assert texts.TOO_MANY in visit.words()
    cells = visit.rows("Layers (L)")["Layers (L)"]
    assert [re.sub(r"\D", "", cell) for cell in cells] == ["12", "2", "3", "4"]


def test_a_preset_is_added_with_the_run_of_now_and_removed_again() -> None:
    visit = CompareVisit(precision="autocast", context_length="2048", sequence_length="2048")
    preset = find("gpt2")
    assert preset is not None
    visit.choose("compare_add", preset)
    run = RunConfig(precision="autocast")  # its context of 1,024 is shorter than the sequence
    assert visit.pins() == [Pin("GPT-2 small", preset.model, run)]
    assert visit.page.selectbox(key="compare_add").value is None
    visit.press("Remove GPT-2 small")
    assert visit.pins() == []


def test_the_cost_is_that_of_each_config_with_its_own_run() -> None:
    model = ModelConfig(n_kv_heads=4, sliding_window=128, drop_rate=0.0)
    run = RunConfig(batch_size=7, precision="bfloat16")
    pin = pin_text(Pin("", model, run))
    rows = CompareVisit(pin=[pin]).rows("Parameters")
    memory = count_memory(model, run, "cpu")
    expected = {"peak": memory.peak_bytes, "cache": kv_cache_bytes(model, run), "inference": memory.inference_bytes}
    for row, size in expected.items():
        assert rows[texts.ROWS[row]][1].startswith(units.byte_size(size))


def test_charts_have_every_config_and_a_text() -> None:
    visit = CompareVisit(pin=["n_layers=24", "n_kv_heads=4"])
    charts = visit.page.get("plotly_chart")
    assert len(charts) == 5
    assert all(chart.proto.alt for chart in charts)
    for chart in charts[:4]:
        data = json.loads(chart.proto.spec)["data"]
        assert all(len(trace["y"]) == 3 for trace in data)
    lines = json.loads(charts[4].proto.spec)["data"]
    assert [line["y"][-1] for line in lines] == [
        kv_cache_bytes(model, RunConfig())
        for model in (ModelConfig(), ModelConfig(n_layers=24), ModelConfig(n_kv_heads=4))
    ]
    assert texts.NO_TIMES in visit.words()


def test_a_peak_that_no_formula_is_sure_of_says_so() -> None:
    pin = "sliding_window=128 hardware=h100-80gb"
    assert f"12 × 768, sliding_window=128. {TRACED_ONLY}" in CompareVisit(pin=[pin]).words()
    assert TRACED_ONLY not in CompareVisit(pin=["sliding_window=128"]).words()


def test_the_table_to_download_has_plain_numbers() -> None:
    visit = CompareVisit(pin=["n_layers=24"]).open("compare_numbers")
    frame = visit.page.dataframe[0].value
    assert list(frame.columns) == ["", "Book GPT-2 small, now", "24 × 768"]
    assert list(frame.iloc[0]) == ["Parameters", 163_009_536, count_parameters(ModelConfig(n_layers=24)).total]


@pytest.mark.parametrize(
    ("field", "model", "shown"),
    [
        ("hidden_dim", ModelConfig(), 3072),
        ("n_kv_heads", ModelConfig(), 12),
        ("head_dim", ModelConfig(head_dim=80), 80),
        ("mlp_bias", ModelConfig(bias=False), False),
        ("expert_hidden_dim", ModelConfig(), None),
        ("n_active_experts", replace(ModelConfig(), n_experts=8), 2),
        ("sequence_length", ModelConfig(context_length=100), 100),
    ],
)
def test_what_follows_from_other_fields_is_worked_out(field: str, model: ModelConfig, shown: object) -> None:
    assert shown_value(field, model, RunConfig()) == shown


def test_a_name_tells_what_is_unusual_and_none_is_there_twice() -> None:
    assert name_in_short(ModelConfig()) == "Book GPT-2 small"
    assert name_in_short(ModelConfig(n_layers=13)) == "13 × 768"
    assert name_in_short(ModelConfig(norm="rmsnorm", n_kv_heads=4)) == "12 × 768, n_kv_heads=4, rmsnorm"
    assert name_in_short(ModelConfig(norm="rmsnorm", n_kv_heads=4, bias=False)).endswith("n_kv_heads=4…")
    head = CompareVisit(pin=["n_layers=24", "n_layers=24 batch_size=3"]).rows("Parameters")[""]
    assert head == ["Book GPT-2 small, now", "24 × 768", "24 × 768 (2)"]


@pytest.mark.parametrize(
    ("ratio", "words"), [(2.852, "2.9"), (1.0, "1.0"), (0.0312, "0.031"), (1240.3, "1,240"), (99.6, "100")]
)
def test_a_ratio_is_short(ratio: float, words: str) -> None:
    assert ratio_words(ratio) == words
