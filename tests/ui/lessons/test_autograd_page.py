"""The lesson on automatic differentiation, step by step, without a browser."""

from typing import Self

import pytest

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.autograd import gradient_bill
from llm_explorer.measure.result import Measured
from llm_explorer.texts import autograd as texts
from llm_explorer.ui.lessons.autograd import costs
from llm_explorer.ui.runs import workers
from tests.there import there
from tests.ui.app_visit import LessonVisit, Visit

pytestmark = pytest.mark.usefixtures("lessons")
CHAIN, NEURON, GRAPH, TANGENT, WHY, STEP_SIZE, RULES, ENGINE, EXERCISES = range(1, 10)
GUESSES = {  # step: key, the right option, a wrong one
    CHAIN: ("chain", "product", "sum"),
    NEURON: ("neuron", "lowers", "raises"),
    GRAPH: ("graph", "sum", "larger"),
    TANGENT: ("tangent", "near_minus_x", "near_zero"),
    WHY: ("why", "years", "days"),
    STEP_SIZE: ("step", "root_of_rounding", "tenth"),
    RULES: ("rules", "6", "3"),
    ENGINE: ("engine", "all", "seven"),
}


class Lesson(LessonVisit):
    script = "autograd"

    def answer(self, step: int, option: str | None = None) -> Self:
        """The right one unless told otherwise."""
        key, right, _wrong = GUESSES[step]
        return self.guess(key, option or right)

    def input(self, **values: float) -> Self:
        for name, value in values.items():
            self.type(f"autograd_{name}", value)
        return self

    def formulas(self) -> str:
        return "\n".join(formula.value for formula in self.page.latex)

    def table(self) -> dict[str, list[str]]:
        frame = self.page.table[0].value
        return {name: list(frame[name]) for name in frame.columns}


@pytest.mark.parametrize("step", GUESSES)
def test_the_answer_comes_after_the_guess_and_says_whether_it_was_right(step: int) -> None:
    lesson = Lesson(step)
    assert lesson.answers() == ""
    assert (len(lesson.page.success), len(lesson.page.info)) == (0, 0)
    lesson.answer(step)
    if step == WHY:
        assert "has not been timed here yet" in lesson.answers()
        return
    assert len(lesson.page.success) == 1
    _key, _right, wrong = GUESSES[step]
    lesson.answer(step, wrong)
    assert (len(lesson.page.success), len(lesson.page.info)) == (0, 1)


@pytest.mark.parametrize("step", range(1, 10))
def test_every_step_opens_from_the_address_and_none_fails(step: int) -> None:
    assert f"{step} of 9" in Lesson(step).words()


def test_the_third_panel_of_the_chain_rule_is_the_answer() -> None:
    lesson = Lesson(CHAIN)
    titles = [figure["layout"]["title"]["text"] for figure in lesson.charts()]
    assert titles == ["g: slope 3.000", "f: slope -0.628"]  # 2 x at 1.5; cos(2.25)
    assert lesson.formulas() == ""
    lesson.answer(CHAIN)
    assert lesson.charts()[2]["layout"]["title"]["text"] == "f(g(x)): slope -1.885"
    assert r"-0.6282 \times 3.0000 = -1.8845" in lesson.formulas()
    lesson.choose("autograd_inner", "double")
    assert r"\times 2.0000 =" in lesson.formulas()


def test_the_worked_example_has_its_three_ways_side_by_side() -> None:
    lesson = Lesson(NEURON)
    assert "z = 1.1 \\times 2.2 +0 = 2.4200" in lesson.words()
    lesson.answer(NEURON)
    table = lesson.table()
    assert list(table) == ["by hand", "finite differences", "autograd"]
    assert all(column[0].startswith("-0.0898") and column[1].startswith("-0.0816") for column in table.values())
    assert table["by hand"] == table["autograd"]
    assert "**It lowers it**" in lesson.answers()


def test_with_other_inputs_the_sign_the_table_and_the_answer_change() -> None:
    lesson = Lesson(NEURON).answer(NEURON).input(y=0.0)
    assert "**It raises it**" in lesson.answers()
    assert lesson.table()["autograd"][0] == "1.0101737190"  # (a - 0) x = 0.9183397445 x 1.1
    lesson.input(x=0.0)
    assert "**It does not change it**" in lesson.answers()


def test_the_inputs_are_kept_from_step_to_step() -> None:
    lesson = Lesson(NEURON).input(x=2.0)
    lesson.press("Next: The graph that PyTorch keeps")
    assert lesson.number("autograd_x") == 2.0
    lesson.press("Back")
    assert lesson.number("autograd_x") == 2.0


def test_backward_goes_through_the_graph_step_by_step() -> None:
    lesson = Lesson(GRAPH)
    assert "gradient of 1" in lesson.words()
    lesson.page.slider(key="autograd_visited_6").set_value(2)
    words = lesson.run().words()
    assert "`SigmoidBackward0` has received -1.0889 at a and sends on:" in words
    assert "to z: received -1.0889 × local derivative 0.0750 = **-0.0817**" in words
    assert "visited 2 of 6" in "".join(lesson.alts())
    lesson.page.slider(key="autograd_visited_6").set_value(6)
    assert "`AccumulateGrad` adds **-0.0898** to `w.grad`" in lesson.run().words()


def test_the_same_neuron_twice_is_offered_after_the_guess() -> None:
    lesson = Lesson(GRAPH)
    assert "autograd_expr" not in lesson.page.session_state
    lesson.answer(GRAPH).pick("expr", "the same neuron twice")
    assert lesson.page.slider(key="autograd_visited_9").value == 0
    assert len(lesson.charts()[0]["data"][3]["text"]) == 9


def test_the_tangent_and_its_factors_follow_w() -> None:
    lesson = Lesson(TANGENT).answer(TANGENT)
    assert "Loss at w = 2.2: 0.0852, w.grad = -0.0898" in "".join(lesson.alts())
    assert "dL/da -1.0889 times da/dz 0.0750 times dz/dw 1.1000 is -0.0898" in "".join(lesson.alts())
    lesson.slide("autograd_w", -4.0)
    # a = sigmoid(-4.4) = 0.01213, (a - 1) x = -1.0867
    assert "w.grad = -1.0867" in "".join(lesson.alts())
    assert "at $w = -4$, where $a = 0.0121$" in lesson.words()
    factors = lesson.charts()[1]["data"][0]["marker"]["size"]
    assert factors[0] > factors[1], "a steep loss and a flat sigmoid"


def test_the_slider_s_w_is_the_input_of_the_other_steps_and_the_other_way_round() -> None:
    lesson = Lesson(TANGENT).answer(TANGENT).slide("autograd_w", 1.5)
    lesson.press("Back")
    assert lesson.number("autograd_w") == 1.5
    lesson.input(w=-0.72).press("Next: Drag the weight").answer(TANGENT)
    assert lesson.slider("autograd_w") == -0.7


def test_without_a_measurement_the_work_is_compared_and_explore_linked() -> None:
    lesson = Lesson(WHY).answer(WHY)
    assert "163{,}009{,}537" in lesson.formulas()
    # 163,009,537 passes of 131.3 GFLOP (B=2, T=256), against three
    assert "finite differences 21.4 EFLOP, autograd 394.0 GFLOP" in "".join(lesson.alts())
    assert "Build and time it on Explore" in [link.proto.label for link in lesson.page.get("page_link")]


@pytest.mark.parametrize(
    ("forward_s", "duration", "unit"),
    [(0.5, "2.58 years", "years"), (0.01, "18.9 days", "days"), (0.0001, "4.53 hours", "hours")],
)
def test_with_a_measurement_the_time_is_told(
    monkeypatch: pytest.MonkeyPatch, forward_s: float, duration: str, unit: str
) -> None:
    monkeypatch.setattr(costs, "measured_passes", lambda model, run: (forward_s, 2 * forward_s))
    lesson = Lesson(WHY).answer(WHY, unit)
    assert f"**{duration}**: 163,009,537 forward passes" in lesson.page.success[0].value
    assert "54.3 M times less" in lesson.answers()  # P / 3
    lesson.answer(WHY, "seconds")
    assert len(lesson.page.info) == 1


def test_a_measurement_on_explore_is_what_the_lesson_computes_with() -> None:
    # the preset class-0.1m: 108,352 parameters
    small = {"vocab_size": "65", "context_length": "64", "emb_dim": "64", "n_heads": "4", "n_layers": "2"}
    visit = Visit(**small)
    visit.press("Build and time it").until(lambda: "Measured: really run here" in visit.words())
    lesson = Lesson(WHY, **small).answer(WHY, "years")
    job = workers.queue().find(
        ModelConfig(vocab_size=65, context_length=64, emb_dim=64, n_heads=4, n_layers=2), RunConfig()
    )
    assert job is not None
    result = job.snapshot().result
    assert isinstance(result, Measured)
    bill = gradient_bill(job.model, job.run, there(result.forward_s).median, there(result.backward_s).median)
    assert f"{bill.passes:,} forward passes" in lesson.answers()
    assert lesson.charts()[0]["data"][0]["x"] == [bill.differences_s, bill.autograd_s]


def test_the_u_curves_are_drawn_for_both_differences() -> None:
    lesson = Lesson(STEP_SIZE).answer(STEP_SIZE)
    one_sided = lesson.charts()[0]
    assert [line["name"] for line in one_sided["data"]] == ["fp32", "fp64"]
    assert "Smallest error" in lesson.words()
    lesson.pick("sides", "two-sided")
    assert lesson.charts()[0]["layout"]["title"]["text"] == "Error of the two-sided difference for dL/dw"
    assert lesson.charts()[0]["data"][1]["y"] != one_sided["data"][1]["y"]


@pytest.mark.parametrize("rule", texts.RULES)
def test_each_rule_shows_its_code_and_what_it_gave(rule: str) -> None:
    lesson = Lesson(RULES).answer(RULES).pick("rule", rule)
    code, output = lesson.page.code[0].value, lesson.page.code[1].value
    assert code.startswith(f"def {rule}(")
    assert " = " in output


def test_more_backwards_add_more() -> None:
    lesson = Lesson(RULES).answer(RULES)
    assert "2 x backward(): w.grad = tensor(6.)" in lesson.page.code[1].value
    lesson.page.slider(key="autograd_backwards").set_value(4)
    assert "4 x backward(): w.grad = tensor(12.)" in lesson.run().page.code[1].value


def test_the_engine_is_shown_before_and_its_numbers_after_the_guess() -> None:
    lesson = Lesson(ENGINE)
    assert lesson.page.code[0].value.startswith("class Value:")
    assert len(lesson.page.table) == 0
    table = lesson.answer(ENGINE).table()
    assert table["our grad"] == table["torch grad"]
    assert table["ours"][3] == "0.918339744538"  # sigmoid(2.42)


@pytest.mark.parametrize(
    ("step", "key", "words"),
    [
        (CHAIN, "chain", "def chain_rule"),
        (NEURON, "ways", "def by_autograd"),
        (GRAPH, "graph", "def graph"),
        (TANGENT, "tangent", "def loss_curve"),
        (STEP_SIZE, "errors", "def difference_errors"),
        (ENGINE, "neuron", "def neuron"),
    ],
)
def test_the_numbers_and_the_code_are_made_when_they_are_opened(step: int, key: str, words: str) -> None:
    lesson = Lesson(step).answer(step)
    before = len(lesson.page.code)
    lesson.open(f"autograd_more_{key}")
    assert len(lesson.page.code) == before + 1
    assert any(code.value.startswith(words) for code in lesson.page.code)
    if key not in ("ways", "neuron"):
        assert len(lesson.page.dataframe) == 1


def test_the_exercises_are_on_the_learner_s_own_config() -> None:
    lesson = Lesson(EXERCISES, n_layers="24")
    bill = gradient_bill(ModelConfig(n_layers=24), RunConfig())
    lesson.page.text_input(key="exercise_autograd_1").set_value(str(bill.passes))
    assert "a forward and a backward" in lesson.run().answers()
    lesson.page.text_input(key="exercise_autograd_1").set_value(str(bill.differences_flops / bill.autograd_flops))
    assert "Right" in lesson.run().answers()
