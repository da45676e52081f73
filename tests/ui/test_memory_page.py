"""The Memory page without a browser: traced by a real child, except where a test is about waiting."""

import json
import threading
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from llm_explorer import units
from llm_explorer.accounting.fit import max_batch_size, savings, verdict
from llm_explorer.accounting.inference import inference_weights
from llm_explorer.accounting.memory import alive_by_category, count_memory, kept_by_part
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.result import Result, make_result
from llm_explorer.parts import CATEGORIES
from llm_explorer.texts import memory as texts
from llm_explorer.texts import runs
from llm_explorer.ui.memory import inference, tables
from llm_explorer.ui.parts.live import drag
from llm_explorer.ui.runs import workers
from llm_explorer.worker.attempt import Attempt
from llm_explorer.worker.resident import Resident, ResidentError
from llm_explorer.worker.traces import Traces
from tests.ui.app_visit import SCRIPT, Visit

SMALL = {"vocab_size": "65", "context_length": "64", "emb_dim": "64", "n_heads": "4", "n_layers": "2"}
MODEL = ModelConfig(vocab_size=65, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
RUN = RunConfig()


class MemoryVisit(Visit):
    """A visit of the Memory page, with a small model."""

    script = "memory"
    address = SMALL

    def traced(self) -> "MemoryVisit":
        self.until(lambda: "Traced: " in self.words())
        return self

    def timelines(self) -> list[list[dict[str, Any]]]:
        """The traces of each chart over the operations of a step."""
        return [chart["data"] for chart in self.charts() if chart["data"][-1].get("name") == "in all"]

    def tables(self) -> list[dict[str, dict[str, str]]]:
        """Tables by the words of their first column."""
        frames: list[Any] = [table.value for table in self.page.table]
        return [frame.set_index(frame.columns[0]).to_dict("index") for frame in frames]

    def receipt(self) -> dict[str, dict[str, str]]:
        return self.tables()[-1]

    def said(self) -> dict[str, str]:
        """What stands beside each change that would help: the words of its bar, or why it does not."""
        keys = {str(button.key): button for button in self.page.button if str(button.key).startswith("help_")}
        return {key.removeprefix("help_"): "off" if button.disabled else "on" for key, button in keys.items()}


class Held:
    """A resident whose answers wait until they may go."""

    def __init__(self, resident: Resident) -> None:
        self.resident = resident
        self.asked: list[Any] = []
        self.may_answer = threading.Event()
        self.failure: str | None = None

    def ask(self, job: Any) -> Any:
        self.asked.append(job["model"]["n_layers"])
        assert self.may_answer.wait(30)
        if self.failure:
            raise ResidentError(self.failure)
        return self.resident.ask(job)


@pytest.fixture(autouse=True)
def held(resident: Resident, monkeypatch: pytest.MonkeyPatch) -> Held:
    """Answers come at once, unless a test holds them back."""
    made = Held(resident)
    made.may_answer.set()
    kept = Traces(made)  # type: ignore[arg-type]
    monkeypatch.setattr(workers, "traces", lambda: kept)
    return made


def test_the_timeline_adds_up_to_the_traced_peak_and_the_sentence_names_it(resident: Resident) -> None:
    visit = MemoryVisit().traced()
    found = resident.ask({"kind": "trace", "model": MODEL.model_dump(), "run": RUN.model_dump()})
    (data,) = visit.timelines()
    areas = [trace["y"] for trace in data if trace.get("stackgroup")]
    assert max(sum(sizes) for sizes in zip(*areas, strict=True)) == found["peak_bytes"]
    assert f"({units.exact(found['peak_bytes'])} bytes;" in visit.words()
    assert f"The step peaks at **{units.byte_size(count_memory(MODEL, RUN, 'cpu').peak_bytes)}**" in visit.words()


def test_the_page_waits_for_nothing_and_says_what_it_waits_for(held: Held) -> None:
    held.may_answer.clear()
    visit = MemoryVisit()
    assert "Starting PyTorch" in visit.words()
    assert "The step peaks at" in visit.words()
    assert visit.timelines() == []
    assert all(row["traced"] == "–" for row in visit.receipt().values())
    held.may_answer.set()
    visit.traced()
    assert "Starting PyTorch" not in visit.words()
    assert len(visit.timelines()) == 1


def test_the_chart_of_before_stays_and_says_so_until_the_new_one_is_there(held: Held) -> None:
    visit = MemoryVisit().traced()
    (before,) = visit.timelines()
    held.may_answer.clear()
    visit.type("n_layers", 3)
    assert "Tracing this config" in visit.words()
    assert "The chart is still of Custom: 2 layers of 64, fp32, B=2, T=64." in visit.words()
    assert visit.timelines() == [before]
    assert "Traced: " not in visit.words()  # no number of another config beside those of this one
    held.may_answer.set()
    visit.traced()
    assert visit.timelines() != [before]
    assert "The chart is still of" not in visit.words()


def test_a_drag_asks_for_no_trace(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = MemoryVisit().traced()
    monkeypatch.setattr(drag, "dragged", lambda key=drag.KEY: ("n_layers", 5))
    visit.run().run()
    assert held.asked == [2]
    assert texts.DRAGGING in visit.words()
    assert units.byte_size(count_memory(replace(MODEL, n_layers=5), RUN, "cpu").peak_bytes) in visit.words()
    monkeypatch.undo()


def test_where_it_cannot_be_traced_it_says_why_and_all_else_is_there(held: Held) -> None:
    held.failure = "not available with this torch (9.9): it has no **x**"
    visit = MemoryVisit()
    visit.until(lambda: "No trace: not available with this torch (9.9): it has no **x**." in visit.words())
    assert "**x**" not in visit.raw_words()
    assert visit.receipt()["peak of tensors"]["computed"] != "–"
    held.failure = None
    visit.press(texts.AGAIN)
    visit.until(lambda: visit.timelines())
    assert held.asked == [2, 2]


def test_the_tables_have_both_tiers_and_their_sums() -> None:
    at_peak, kept, *_ = MemoryVisit().traced().tables()
    memory = count_memory(MODEL, RUN, "cpu")
    assert set(at_peak) - {"in all"} <= set(CATEGORIES)
    assert at_peak["in all"]["computed"] == units.byte_size(memory.peak_bytes)
    for name, size in alive_by_category(memory.rows).items():
        assert name not in at_peak or at_peak[name]["computed"] == units.byte_size(size)
    parts = {part: units.byte_size(size) for part, size in kept_by_part(MODEL, RUN, "cpu").items() if size}
    assert {part: row["computed"] for part, row in kept.items() if part != "in all"} == parts
    assert kept["in all"]["traced"] == units.byte_size(memory.activations_bytes)
    assert at_peak["parameters"]["error"] == "exact"


def test_every_chart_has_a_text_and_its_numbers_as_a_table() -> None:
    visit = MemoryVisit().traced()
    charts = visit.page.get("plotly_chart")
    assert len(charts) == 4
    assert all(chart.proto.alt for chart in charts)
    for key in ("timeline_numbers", "inference_numbers"):
        count = len(visit.page.dataframe)
        visit.open(key)
        assert len(visit.page.dataframe) == count + 1


def test_formulas_are_built_when_they_are_opened() -> None:
    visit = MemoryVisit().traced()
    assert "| part | formula |" not in visit.words()
    for key in ("memory_peak_formulas", "memory_kept_formulas", "inference_formulas"):
        visit.open(key)
    words = visit.words()
    memory = count_memory(MODEL, RUN, "cpu")
    assert all(f"| {row.name} |" in words for row in memory.rows)
    assert words.count("| part | formula |") == 2 + 4  # of the weights one a format


@pytest.mark.parametrize("name", texts.HELP)
def test_a_change_that_helps_gives_the_peak_it_says(name: str) -> None:
    run = RunConfig(attention="materialized", optimizer_implementation="foreach", batch_size=4)
    option = next(option for option in savings(MODEL, run, "cpu") if option.name == name)
    settings = {"batch_size": "4", "set": "attention=materialized optimizer_implementation=foreach"}
    visit = MemoryVisit(**settings)
    now = count_memory(MODEL, run, "cpu").peak_bytes
    assert option.peak_bytes is not None
    assert visit.said()[name] == ("on" if option.peak_bytes < 0.999 * now else "off")
    if visit.said()[name] == "on":
        visit.page.button(key=f"help_{name}").click()
        assert f"now {units.byte_size(option.peak_bytes)}" in visit.run().words()


def test_what_does_not_help_or_is_in_use_is_shown_and_cannot_be_pressed() -> None:
    visit = MemoryVisit(set="checkpointing=true loss_chunk=1", drop_rate="0", sequence_length="1", batch_size="1")
    assert list(visit.said()) == list(texts.HELP)
    assert visit.words().count(texts.NOTHING_LEFT) >= 7
    for name in ("checkpointing", "loss_chunk", "drop_rate", "sequence_length", "batch_size", "attention"):
        assert visit.said()[name] == "off"


def test_the_largest_config_of_all_has_its_changes_too() -> None:
    run = RunConfig(batch_size=1_048_575, accumulation=65_536)
    assert [option.name for option in savings(MODEL, run, "cpu")] == list(texts.HELP)


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    visit = MemoryVisit(hardware="64MiB", reserve="0")
    run = RunConfig(hardware="64MiB")
    most = max_batch_size(MODEL, run, 64 * 1024**2)
    assert visit.metrics()["Largest batch at T=64"] == units.exact(most)
    visit.press(f"Use batch_size={most}")
    assert (
        f"now {units.byte_size(count_memory(MODEL, replace(run, batch_size=most), 'cpu').peak_bytes)}" in visit.words()
    )
    states = [
        verdict(count_memory(MODEL, replace(run, batch_size=batch), "cpu").peak_bytes, "64MiB", 0).state
        for batch in (most, most + 1)
    ]
    assert states == ["fits", "does not fit"]
    assert f"Use batch_size={most}" not in visit.buttons()


def test_where_nothing_fits_it_says_so() -> None:
    visit = MemoryVisit(hardware="1KiB")
    assert visit.metrics() == {"Largest batch at T=64": "not even 1", "Longest sequence at B=2": "not even 1"}


def test_inference_has_four_formats_and_says_which_are_not_verified() -> None:
    table = MemoryVisit().tables()[2]
    sizes = {weights.format: units.byte_size(weights.bytes) for weights in inference_weights(MODEL)}
    assert {name: row["weights"] for name, row in table.items()} == {
        texts.FORMATS[name]: size for name, size in sizes.items()
    }
    assert [name for name, row in table.items() if "not verified" in row["how"]] == ["int8", "int4"]
    # 2 L B C D values: 2 x 2 x 2 x 64 x 64 of 4 and of 2 bytes
    assert [row["KV cache"] for row in table.values()] == ["128.0 KiB", "64.0 KiB", "64.0 KiB", "64.0 KiB"]


def test_what_is_measured_stands_on_the_receipt_with_its_error() -> None:
    visit = MemoryVisit().traced().press(runs.MEASURE)
    visit.until(lambda: runs.MEASURE_AGAIN in visit.buttons())
    receipt = visit.receipt()
    assert receipt["parameters"] == {"computed": "112,128", "traced": "–", "measured": "112,128", "error": "exact"}
    assert receipt["peak of tensors"]["measured"] == receipt["peak of tensors"]["traced"]
    assert receipt["process memory"]["measured"].endswith("MiB")
    assert receipt["whole step"]["measured"] != "–"


def test_a_measurement_that_fails_is_told_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attempt, "execute", lambda self, take: ended(self, "failed", "It broke"))
    visit = MemoryVisit().press(runs.MEASURE)
    visit.until(lambda: "Failed: It broke" in visit.words())
    assert runs.MEASURE in visit.buttons()


def test_a_device_is_not_verified_until_something_was_measured_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = MemoryVisit(device="cuda")
    visit.until(lambda: visit.timelines())
    assert "Not verified on this device: nothing has been measured on cuda here." in visit.words()
    assert all(row["traced"] == "–" for row in visit.receipt().values())  # a trace has the kernels of a CPU
    computed = units.byte_size(count_memory(MODEL, RunConfig(device="cuda"), "cuda").peak_bytes)
    assert visit.receipt()["peak of tensors"]["computed"] == computed
    monkeypatch.setattr(Attempt, "execute", lambda self, take: ended(self, "ok", None, parameters=112_128))
    visit.press(runs.MEASURE).until(lambda: runs.MEASURE_AGAIN in visit.buttons())
    visit.run()  # the job may have ended between the note and the button
    assert "Not verified on this device" not in visit.words()


def test_the_receipt_can_be_taken_along() -> None:
    visit = MemoryVisit().traced()
    assert texts.MARKDOWN in [button.proto.label for button in visit.page.get("download_button")]
    assert len(visit.page.get("plotly_chart")) == 4
    visit.open("receipt_picture")
    table = json.loads(visit.page.get("plotly_chart")[-1].proto.spec)["data"][0]
    assert table["type"] == "table"
    assert list(table["cells"]["values"][0]) == list(visit.receipt())


def test_explore_has_the_receipt_when_it_is_opened_and_tells_what_fits(held: Held) -> None:
    visit = Visit(**SMALL, hardware="64MiB")
    assert held.asked == []
    most = max_batch_size(MODEL, RunConfig(hardware="64MiB"), 64 * 1024**2 - int(64 * 1024**2 * 0.1))
    assert f"Fits up to B={most} at T=64, up to T=64 at B=2" in visit.words()
    visit.open("receipt_open")
    visit.until(lambda: visit.page.table and visit.page.table[0].value["traced"].ne("–").any())
    assert held.asked == [2]


def test_what_is_sized_for_an_accelerator_says_that_its_kernels_are_not_verified() -> None:
    assert texts.STATED not in Visit().words()
    assert texts.STATED in Visit(hardware="h100-80gb").words()


TITLES = {"pages/backprop.py": "Your GPT", "pages/autograd.py": "The graph that PyTorch keeps"} | {
    "pages/concepts.py": "The effect matrix"
}


@pytest.mark.parametrize(("path", "step"), tables.TAUGHT.items())
def test_links_lead_to_the_step_that_teaches_it(path: str, step: int) -> None:
    label = texts.TAUGHT[path]
    link = next(link.proto for link in MemoryVisit().page.get("page_link") if link.proto.label == label)
    assert f"step={step}" in link.query_string
    assert "n_layers=2" in link.query_string
    page = AppTest.from_file(str(SCRIPT), default_timeout=60)
    page.query_params["step"] = str(step)
    page.switch_page(path).run()
    assert not page.exception
    assert any(part.value.startswith(f"##### {step} of") and TITLES[path] in part.value for part in page.markdown)


def test_a_lesson_links_to_this_page_with_the_config() -> None:
    page = AppTest.from_file(str(SCRIPT), default_timeout=60)
    page.query_params["n_layers"], page.query_params["step"] = "3", "3"
    page.switch_page("pages/autograd.py").run()
    link = next(link.proto for link in page.get("page_link") if link.proto.label == texts.MEMORY_LINK)
    assert link.query_string == "n_layers=3"


def ended(attempt: Attempt, status: Any, reason: str | None, **found: Any) -> Result:
    return make_result(attempt.task.model, attempt.task.run, status, reason, **found)


def test_a_peak_that_no_formula_is_sure_of_says_so() -> None:
    window = "sliding_window=8"
    assert texts.TRACED_ONLY in MemoryVisit(device="cuda", set=window).words()
    assert texts.TRACED_ONLY not in MemoryVisit(set=window).words()


def test_the_cache_of_windows_grows_no_more_once_they_are_full() -> None:
    model = ModelConfig(sliding_window=256)
    bf16 = next(each for each in inference_weights(model) if each.format == "bfloat16")
    half, full, over, whole = (inference.cache_bytes(model, RunConfig(), bf16, n) for n in (128, 256, 512, None))
    assert 2 * half == full == over == whole


def test_a_batch_of_any_size_in_range_is_looked_at() -> None:
    """An eighth of its positions are more than a loss in chunks may have."""
    MemoryVisit(batch_size="1048576", sequence_length="1000", context_length="1000")
