"""The lesson on pre-training, step by step, without a browser."""

from dataclasses import replace
from pathlib import Path

import pytest

from llm_explorer import budget
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import parse, to_book_dict
from llm_explorer.lessons.pretraining.recorded import load
from llm_explorer.measure.result import Result
from llm_explorer.texts import pretraining as texts
from llm_explorer.ui.lessons.pretraining import own_run
from llm_explorer.ui.runs import workers
from llm_explorer.worker import task
from llm_explorer.worker.queue import MeasuringQueue
from tests.ui.app_visit import LessonVisit

TARGETS, RUN, WRITE, DROPOUT, TUNING, OWN, EXERCISES = range(1, 8)
SMALL = {"context_length": "8", "emb_dim": "8", "n_heads": "2", "n_layers": "1", "drop_rate": "0.1"}
ALPHABET = "the quick brown fox jumps over the lazy dog. " * 50


@pytest.fixture(autouse=True)
def own_server(lessons: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setattr(task, "server_folder", lambda: folder)
    monkeypatch.setattr(budget, "OWN", replace(budget.OWN, training_steps=(20, 600, 100_000)))


class Lesson(LessonVisit):
    script = "pretraining"


def own(steps: int = 20, **address: str) -> Lesson:
    """The step of one's own run, with the learner's small config chosen."""
    lesson = Lesson(OWN, **(address or SMALL))
    lesson.pick("model", "config")
    return lesson.pick("steps", steps)


def trained(lesson: Lesson) -> Lesson:
    lesson.press("Train it")
    return lesson.until(lambda: "Really trained here" in lesson.words())


@pytest.mark.parametrize(
    ("step", "key", "right", "wrong", "answer"),
    [
        (TARGETS, "targets", "moved_on", "last", "moved on by one"),
        (WRITE, "write", "not_at_all", "a_little", "greedy decoding"),
        (DROPOUT, "dropout", "one_each", "without", "overfitting"),
        (TUNING, "tuning", "rises", "stays", "forgetting"),
        (RUN, "run", "log_of_vocabulary", "zero", "nearly the same probability"),
    ],
)
def test_the_answer_comes_only_after_the_guess(step: int, key: str, right: str, wrong: str, answer: str) -> None:
    lesson = Lesson(step)
    assert not lesson.charts()
    assert not lesson.page.success
    assert answer in lesson.guess(key, right).page.success[0].value
    assert lesson.page.success[0].value.startswith("Right: ")
    assert answer in lesson.guess(key, wrong).page.info[0].value
    assert lesson.page.info[0].value.startswith("Not quite: ")
    assert lesson.charts()
    assert all(lesson.alts())


def test_the_targets_are_shown_below_the_input_and_follow_the_text() -> None:
    lesson = Lesson(TARGETS).guess("targets", "moved_on")
    lesson.pick("text", "a b")
    assert lesson.codes()[0] == "input  a ␣\ntarget ␣ b"
    figure = lesson.chart("Probability that each model gave")
    assert [bar["name"] for bar in figure["data"]] == ["untrained", "trained"]
    assert "noise" in lesson.words()


@pytest.mark.parametrize("text", ["x", "", "日"])
def test_a_text_too_short_to_read_is_told(text: str) -> None:
    lesson = Lesson(TARGETS).pick("text", text)
    assert f"The text has {len(text)} characters; from 2 to 40 can be read" in lesson.words()


def test_the_recorded_run_is_scrubbed_from_noise_to_words() -> None:
    lesson = Lesson(RUN).guess("run", "zero")
    snapshots = load("pretraining").snapshots
    slider = lesson.page.select_slider(key=f"pretraining_recorded_{len(snapshots)}_step")
    assert slider.value == 3000
    assert lesson.codes()[0].endswith(snapshots[-1].sample)
    assert texts.UNTRAINED_NOTE not in lesson.words()
    slider.set_value(0)
    lesson.run()
    assert texts.UNTRAINED_NOTE in lesson.words()
    assert lesson.codes()[0].endswith(snapshots[0].sample)
    assert len(lesson.chart("What each head looks at")["data"]) == 8  # 2 layers of 4 heads
    assert f"validation {snapshots[0].validation_loss:.2f}" in lesson.chart("Loss in nats")["layout"]["title"]["text"]
    assert "Recorded: 2026" in lesson.words()


def test_the_numbers_and_the_code_are_a_click_away() -> None:
    lesson = Lesson(RUN).guess("run", "zero")
    assert not lesson.page.dataframe
    lesson.open("pretraining_recorded_numbers").open("pretraining_recorded_code")
    table = lesson.page.dataframe[0].value
    assert list(table.columns) == ["step", "training_loss", "validation_loss"]
    assert any("def learn(" in part for part in lesson.codes())
    assert any("def attention_weights(" in part for part in lesson.codes())


def test_temperature_and_top_k_change_what_is_drawn_from() -> None:
    lesson = Lesson(WRITE).guess("write", "not_at_all")
    lesson.pick("top_k", 1)
    plain, drawn = lesson.chart("Temperature 1, top-k 1")["data"]
    assert drawn["x"][0] == 1
    assert plain["x"][0] < 1
    assert len(set(lesson.codes()[:3])) == 1, "with one to choose from, every seed writes the same"
    lesson.pick("top_k", 0)
    assert len(set(lesson.codes()[:3])) == 3
    lesson.pick("prompt", "")
    assert "at least one character" in lesson.words()


def test_dropout_shows_four_curves_with_their_numbers_in_the_text() -> None:
    lesson = Lesson(DROPOUT).guess("dropout", "without")
    assert len(lesson.chart("with and without dropout")["data"]) == 4
    last = load("dropout_0").snapshots[-1]
    assert f"{last.validation_loss:.2f}" in lesson.page.info[0].value


def test_fine_tuning_shows_the_new_text_and_the_old_one() -> None:
    lesson = Lesson(TUNING).guess("tuning", "rises")
    names = [line["name"] for line in lesson.chart("Loss in nats")["data"]]
    assert names == ["new text, training", "new text", "old text"]


def test_a_model_of_one_s_own_is_trained_scrubbed_and_downloaded() -> None:
    lesson = trained(own())
    downloads = [button.proto.label for button in lesson.page.get("download_button")]
    assert downloads == ["Weights (safetensors)", "Config"]
    training = lesson.page.session_state[own_run.TRAINED]
    assert (training.folder / "weights.safetensors").stat().st_size > 1000
    assert parse(to_book_dict(training.model))[0] == training.model
    slider = next(s for s in lesson.page.select_slider if str(s.key).endswith("_step"))
    assert slider.options[-1] == "20"
    slider.set_value(0)
    assert texts.UNTRAINED_NOTE in lesson.run().words()


def test_a_run_that_could_not_be_kept_offers_nothing_to_take_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "make_room", lambda folder: folder.write_text("a file where the folder should be"))
    lesson = trained(own())
    assert texts.NOT_WRITTEN in lesson.words()
    assert not lesson.page.get("download_button")
    assert "pretraining_tune" not in [toggle.key for toggle in lesson.page.toggle]


def test_what_was_trained_can_write_and_be_fine_tuned() -> None:
    lesson = trained(own())
    lesson.pick("tune", True)
    lesson.pick("corpus", "lessons")
    trained(lesson)
    assert [line["name"] for line in lesson.chart("Loss in nats")["data"]] == [
        "new text, training",
        "new text",
        "old text",
    ]
    lesson.page.segmented_control(key="step").set_value(WRITE)
    lesson.run()
    lesson.guess("write", "not_at_all")
    before = lesson.codes()[:3]
    lesson.pick("which", "trained")
    assert lesson.codes()[:3] != before


def test_a_run_is_paused_and_resumed_and_cancelled(queue: MeasuringQueue) -> None:
    lesson = own(steps=100_000).press("Train it")
    lesson.until(lambda: "Pause" in lesson.buttons() and lesson.charts())
    job = lesson.page.session_state[own_run.OWN].job
    lesson.press("Pause")
    assert "Paused at step" in lesson.words()
    lesson.until(lambda: job.snapshot().state == "done")
    told = len(job.snapshot().stream)
    lesson.press("Resume")
    again = lesson.page.session_state[own_run.OWN].job
    assert again is not job
    lesson.until(lambda: len(again.snapshot().stream) > told)
    lesson.press("Cancel")
    lesson.until(lambda: again.snapshot().state == "done")
    assert again.snapshot().result == Result(status="cancelled", reason="Cancelled")
    assert not lesson.charts()
    assert "Train it" in lesson.buttons()


def test_a_run_behind_another_tells_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    first = own(steps=100_000).press("Train it")
    first.until(lambda: first.charts())
    second = own(steps=20)
    # each AppTest has the same watcher's name, so the second visit's is changed
    monkeypatch.setattr(workers, "watcher", lambda: "another visit")
    second.press("Train it")
    assert "Waiting: runs before this one on this server: 1" in second.words()
    second.press("Cancel")
    assert first.page.session_state[own_run.OWN].job.snapshot().state == "running"


def test_a_run_left_for_another_one_says_so(monkeypatch: pytest.MonkeyPatch, queue: MeasuringQueue) -> None:
    running = own(steps=100_000).press("Train it")
    running.until(lambda: running.charts())
    lesson = own(steps=20)
    # each AppTest has the same watcher's name, so the second visit's is changed
    monkeypatch.setattr(workers, "watcher", lambda: "another visit")
    for shared in (False, True):
        lesson.press("Train it")
        if shared:
            queue.submit_task(lesson.page.session_state[own_run.OWN].training, "a third")
        queue.submit(ModelConfig(), RunConfig(), "another visit")
        lesson.run()
        assert (texts.GOES_ON if shared else "Ended: You asked for another run meanwhile;") in lesson.words()
        assert not lesson.page.button[[button.label for button in lesson.page.button].index("Train it")].disabled
        assert "Cancel" not in lesson.buttons()


def test_a_pasted_text_is_trained_on_and_shown_as_it_is() -> None:
    lesson = own().pick("corpus", "paste")
    assert next(button for button in lesson.page.button if button.label == "Train it").disabled
    lesson.pick("paste", "too short **bold**")
    assert "The text has 18 characters; at least 2,000 are needed" in lesson.words()
    assert next(button for button in lesson.page.button if button.label == "Train it").disabled
    lesson.pick("paste", ALPHABET)
    trained(lesson)
    assert "29 characters" in lesson.words()  # the 26 letters, space, dot, and unknown


def test_the_learner_s_config_is_shrunk_and_the_page_says_so() -> None:
    lesson = own(n_layers="12", emb_dim="768", n_heads="12")
    assert "3 of 12 layers, width 64 of 768, 4 of 12 heads, context 64 of 1,024" in lesson.words()
    assert texts.NOT_SHRUNK in own().words()


def test_a_learning_rate_that_breaks_training_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_run, "RATES", (3e-3, 1e20))
    lesson = own().pick("rate_new", 1e20)
    lesson.press("Train it")
    lesson.until(lambda: "Failed: The loss is no longer a number: the learning rate is too high" in lesson.words())


def test_a_public_server_offers_short_runs_on_short_texts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", "1")
    lesson = Lesson(OWN, **SMALL)
    options = lesson.page.select_slider(key="pretraining_steps").options
    assert options == [str(steps) for steps in budget.HOSTED.training_steps]
    lesson.pick("corpus", "paste").pick("paste", "é" * 100_001)  # two bytes each
    assert "The text is over 200,000 bytes" in lesson.words()


def test_the_exercises_are_about_the_config_and_judged() -> None:
    lesson = Lesson(EXERCISES, vocab_size="1000")
    assert "V = 1,000" in lesson.words()
    lesson.page.text_input(key="exercise_pretraining_1").set_value("6.9")
    assert "Right: 6.908" in lesson.run().words()
    lesson.page.text_input(key="exercise_pretraining_1").set_value("10")
    assert "PyTorch's loss is in nats" in lesson.run().words()
