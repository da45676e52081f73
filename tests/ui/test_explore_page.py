"""The sentence, the metrics with their formulas, the charts, and the ways to make it fit."""

import re

import pytest

from llm_explorer import units
from llm_explorer.accounting.fit import ways_to_fit
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import alive_by_category, count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import by_component
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets import find
from llm_explorer.texts.memory import TRACED_ONLY
from llm_explorer.ui.parts.words import change_words
from tests.ui.app_visit import Visit

FORMULAS = ("formulas_parameters", "formulas_memory", "formulas_flops", "formulas_verdict")


def test_the_sentence_says_it_all() -> None:
    # 163,009,536 parameters and 621.83 MiB: "Build a Large Language Model (From Scratch)", chapter 4
    sentence = Visit(hardware="24GiB").sentence()
    assert sentence.startswith(
        "**163.0 M parameters**, 621.8 MiB of weights; training it in fp32 with AdamW at B=2, T=256"
    )
    peak = units.byte_size(count_memory(ModelConfig(), RunConfig(), "cpu").peak_bytes)
    assert f"peaks at **{peak}**" in sentence
    assert sentence.endswith("fits 24GiB, 24.0 GiB in all.")


def test_the_metrics_are_those_of_the_core() -> None:
    model, run = ModelConfig(), RunConfig()
    assert Visit(hardware="24GiB").metrics() == {
        "Parameters": units.count(count_parameters(model).total),
        "Training peak": units.byte_size(count_memory(model, run, "cpu").peak_bytes),
        "FLOPs per token": units.flops(count_flops(model, run).per_token),
        "Sized for 24GiB": ":material/check_circle: Fits",
    }


def test_the_charts_hold_the_sums_of_the_core() -> None:
    visit = Visit()
    of_parameters = visit.chart("163.0 M parameters")["data"][0]
    sums = by_component(count_parameters(ModelConfig()).rows)
    assert dict(zip(of_parameters["y"], of_parameters["x"], strict=True)) == {k: v for k, v in sums.items() if v}
    assert sum(of_parameters["x"]) == 163_009_536
    memory = count_memory(ModelConfig(), RunConfig(), "cpu")
    of_memory = visit.chart("alive at the peak")["data"][0]
    assert sum(of_memory["x"]) == memory.peak_bytes
    alive = alive_by_category(memory.rows)
    assert dict(zip(of_memory["y"], of_memory["x"], strict=True)) == {k: v for k, v in alive.items() if v}


def test_a_slider_changes_both_charts() -> None:
    visit = Visit()
    before = [visit.chart(title)["data"][0]["x"] for title in ("parameters", "alive at the peak")]
    visit.slide("n_layers", 24)
    after = [visit.chart(title)["data"][0]["x"] for title in ("parameters", "alive at the peak")]
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_every_chart_has_a_text_and_its_numbers_as_tables() -> None:
    visit = Visit()
    assert all(chart.proto.alt for chart in visit.page.get("plotly_chart"))
    assert not visit.page.dataframe
    visit.open("tables")
    of_parameters, of_memory = (table.value for table in visit.page.dataframe)
    assert of_parameters["parameters"].sum() == 163_009_536
    assert of_memory["bytes"].sum() == count_memory(ModelConfig(), RunConfig(), "cpu").peak_bytes


def test_formulas_are_built_only_when_opened() -> None:
    visit = Visit()
    assert "| part | formula |" not in visit.words()
    for key in FORMULAS[:3]:
        opened = Visit().open(key)
        assert opened.words().count("| part | formula | with the numbers | times | total |") == 1


def test_the_formulas_of_the_parameters_have_the_numbers_put_in_and_add_up() -> None:
    words = Visit().open("formulas_parameters").words()
    assert r"$50{,}257 \times 768$ | 1 | 38,597,376 |" in words
    totals = [int(found.replace(",", "")) for found in re.findall(r"\| ([\d,]+) \|$", words, re.MULTILINE)]
    assert sum(totals) == 163_009_536
    assert "Total **163,009,536**; tied 124,412,160" in words  # both counts are the book's


def test_the_formulas_of_the_memory_name_the_moment_and_its_parts() -> None:
    words = Visit().open("formulas_memory").words()
    memory = count_memory(ModelConfig(), RunConfig(), "cpu")
    assert all(f"| {row.name} |" in words for row in memory.rows)
    assert f"KV cache of {units.byte_size(memory.kv_cache_bytes)}" in words


def test_the_formulas_of_the_flops_tell_both_conventions() -> None:
    # GPT-2 small's forward pass at B=1, T=1024: torch.utils.flop_counter counts 291,648,307,200
    visit = Visit(batch_size="1", sequence_length="1024").open("formulas_flops")
    flops = count_flops(ModelConfig(), RunConfig(batch_size=1, sequence_length=1024))
    assert flops.forward == 291_648_307_200
    assert "Forward 291.6 GFLOP" in visit.words()
    assert f"forward {units.flops(flops.forward_causal)}" in visit.words()


def test_the_verdict_tells_its_rule_and_numbers() -> None:
    words = Visit(hardware="24GiB").open("formulas_verdict").words()
    assert "of 24.0 GiB, 2.4 GiB kept free. It fits when" in words


def test_computed_numbers_say_that_they_are() -> None:
    page = Visit().page
    labels = [block.proto.popover.label for block in page.get("popover")]
    assert labels.count("Computed: by formula") == 4


@pytest.mark.parametrize("hardware", ["1GiB", "2GiB", "100MiB"])
def test_every_way_to_make_it_fit_makes_it_fit(hardware: str) -> None:
    visit = Visit(hardware=hardware)
    budget = int(units.parse_size(hardware) or 0)
    ways = ways_to_fit(ModelConfig(), RunConfig(hardware=hardware), budget - int(budget * 0.10))
    assert ways
    for way in ways:
        each = Visit(hardware=hardware).press(f"{change_words(way.changes)} · {units.byte_size(way.peak_bytes)}")
        assert each.metrics()[f"Sized for {hardware}"].endswith("Fits")
    assert visit.metrics()[f"Sized for {hardware}"].endswith("Does not fit")


def test_where_nothing_fits_it_says_so() -> None:
    visit = Visit(hardware="1KiB")
    assert "Nothing makes this config fit 1.0 KiB" in visit.words()


def test_a_giant_is_counted() -> None:
    giant = ModelConfig(emb_dim=98304, n_layers=10000, n_heads=96)  # 12 D^2 L: about 1.2 x 10^15
    visit = Visit(emb_dim="98304", n_layers="10000", n_heads="96", hardware="h100-80gb")
    assert visit.metrics()["Parameters"] == units.count(count_parameters(giant).total) == "1,159.7 T"
    assert visit.metrics()["Sized for h100-80gb"].endswith("Does not fit")


def test_a_tied_head_is_not_drawn() -> None:
    visit = Visit().choose("preset", find("gpt2"))
    assert "head" not in visit.chart("parameters")["data"][0]["y"]


def test_a_peak_that_no_formula_is_sure_of_says_so() -> None:
    visit = Visit(hardware="h100-80gb", set="sliding_window=128")
    assert TRACED_ONLY in visit.words()
    assert TRACED_ONLY not in visit.write("").words()
