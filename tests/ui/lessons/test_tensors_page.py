"""The lesson on tensors, step by step, without a browser."""

import re
from typing import Any

import pytest

from llm_explorer import units
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.texts import tensors as texts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.tensors import grids
from tests.ui.app_visit import LessonVisit

pytestmark = pytest.mark.usefixtures("lessons")
CONTAINERS, DTYPES, STORAGE, PRODUCT, BROADCAST, MODEL, NUMPY, PLAY, EXERCISES = range(1, 10)
GUESSES = {
    "containers": (CONTAINERS, texts.CONTAINERS_GUESS),
    "dtypes": (DTYPES, texts.DTYPES_GUESS),
    "storage": (STORAGE, texts.STORAGE_GUESS),
    "product": (PRODUCT, texts.PRODUCT_GUESS),
    "broadcast": (BROADCAST, texts.BROADCAST_GUESS),
    "numpy": (NUMPY, texts.NUMPY_GUESS),
    "play": (PLAY, texts.PLAY_GUESS),
}
SMALL = {"vocab_size": "65", "context_length": "64", "emb_dim": "64", "n_heads": "4", "n_layers": "2"}


class Lesson(LessonVisit):
    script = "tensors"


def at(key: str, **address: str) -> Lesson:
    step, guess = GUESSES[key]
    return Lesson(step, **address).guess(key, guess.right)


@pytest.mark.parametrize("key", GUESSES)
def test_the_answer_is_told_only_after_a_guess(key: str) -> None:
    step, guess = GUESSES[key]
    visit = Lesson(step)
    assert f"{step} of 9 · " in visit.words()
    assert guess.answer not in visit.raw_words()
    wrong = next(option for option in guess.options if option != guess.right)
    right = guess.options[guess.right]
    assert visit.guess(key, wrong).page.info[0].value == f"The answer is **{right}**. {guess.answer}"
    assert visit.guess(key, guess.right).page.success[0].value == f"Right. {guess.answer}"


@pytest.mark.parametrize("key", [key for key in GUESSES if key != "dtypes"])
def test_every_chart_has_a_text_alternative(key: str) -> None:
    alts = at(key).alts()
    assert alts
    assert all(alts)


@pytest.mark.parametrize("key", GUESSES)
def test_the_code_that_ran_is_shown_when_asked_for(key: str) -> None:
    visit = at(key)
    (name, *_others) = [
        box.label.removeprefix("The code that ran: ") for box in visit.page.expander if "ran" in box.label
    ]
    before = len(visit.codes())
    visit.open(f"tensors_code_{name}")
    assert len(visit.codes()) == before + 1
    assert any(code.startswith(f"def {name}(") for code in visit.codes())


@pytest.mark.parametrize("dimensions", range(5))
def test_each_container_says_where_it_is_found_in_the_model(dimensions: int) -> None:
    visit = Lesson(CONTAINERS, **SMALL, batch_size="3", sequence_length="16")
    visit.pick("container", dimensions)
    expected = ["the loss", "(64,)", "(256, 64)", "(3, 16, 64)", "(3, 4, 16, 16)"][dimensions]
    assert expected in visit.words()


def test_the_dtype_of_a_numpy_array_stands_in_the_table() -> None:
    assert "| `torch.tensor(np.array([1.0, 2.0]))` | `float64` | 8 |" in at("dtypes").raw_words()


@pytest.mark.parametrize(("dtype", "row"), [("int64", "| 2.900000095 | 2 | 2 |"), ("float16", "| 70000 | inf | inf |")])
def test_converting_shows_the_numbers_before_and_after(dtype: str, row: str) -> None:
    visit = at("dtypes").pick("dtype", dtype)
    assert row in visit.raw_words()
    assert texts.TO_NOTES[dtype] in visit.raw_words()


def test_the_story_of_the_strip_transpose_refusal_second_strip() -> None:
    visit = at("storage")
    assert "strides `(4, 1)`" in visit.raw_words()
    visit.press("Transpose: x.T")
    assert "strides `(1, 4)`" in visit.raw_words()
    visit.press("x.view(12,)")
    assert any("view size is not compatible" in code for code in visit.codes())
    assert "`view` never copies" in visit.raw_words()
    assert "x = x.view(12)  # refused" in visit.codes()[-1]
    visit.press("x.reshape(12,)")
    assert "read from strip 2" in visit.alts()[0]
    visit.press("Start over")
    assert "strides `(4, 1)`" in visit.raw_words()


def test_a_batch_of_matrices_is_transposed_by_mt() -> None:
    visit = at("storage").pick("shape", "(2, 2, 3)")
    visit.press("x.view(2, 2, 3)")
    assert texts.BATCH_NOTE in visit.raw_words()
    visit.press("Transpose: x.mT")
    assert "shape `(2, 3, 2)`" in visit.raw_words()


def test_a_number_is_followed_to_its_place() -> None:
    visit = at("storage")
    visit.page.slider(key="tensors_followed").set_value(6)
    visit.run()
    assert r"x[1, 2] is at position $1 \times 4 + 2 \times 1 = 6$" in visit.raw_words()


def test_after_the_last_step_that_is_kept_only_starting_over_is_left() -> None:
    visit = at("storage")
    visit.page.session_state[grids.STEPS] = [["transpose", []]] * grids.MOST_STEPS
    visit.run()
    enabled = {button.label for button in visit.page.button if not button.disabled}
    assert "Start over" in enabled
    assert "Transpose: x.T" not in enabled


def test_the_slider_computes_one_cell_after_another() -> None:
    visit = at("product")
    visit.page.slider(key=grids.DONE).set_value(6)
    visit.run()
    assert "Row 1 times column 1" in visit.words()
    assert "6 of 8" in visit.alts()[0]
    assert "= 48$ FLOPs" in visit.raw_words()  # 8 cells, 3 multiply-adds, 2 each


def test_playing_goes_to_the_last_cell_and_stops() -> None:
    visit = at("product").press("Play")
    seen: list[Any] = [visit.page.slider(key=grids.DONE).value]
    for _ in range(12):
        if "Play" in visit.buttons():
            break
        visit.run()
        seen.append(visit.page.slider(key=grids.DONE).value)
    assert "Play" in visit.buttons()
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (1, 8)


def test_pausing_stops_where_it_is() -> None:
    visit = at("product").press("Play").press("Pause")
    done = visit.page.slider(key=grids.DONE).value
    visit.run()
    assert visit.page.slider(key=grids.DONE).value == done


def test_new_numbers_are_new() -> None:
    visit = at("product")
    before = visit.alts()[0]
    assert visit.press("New numbers").alts()[0] != before


def test_shapes_that_do_not_fit_are_refused_in_torchs_words_and_ours() -> None:
    visit = at("product").pick("b_shape", "(4, 3)")
    assert any("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x3)" in code for code in visit.codes())
    assert "In our words: Each row of the left one" in visit.words()


@pytest.mark.parametrize("pair", grids.PAIRS)
def test_each_pair_of_shapes_is_added_or_refused(pair: str) -> None:
    visit = at("broadcast")
    visit.page.selectbox(key="tensors_pair").set_value(pair)
    visit.run()
    refused = pair == "refused"
    assert len(visit.page.get("plotly_chart")) == (0 if refused else 1)
    assert ("must match the size of tensor" in "\n".join(visit.codes())) == refused


@pytest.mark.parametrize(
    ("address", "share"),
    [
        ({}, "under_1%"),
        ({"emb_dim": "2", "n_heads": "1", "vocab_size": "2"}, "1_to_10%"),
        ({"emb_dim": "2", "n_heads": "1", "vocab_size": "2", "context_length": "2"}, "over_10%"),
    ],
)
def test_the_share_of_biases_is_that_of_the_model(address: dict[str, str], share: str) -> None:
    visit = Lesson(MODEL, **address).guess("model", share)
    assert visit.page.success[0].value.startswith("Right.")


def test_the_tensors_of_the_model_are_listed_and_their_bytes_agree() -> None:
    visit = Lesson(MODEL, **SMALL).guess("model", "none")
    model = ModelConfig(vocab_size=65, context_length=64, emb_dim=64, n_heads=4, n_layers=2)
    counted = units.exact(count_memory(model, RunConfig(), "cpu").parameters_bytes)
    assert re.search(rf"{counted} bytes of weights and biases\. .* {counted} bytes\.", visit.words())
    table = visit.page.dataframe[0].value
    assert [*table["tensor"][:2]] == ["tokens", "targets"]
    parameters = (table["bytes of one"] * table["how many"])[2:].sum() // 4
    assert parameters == count_parameters(model).total


@pytest.mark.parametrize(("bridge", "told"), [("t.numpy()", "the same memory"), ("torch.tensor(a)", "two memories")])
def test_what_is_shared_is_told(bridge: str, told: str) -> None:
    visit = at("numpy").pick("bridge", bridge).pick("into", "tensor")
    assert told in visit.words()
    assert "t[0] = 9" in visit.words()


def test_the_product_is_timed_on_a_button_and_again_on_the_next_press(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    real = lesson.ask

    def note(name: str, function: str, **inputs: Any) -> Any:
        asked.append((function, inputs))
        return real(name, function, **inputs)

    monkeypatch.setattr(lesson, "ask", note)
    visit = at("numpy").pick("size", 32)
    assert "Measured" not in visit.words()
    visit.press("Time it")
    assert "10 products each, in turn" in visit.words()
    visit.press("Time it")
    seeds = {inputs["seed"] for function, inputs in asked if function == "time_products"}
    assert len(seeds) == 2


def test_the_playground_runs_what_the_guess_asked() -> None:
    visit = at("play")
    assert visit.alts()[0] == "x = [1, 4, 2, 5, 3, 6]"
    assert any("x.reshape(6)  # a new strip" in code for code in visit.codes())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("[[1, 2], [3]]", "all items of a list must have the same shape"),
        ("__import__('os').system('true')", "nothing in it is run"),
        ("[**bold** <b>]", "is not read"),
        ("", "Type a tensor"),
    ],
)
def test_what_is_typed_wrongly_is_told_in_words_and_the_page_goes_on(typed: str, told: str) -> None:
    visit = at("play")
    visit.page.text_input(key="tensors_x").set_value(typed)
    visit.run()
    assert told in visit.words()
    assert "Next: Exercises" in visit.buttons()


def test_what_torch_refuses_in_the_playground_is_told_twice() -> None:
    visit = at("play")
    visit.page.multiselect(key="tensors_operations").set_value([".T", ".view(shape)"])
    visit.run()
    assert any("view size is not compatible" in code for code in visit.codes())
    assert "In our words: `view` never copies" in visit.raw_words()


def test_a_tall_tensor_is_written_instead_of_drawn() -> None:
    visit = at("play")
    visit.page.text_input(key="tensors_x").set_value("[1,2,3,4,5,6,7,8]")
    visit.page.text_input(key="tensors_new_shape").set_value("8, 1")
    visit.run()
    assert visit.page.get("plotly_chart") == []
    assert "[[1], [2], [3], [4], [5], [6], [7], [8]]" in visit.codes()


def test_the_exercises_are_on_the_config_of_the_visit() -> None:
    visit = Lesson(EXERCISES, **SMALL)
    visit.page.text_input(key="exercise_tensors_1").set_value(f"{65 * 64 * 4} B")
    visit.run()
    assert visit.page.success[0].value.startswith("Right")


def test_there_is_nothing_after_the_last_step() -> None:
    assert not [label for label in Lesson(EXERCISES).buttons() if label.startswith("Next")]
