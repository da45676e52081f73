"""The button, the run while it runs, and every way it can end, in words."""

import re
import time
from typing import Any

import pytest

from llm_explorer import budget
from llm_explorer.accounting import process
from llm_explorer.accounting.flops import step_flops
from llm_explorer.budget import HOSTED
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure import recorded
from llm_explorer.measure.result import Result, make_result
from llm_explorer.presets import find
from llm_explorer.texts import explore as texts
from llm_explorer.ui.runs import workers
from llm_explorer.worker.attempt import Attempt, Progress
from tests.there import there
from tests.ui.app_visit import Visit, lines_of

SMALLEST = there(find("class-0.1m"))
TIMING = {"median": 0.05, "iqr": 0.004, "n": 3, "samples": [0.048, 0.05, 0.052]}


def small_visit(**address: str) -> Visit:
    return Visit(**address).choose("preset", SMALLEST)


def ends_with(monkeypatch: pytest.MonkeyPatch, status: Any, reason: str | None = None, **found: Any) -> None:
    """Let every measurement end at once, without a process."""

    def execute(self: Attempt, take_worker: object) -> Result:
        return make_result(self.task.model, self.task.run, status, reason, **found)

    monkeypatch.setattr(Attempt, "execute", execute)


def runs_until_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(self: Attempt, take_worker: object) -> Result:
        self._on_progress(Progress("timing", 0.25, "Timed 12 steps"))
        assert self._inbox.get(timeout=30) == {"event": "cancel"}
        return self.cancelled()

    monkeypatch.setattr(Attempt, "execute", execute)


def test_a_model_is_really_built_and_its_times_stand_beside_what_was_computed() -> None:
    visit = small_visit().press("Build and time it")
    visit.until(lambda: visit.page.table)
    table = lines_of(visit.page.table[0].value)
    assert list(table) == ["Parameters", "Peak of tensors", "Forward", "Backward", "Whole step"]
    assert table["Parameters"]["measured"] == table["Parameters"]["computed"] == "108,352"
    assert table["Parameters"]["error"] == "exact"
    assert table["Forward"]["computed"] == "not yet predicted"
    assert all("±" in table[phase]["measured"] for phase in ("Forward", "Backward", "Whole step"))
    assert "Measured: really run here" in visit.words()
    assert "tokens/s" in visit.words()
    assert len(visit.chart("Every sample")["data"]) == 4
    assert "Build and time it again" in visit.buttons()


@pytest.mark.parametrize(
    ("address", "own", "words"),
    [
        ({"precision": "bfloat16"}, True, texts.OWN_PRODUCTS),
        ({"precision": "bfloat16", "set": "bf16_products=torch"}, False, texts.TORCH_PRODUCTS),
        ({"precision": "bfloat16"}, False, None),
        ({"set": "bf16_products=torch"}, False, None),
    ],
)
def test_whose_bf16_products_ran_is_told(
    monkeypatch: pytest.MonkeyPatch, *, address: dict[str, str], own: bool, words: str | None
) -> None:
    ends_with(monkeypatch, "ok", parameters=1, step_s=TIMING, environment={"own_products": own})
    visit = Visit(**address).press("Build and time it")
    visit.until(lambda: "Measured: really run here" in visit.words())
    told = [text for text in (texts.OWN_PRODUCTS, texts.TORCH_PRODUCTS) if text in visit.words()]
    assert told == ([words] if words else [])


def test_meta_counts_without_running() -> None:
    visit = small_visit(device="meta").press("Build and time it")
    visit.until(lambda: visit.page.table)
    table = visit.page.table[0].value.set_index("what")
    assert table.loc["Parameters", "measured"] == "108,352"
    assert table.loc["Whole step", "measured"] == "unknown"


def test_a_run_is_written_down_once_with_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, "ok", parameters=108352, step_s=TIMING)
    visit = small_visit().press("Build and time it")
    visit.until(lambda: visit.page.table).run().run()
    visit.open("runs_open")
    runs = visit.page.dataframe[-1].value
    assert len(runs) == 1
    assert runs.loc[0, "step (s)"] == 0.05
    assert runs.loc[0, "parameters"] == 108352
    visit.press("Build and time it again")
    visit.until(lambda: len(visit.page.dataframe[-1].value) == 2)  # the table stays open
    assert "Download CSV" in [button.proto.label for button in visit.page.get("download_button")]


def test_while_it_runs_it_tells_how_far_it_is_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_until_cancelled(monkeypatch)
    visit = small_visit().press("Build and time it")
    visit.until(
        lambda: visit.page.get("progress") and visit.page.get("progress")[0].proto.text == "timing: Timed 12 steps"
    )
    assert visit.page.get("progress")[0].proto.value == 25
    visit.press("Cancel")
    visit.until(lambda: "Not measured: Cancelled" in visit.words())
    assert "Cancel" not in visit.buttons()


def test_a_run_behind_another_tells_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_until_cancelled(monkeypatch)
    first = small_visit().press("Build and time it")
    first.until(lambda: first.page.get("progress"))
    second = small_visit()
    second.type("n_layers", 3)
    # each AppTest has the same watcher's name, so the second visit's is changed
    with monkeypatch.context() as another:
        another.setattr(workers, "watcher", lambda: "another visit")
        second.press("Build and time it")
        assert "Waiting: runs before this one on this server: 1" in second.words()
        second.press("Cancel")
        assert "Not measured: Cancelled" in second.words()
    assert first.run().page.get("progress"), "the first goes on"


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ("refused", "cuda:9 is not on this machine; there are cpu, meta", "Not started: cuda:9 is not on this machine"),
        ("out_of_memory", "The step ran out of memory", "Out of memory: The step ran out of memory"),
        ("timeout", "Ended after 600 s, the most a measurement may take", "Ended: Ended after 600 s"),
        ("failed", "RuntimeError: **bold** <b>", "Failed: RuntimeError: **bold** <b>"),
    ],
)
def test_every_bad_end_is_a_sentence(monkeypatch: pytest.MonkeyPatch, status: str, reason: str, told: str) -> None:
    ends_with(monkeypatch, status, reason)
    visit = small_visit().press("Build and time it")
    visit.until(lambda: told in visit.words())
    assert "**bold**" not in visit.raw_words()
    assert not visit.page.table
    assert "Build and time it" in visit.buttons()


def test_what_is_too_large_is_refused_with_buttons_that_make_it_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    # 1 GiB free: less 350 MiB for torch, over 1.2: 561 MiB of tensors; GPT-2 small needs 2.6 GiB
    monkeypatch.setattr(budget, "free_bytes", lambda: 1024**3)
    visit = Visit().press("Build and time it")
    visit.until(lambda: "Not started: A step needs about" in visit.words())
    assert "1.0 GiB are free" in visit.words()
    ways = [button for button in visit.page.button if (button.key or "").startswith("refusal_way")]
    assert ways
    ways[0].click()
    visit.run()
    sizes: dict[str, Any] = {field: visit.number(field) for field in ("vocab_size", "emb_dim", "n_layers", "n_heads")}
    settings: dict[str, Any] = {field: visit.number(field) for field in ("batch_size", "sequence_length")}
    settings |= {field: visit.page.selectbox(key=field).value for field in ("precision", "optimizer")}
    settings["checkpointing"] = "checkpointing=true" in there(visit.page.text_input(key="set").value)
    assert process.refusal(ModelConfig(**sizes), RunConfig(**settings)) is None


def test_run_on_every_change_is_offered_below_ten_gflop_a_step() -> None:
    assert step_flops(SMALLEST.model, SMALLEST.run) < 10**10
    assert "every_change" in {toggle.key for toggle in small_visit().page.toggle}
    assert step_flops(ModelConfig(), RunConfig()) > 10**10
    assert "every_change" not in {toggle.key for toggle in Visit().page.toggle}


def test_run_on_every_change_is_never_offered_on_a_public_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    assert "every_change" not in {toggle.key for toggle in small_visit().page.toggle}


def test_run_on_every_change_measures_only_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_until_cancelled(monkeypatch)
    visit = small_visit()
    visit.page.toggle(key="every_change").set_value(True)
    visit.run()
    older = visit.page.session_state["job"]
    visit.type("n_layers", 3)
    newest = visit.page.session_state["job"]
    assert (older.model.n_layers, newest.model.n_layers) == (2, 3)
    visit.until(lambda: older.snapshot().state == "done" and newest.snapshot().state == "running")
    assert older.snapshot().result.status == "cancelled"


def test_a_run_of_the_same_config_by_another_visit_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, "ok", parameters=108352, step_s=TIMING)
    first = small_visit().press("Build and time it")
    first.until(lambda: first.page.table)
    second = small_visit()
    offer = next(label for label in second.buttons() if label.startswith("Show the run of"))
    assert second.press(offer).page.table


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(budget, "free_bytes", lambda: 8 * 1024**3)


BOOK = next(each for each in recorded.read_all() if each.model == ModelConfig())
MACHINE = {"time": "2026-11-27T09:00:00+00:00", "device_name": "A processor", "threads": 1, "torch": "2.13.0"}
RECORD = BOOK.model_copy(
    update={"peak_bytes": 2_818_572_288, "environment": BOOK.environment.model_copy(update=MACHINE)}
    | dict.fromkeys(("forward_s", "backward_s", "step_s"), recorded.Spread(median=8.0, iqr=0.2, n=3))
)


def test_hosted_the_button_builds_the_largest_sibling_that_fits_and_never_refuses(
    hosted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(monkeypatch, "ok", parameters=20_000_000, step_s=TIMING)
    visit = Visit()
    label = "Build and time the largest sibling that fits: n_layers=1, vocab_size=8,192"
    assert label in visit.buttons()
    assert "Build and time it" not in visit.buttons()
    told = "takes 3.5 GiB of process memory and 394.0 GFLOP a step, a run here gets 768.0 MiB and 50.0 GFLOP. Instead"
    assert told in visit.words()
    visit.press(label).until(lambda: "Measured: really run here" in visit.words())
    job = visit.page.session_state["job"]
    assert (job.model.n_layers, job.model.vocab_size) == (1, 8192)
    assert process.refusal(job.model, job.run) is None
    assert "a smaller sibling of the config above: n_layers=1, vocab_size=8,192" in visit.words()
    assert visit.number("n_layers") == 12, "the config itself stays"


def test_hosted_many_changes_are_told_below_the_button(hosted: None) -> None:
    visit = Visit().choose("preset", find("llama-3-8b"))
    assert "Build and time the largest sibling that fits" in visit.buttons()
    assert "n_layers=1, sequence_length=" in visit.words()


def test_hosted_what_was_recorded_of_the_whole_stands_beside_it_with_its_machine(
    hosted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "find", lambda model, run: RECORD if model.n_layers == 12 else None)
    visit = Visit()
    told = "The whole config, recorded on 2026-11-27, not run here** · A processor, threads: 1, PyTorch 2.13.0, n=3"
    assert told in visit.words()
    table = visit.page.table[0].value.set_index("what")
    assert list(table.columns) == ["computed", "recorded", "error"]
    assert table.loc["Parameters", "recorded"] == "163,009,536"
    assert table.loc["Parameters", "error"] == "exact"
    assert list(table.loc["Whole step"]) == ["–", "8 s ± 100 ms", ""]
    visit.type("n_layers", 13)
    assert "no measurement is recorded" in visit.words()
    assert not visit.page.table


def test_hosted_what_fits_is_built_itself(hosted: None) -> None:
    visit = small_visit()
    assert "Build and time it" in visit.buttons()
    assert "sibling" not in visit.words()


def test_the_limits_of_a_shared_server_are_told_there_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "A shared server" not in small_visit().words()
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    monkeypatch.setattr(budget, "HOSTED", HOSTED)  # with its own time
    monkeypatch.setattr(budget, "free_bytes", lambda: 8 * 1024**3)
    told = "at most 768.0 MiB of memory, 50.0 GFLOP a step, 3 s of timing and 60 s in all, a training run at most 1,000"
    assert told in small_visit().words()


def test_elsewhere_a_sibling_is_offered_beside_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "free_bytes", lambda: 2 * 1024**3)
    visit = Visit().press("Build and time it")
    visit.until(lambda: "Not started: A step needs about" in visit.words())
    ends_with(monkeypatch, "ok", parameters=20_000_000, step_s=TIMING)
    label = next(label for label in visit.buttons() if label.startswith("Build and time the largest sibling"))
    visit.press(label).until(lambda: "Measured: really run here" in visit.words())
    assert "a smaller sibling of the config above: n_layers=" in visit.words()


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_the_age_of_a_run_does_not_follow_the_clock(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    ends_with(monkeypatch, "ok", parameters=108352, step_s=TIMING)
    first = small_visit().press("Build and time it")
    first.until(lambda: first.page.table)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    offer = next(label for label in small_visit().buttons() if label.startswith("Show the run of"))
    assert re.fullmatch(r"Show the run of \d{1,2} s ago", offer)
