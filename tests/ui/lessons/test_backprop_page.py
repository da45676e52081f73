"""The lesson on backpropagation, step by step, without a browser."""

from typing import Any

import pytest

from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.texts import backprop as texts
from llm_explorer.ui.lessons.backprop.network import position
from tests.ui.app_visit import LessonVisit

pytestmark = pytest.mark.usefixtures("lessons")
FORMULAS, FIVE, DROP, CLOSING, ONE, SLIP, DEPTH, GPT, EXERCISES = range(1, 10)
GUESSES = dict(zip((FORMULAS, FIVE, DROP, CLOSING, ONE, SLIP, DEPTH), texts.GUESSES, strict=True))
SMALL: dict[str, Any] = {"vocab_size": "65", "context_length": "16", "emb_dim": "24", "n_heads": "2", "n_layers": "3"}


class Lesson(LessonVisit):
    """With the right guess unless told otherwise."""

    script = "backprop"

    def __init__(self, step: int, *, guessed: bool = True, **address: str) -> None:
        super().__init__(step, **address)
        if guessed and step in GUESSES:
            self.guess(GUESSES[step], texts.GUESSES[GUESSES[step]].right)

    def titles(self) -> list[str]:
        return [chart["layout"]["title"]["text"] for chart in self.charts()]

    def map(self, title: str) -> list[list[float | None]]:
        return [list(row) for row in self.chart(title)["data"][0]["z"]]

    def code(self) -> str:
        return "\n".join(self.codes())


@pytest.mark.parametrize("step", [*GUESSES, GPT])
def test_nothing_is_told_before_a_guess_and_a_wrong_one_is_told_too(step: int) -> None:
    lesson = Lesson(step, guessed=False)
    drawing = int(step == FORMULAS)  # the network itself, which answers nothing
    assert (len(lesson.charts()), len(lesson.page.success), len(lesson.page.info)) == (drawing, 0, 0)
    key = GUESSES.get(step, "gpt")
    told = []
    for option in texts.GUESSES[key].options if step in GUESSES else texts.KEPT_OPTIONS:
        lesson.guess(key, option)
        told.append((len(lesson.page.success), len(lesson.page.info)))
    assert sorted(told) == [(0, 1), (0, 1), (1, 0)]  # one option is right


@pytest.mark.parametrize("step", range(1, 10))
def test_every_step_opens_from_the_address(step: int) -> None:
    assert f"{step} of 9" in Lesson(step).words()


@pytest.mark.parametrize("step", range(1, 9))
def test_every_chart_has_a_text_alternative(step: int) -> None:
    lesson = Lesson(step)
    if step == GPT:
        lesson.guess("gpt", "weights")
    assert all(len(alt) > 20 for alt in lesson.alts())


def test_backward_is_hidden_until_the_guess_and_then_equals_autograd() -> None:
    assert "Backward" not in Lesson(FORMULAS, guessed=False).words()
    lesson = Lesson(FORMULAS)
    assert "Backward" in lesson.words()
    table = lesson.page.dataframe[0].value
    assert list(table["norm by hand"]) == list(table["norm by autograd"])
    before = lesson.words()
    lesson.type("backprop_seed_formulas", 7)
    assert lesson.words() != before


@pytest.mark.parametrize(
    ("presses", "done", "phase"), [(0, 0, 0), (1, 0, 1), (4, 0, 4), (5, 1, 1), (8, 1, 4), (40, 9, 4)]
)
def test_a_press_is_a_phase_and_four_are_a_step(presses: int, done: int, phase: int) -> None:
    assert position(presses) == (done, phase)


def test_the_step_button_shows_one_thing_more_at_a_time() -> None:
    lesson = Lesson(FIVE)
    seen = []
    for name in ("forward", "loss", "backward", "update"):
        seen.append((sum("not yet" in title for title in lesson.titles()), lesson.metrics()))
        lesson.press(f"Step: {name}")
    assert [empty for empty, _metrics in seen] == [3, 3, 3, 2]
    assert [sum(value == "not yet" for value in metrics.values()) for _empty, metrics in seen] == [3, 2, 1, 1]
    assert not any("not yet" in title for title in lesson.titles())
    assert lesson.metrics()["Whole steps done"] == "1"
    assert float(lesson.metrics()["Loss after the update"]) < float(lesson.metrics()["Loss"])
    assert "optimizer.step()" in lesson.code()


def test_rows_of_zeros_are_explained_before_they_are_seen() -> None:
    lesson = Lesson(FIVE)
    assert "rows of zeros are no bug" in lesson.page.success[0].value
    assert all("not yet" in title for title in lesson.titles()[2:])
    lesson.press("Run 10 whole steps")
    rows = lesson.map("Gradients before this step")
    assert [all(value == 0 for value in row) for row in rows[:5]] == [False, False, False, True, True]  # seed 4


def test_running_and_starting_again() -> None:
    lesson = Lesson(FIVE).press("Step: forward").press("Run 10 whole steps")
    assert lesson.metrics()["Whole steps done"] == "10"
    for _ in range(5):
        lesson.press("Run 10 whole steps")
    assert lesson.metrics()["Whole steps done"] == "60"
    button = next(button for button in lesson.page.button if button.key == "backprop_step")
    assert button.disabled
    assert lesson.press("Start again").metrics()["Whole steps done"] == "0"


def test_the_promise_is_told_before_each_step_and_kept_at_a_small_rate() -> None:
    lesson = Lesson(DROP)
    promised = lesson.metrics()["Next step: predicted drop"]
    assert lesson.metrics()["Last step: actual"] == "not yet"
    lesson.press("Take the step")
    assert lesson.metrics()["Last step: predicted"] == promised
    assert float(lesson.metrics()["Last step: actual"]) == pytest.approx(float(promised), rel=0.02)
    assert "Nearly as promised" in lesson.words()


def test_a_large_rate_breaks_the_promise_and_on_the_data_set_the_loss_rises() -> None:
    lesson = Lesson(DROP).press("Take the step")
    lesson.page.select_slider(key="backprop_rate_drop").set_value(30.0)
    lesson.run()
    assert "Less than half of what was promised" in lesson.words()
    assert "the loss never rises" in lesson.words()
    lesson.pick("data_drop", "data set")
    assert float(lesson.metrics()["Last step: actual"]) < 0
    assert "The loss **rose**" in lesson.words()
    assert "the loss rises from lr = 10 on" in lesson.words()


def test_the_steps_of_descent_end_at_forty() -> None:
    lesson = Lesson(DROP)
    for _ in range(4):
        lesson.press("Take 10 steps")
    assert len(lesson.chart("in each step")["data"][1]["y"]) == 40
    assert [button.disabled for button in lesson.page.button if button.label.startswith("Take")] == [True, True]
    lesson.open("backprop_drops_numbers")
    assert len(lesson.page.dataframe[0].value) == 40


def test_a_neuron_clicked_has_a_row_of_zeros_and_its_neighbours_keep_theirs() -> None:
    lesson = Lesson(CLOSING)
    assert "closed for all the inputs: neurons 4, 5. Now: neurons 4, 5" in lesson.words()
    lesson.pick("closed", [2])
    assert lesson.map("Gradients now")[1] == [0.0] * 12
    assert lesson.map("Gradients now")[0] != [0.0] * 12
    assert lesson.map("Gradients at the start")[1] != [0.0] * 12
    assert "Now: neurons 2, 4, 5" in lesson.words()
    lesson.pick("closed", [1, 2, 3])
    assert texts.DEAD in lesson.words()
    lesson.pick("data_closing", "data set")
    assert "closed for all the inputs: none. Now: neurons 1, 2, 3" in lesson.words()


def test_one_sample_teaches_always_one() -> None:
    metrics = Lesson(ONE).metrics()
    assert metrics["Taught one sample: says 1 to"] == "100%"
    assert "200 new inputs" in Lesson(ONE).titles()[0]


def test_the_slip_swings_past_the_best_answer() -> None:
    lesson = Lesson(SLIP)
    right, slip = (trace["y"] for trace in lesson.chart("The output")["data"])
    assert max(right) < 0.76
    assert max(slip) > 0.85
    lesson.page.slider(key="backprop_steps_forget").set_value(10)
    lesson.run()
    assert len(lesson.chart("The output")["data"][0]["y"]) == 11


def test_depth_tells_both_activations_apart() -> None:
    lesson = Lesson(DEPTH)
    assert "at most 1/4" in lesson.words()
    lesson.pick("activation", "relu")
    assert "He et al. 2015" in lesson.words()
    lesson.page.slider(key="backprop_layers").set_value(30)
    lesson.run()
    assert len(lesson.charts()[0]["data"][2]["y"]) == 30


def test_a_large_config_is_shrunk_and_says_so_and_its_own_bytes_are_shown() -> None:
    lesson = Lesson(GPT, precision="bfloat16").guess("gpt", "activations")
    assert "vocab_size 50,257 to 256" in lesson.words()
    assert "precision bfloat16 to float32" in lesson.words()
    bars = lesson.chart("by formula")["data"][0]
    expected = count_memory(ModelConfig(), RunConfig(precision="bfloat16"), "cpu").activations_bytes
    assert sum(bars["x"]) == expected
    assert texts.ONE_NUMBER in lesson.words()


def test_a_small_config_is_run_as_it_is() -> None:
    lesson = Lesson(GPT, **SMALL, batch_size="1").guess("gpt", "activations")
    assert "nothing shrunk" in lesson.words()
    assert len(lesson.chart("Gradient norm")["data"][0]["y"]) == 3
    lesson.open("backprop_gpt_more")
    assert len(lesson.page.dataframe) == 2


@pytest.mark.parametrize(
    ("step", "key", "source"),
    [
        (FORMULAS, "backprop_code_gradients_by_hand", "dz1 = dh * (z1 > 0)"),
        (FIVE, "backprop_five_more", "loss.backward()"),
        (DROP, "backprop_code_descent", "def loss_after"),
        (CLOSING, "backprop_code_close", "def close"),
        (ONE, "backprop_code_what_they_learn", "def train_on"),
        (SLIP, "backprop_code_step_without_zero_grad", "def step_without_zero_grad"),
        (DEPTH, "backprop_code_through_depth", "def shares_by_layer"),
        (GPT, "backprop_code_own_gpt", "saved_tensors_hooks"),
    ],
)
def test_the_code_that_ran_is_shown_when_asked_for(step: int, key: str, source: str) -> None:
    lesson = Lesson(step)
    if step == GPT:
        lesson.guess("gpt", "weights")
    assert source not in lesson.code() or step == FIVE
    assert source in lesson.open(key).code()


def test_an_exercise_is_judged_on_the_learner_s_config() -> None:
    lesson = Lesson(EXERCISES)
    lesson.page.text_input(key="exercise_backprop_1").set_value("72 MiB")  # 12 x 2 x 256 x 3072 x 4 bytes
    lesson.run()
    assert lesson.page.success[0].value.startswith("Right: 72.0 MiB")
    lesson.page.text_input(key="exercise_backprop_1").set_value("6 MiB")
    lesson.run()
    assert "That is one layer" in lesson.page.info[0].value
