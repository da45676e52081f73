"""The button, the run while it runs, and every way it can end, in words."""

import re
import time
from typing import Any

import pytest
from visit import Visit

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Result, make_result
from llm_explorer.presets import find
from llm_explorer.ui import build_panel
from llm_explorer.worker import limits
from llm_explorer.worker.attempt import Attempt, Progress

SMALLEST = find("class-0.1m")
TIMING = {"median": 0.05, "iqr": 0.004, "n": 3, "samples": [0.048, 0.05, 0.052]}


def small_visit(**address: str) -> Visit:
    return Visit(**address).choose("preset", SMALLEST)


def ends_with(monkeypatch: pytest.MonkeyPatch, status: Any, reason: str | None = None, **found: Any) -> None:
    """Let every measurement end at once, without a process."""

    def execute(self: Attempt, take_worker: object) -> Result:
        return make_result(self._model, self._run, status, reason, **found)

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
    table = visit.page.table[0].value.set_index("what")
    assert list(table.index) == ["Parameters", "Peak of tensors", "Forward", "Backward", "Whole step"]
    assert table.loc["Parameters", "measured"] == table.loc["Parameters", "computed"] == "108,352"
    assert table.loc["Parameters", "error"] == "exact"
    assert table.loc["Forward", "computed"] == "not yet predicted"
    assert all("±" in table.loc[phase, "measured"] for phase in ("Forward", "Backward", "Whole step"))
    assert "Measured: really run here" in visit.words()
    assert "tokens/s" in visit.words()
    assert len(visit.chart("Every sample")["data"]) == 4
    assert "Build and time it again" in visit.buttons()


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
    monkeypatch.setattr(build_panel.jobs, "watcher", lambda: "another visit")
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
    monkeypatch.setattr(limits, "free_bytes", lambda: 1024**3)
    visit = Visit().press("Build and time it")
    visit.until(lambda: "Not started: A step needs about" in visit.words())
    assert "1.0 GiB are free" in visit.words()
    ways = [button for button in visit.page.button if (button.key or "").startswith("refusal_way")]
    assert ways
    ways[0].click()
    visit.run()
    fitting = ModelConfig(**{field: visit.number(field) for field in ("vocab_size", "emb_dim", "n_layers", "n_heads")})
    run = RunConfig(
        batch_size=visit.number("batch_size"),
        sequence_length=visit.number("sequence_length"),
        precision=visit.page.selectbox(key="precision").value,
        optimizer=visit.page.selectbox(key="optimizer").value,
        checkpointing="checkpointing=true" in visit.page.text_input(key="set").value,
    )
    assert limits.refusal(fitting, run) is None


def test_run_on_every_change_is_offered_below_ten_gflop_a_step() -> None:
    assert build_panel.step_flops(SMALLEST.model, SMALLEST.run) < 10**10
    assert "every_change" in {toggle.key for toggle in small_visit().page.toggle}
    assert build_panel.step_flops(ModelConfig(), RunConfig()) > 10**10
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
    assert older.snapshot().result["status"] == "cancelled"


def test_a_run_of_the_same_config_by_another_visit_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, "ok", parameters=108352, step_s=TIMING)
    first = small_visit().press("Build and time it")
    first.until(lambda: first.page.table)
    second = small_visit()
    offer = next(label for label in second.buttons() if label.startswith("Show the run of"))
    assert second.press(offer).page.table


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_the_age_of_a_run_does_not_follow_the_clock(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    ends_with(monkeypatch, "ok", parameters=108352, step_s=TIMING)
    first = small_visit().press("Build and time it")
    first.until(lambda: first.page.table)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    offer = next(label for label in small_visit().buttons() if label.startswith("Show the run of"))
    assert re.fullmatch(r"Show the run of \d{1,2} s ago", offer)
