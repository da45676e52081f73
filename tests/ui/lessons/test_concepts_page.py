"""The lesson on the parts of a config, step by step, without a browser."""

import re
from typing import Any

import pytest

from llm_explorer import units
from llm_explorer.accounting.effects import effect_of
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.lessons.concepts import parts as computed
from llm_explorer.measure.result import Result, make_result
from llm_explorer.measure.statistics import Timing
from llm_explorer.presets import PRESETS, find
from llm_explorer.presets.gpt import GPTS
from llm_explorer.texts import concepts as texts
from llm_explorer.ui.lessons.concepts import config_text, effect_matrix, journey, measured_times
from llm_explorer.worker.attempt import Attempt
from llm_explorer.worker.queue import MeasuringQueue
from tests.ui.app_visit import LessonVisit

pytestmark = pytest.mark.usefixtures("lessons")
CARDS = tuple(texts.CARDS)
MATRIX, CONFIG, JOURNEY, EXERCISES = 10, 11, 12, 13
SMALL = {
    "vocab_size": "65",
    "context_length": "64",
    "emb_dim": "64",
    "n_heads": "4",
    "n_layers": "2",
    "drop_rate": "0.0",
    "batch_size": "2",
}


class Lesson(LessonVisit):
    script = "concepts"

    def table(self) -> list[list[str]]:
        """The cells of the first Markdown table."""
        text = next(part.value for part in self.page.markdown if part.value.startswith("|"))
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


@pytest.fixture
def matrix() -> Lesson:
    """Layers marked rightly, heads wrongly in parameters, and nothing else."""
    lesson = Lesson(MATRIX)
    mark(lesson, "n_layers", Parameters="up", Peak="up", FLOPs="up", Time="up")
    mark(lesson, "n_heads", Parameters="up", FLOPs="same")
    lesson.press("Show the real numbers")
    return lesson


def mark(lesson: Lesson, field: str, **directions: str) -> None:
    for measure, direction in directions.items():
        lesson.page.segmented_control(key=f"mark_{field}_{measure}").set_value(direction)


@pytest.mark.parametrize(("number", "name"), [*enumerate(CARDS, 1)])
def test_a_card_tells_its_answer_and_the_published_values_only_after_the_guess(number: int, name: str) -> None:
    card = texts.CARDS[name]
    lesson = Lesson(number)
    assert f"{number} of 13 · {card.title}" in lesson.words()
    assert card.guess.answer not in lesson.raw_words()
    assert len(lesson.charts()) == 1
    wrong = next(option for option in card.guess.options if option != card.guess.right)
    assert lesson.guess(name, wrong).page.info[0].value == card.guess.answer
    assert lesson.guess(name, card.guess.right).page.success[0].value == f"Right. {card.guess.answer}"
    published = lesson.chart(f"{card.title} in published models")
    assert published["data"][-1]["y"] == [texts.OWN]
    assert all(lesson.alts())


@pytest.mark.parametrize(("number", "name"), [*enumerate(CARDS, 1)])
def test_a_card_has_its_numbers_and_the_code_that_ran(number: int, name: str) -> None:
    lesson = Lesson(number)
    assert not lesson.page.code
    lesson.open(f"concepts_more_{name}")
    assert f"def {name}(" in lesson.page.code[0].value
    assert len(lesson.page.dataframe[0].value) >= 1


def test_the_picture_holds_what_the_lesson_computed() -> None:
    lesson = Lesson(CARDS.index("heads") + 1)
    patterns = computed.heads(2, seed=0)["patterns"]
    assert [trace["z"] for trace in lesson.charts()[0]["data"]] == patterns
    lesson.page.select_slider(key="concepts_heads").set_value(4)
    lesson.run()
    assert [trace["z"] for trace in lesson.charts()[0]["data"]] == computed.heads(4, seed=0)["patterns"]


@pytest.mark.parametrize(("number", "name"), [*enumerate(CARDS, 1)])
def test_a_picture_of_an_untrained_model_is_called_noise(number: int, name: str) -> None:
    assert (texts.UNTRAINED in Lesson(number).words()) == (name not in ("dropout", "bias"))


def test_the_seed_of_the_config_is_that_of_the_pictures() -> None:
    drawn = [Lesson(1, set=f"seed={seed}").charts()[0]["data"][0]["y"] for seed in (1, 2)]
    assert drawn == [computed.parameters(seed)["heights"] for seed in (1, 2)]


def test_the_text_of_a_learner_is_shown_and_never_acts() -> None:
    lesson = Lesson(CARDS.index("vocabulary") + 1)
    lesson.page.text_input(key="concepts_text").set_value("<b>$x_1$")
    lesson.run()
    assert "ids: " in lesson.words()
    assert "<b>" not in lesson.raw_words()
    lesson.page.text_input(key="concepts_text").set_value("")
    assert "Type at least one character" in lesson.run().words()


def test_a_text_longer_than_the_context_is_refused_in_the_model_s_words() -> None:
    lesson = Lesson(CARDS.index("context") + 1)
    assert "The model takes 5 tokens" in lesson.words()
    lesson.page.slider(key="concepts_tokens").set_value(9)
    assert "9 tokens is longer than context_length=8" in lesson.run().words()


def test_dropout_of_gpt3_is_not_guessed() -> None:
    lesson = Lesson(CARDS.index("dropout") + 1).guess("dropout", "halved")
    assert [trace["y"][0] for trace in lesson.chart("Dropout in published")["data"]] == [
        texts.FAMILIES["Book"],
        texts.FAMILIES["GPT-2"],
        texts.OWN,
    ]
    assert texts.NOT_STATED in lesson.words()


def test_published_parameters_are_those_that_the_authors_printed_with_their_source() -> None:
    lesson = Lesson(1).guess("parameters", "175B").open("concepts_sources_numbers")
    table = lesson.page.dataframe[0].value
    printed = [preset for preset in PRESETS if preset.published and preset.family in texts.FAMILIES]
    assert sorted(table["model"]) == sorted(preset.title for preset in printed)
    by_title = dict(zip(table["model"], table["source"], strict=True))
    assert all(by_title[preset.title] == preset.source for preset in printed)
    drawn = [value for trace in lesson.chart("published")["data"][:-1] for value in trace["x"]]
    assert sorted(drawn) == sorted(preset.published for preset in printed if preset.published)


def test_nothing_is_told_before_a_mark() -> None:
    lesson = Lesson(MATRIX)
    lesson.press("Show the real numbers")
    assert not [part for part in lesson.page.markdown if part.value.startswith("|")]


def test_the_matrix_tells_the_effects_of_the_core_for_what_was_marked(matrix: Lesson) -> None:
    heads, layers = matrix.table()
    effect = effect_of(ModelConfig(), RunConfig(), "n_layers", 13)
    assert layers[0] == "Layers (L)"
    assert layers[1] == ":material/check: +7.1 M (+4.3%)"
    assert layers[1].split()[1] == f"+{units.count(effect.parameters).split()[0]}"
    assert units.byte_size(effect.peak_bytes) in layers[2]
    assert units.flops(effect.flops) in layers[3]
    assert layers[4] == "unknown"
    assert heads[1] == ":material/close: 0"
    assert heads[2] == heads[4] == texts.NOT_MARKED
    assert heads[3] == ":material/check: 0"
    assert "4 of 5 marks are right" in matrix.words()


@pytest.mark.parametrize("preset", GPTS, ids=lambda preset: preset.name)  # Gemma's vocabulary is the largest step
def test_every_knob_of_every_preset_has_a_step_up(preset: Any) -> None:
    run = preset.run.model_copy(update={"sequence_length": preset.run.sequence(preset.model)})
    for field in effect_matrix.KNOBS:
        after = effect_matrix.one_step_up(field, preset.model, run)
        assert after is not None, field
        assert effect_of(preset.model, run, field, after).parameters >= 0


def test_the_step_of_the_width_is_one_that_the_heads_divide() -> None:
    assert effect_matrix.one_step_up("emb_dim", ModelConfig(), RunConfig()) == 864  # 12 heads of 72
    assert effect_matrix.one_step_up("hidden_dim", ModelConfig(), RunConfig()) == 5 * 768
    assert effect_matrix.one_step_up("batch_size", ModelConfig(), RunConfig()) == 3
    assert effect_matrix.one_step_up("n_layers", ModelConfig(n_layers=10_000), RunConfig()) is None


def test_a_longer_context_alone_does_not_lengthen_the_sequence() -> None:
    lesson = Lesson(MATRIX, **SMALL)  # T follows C up to 256: 64 here, and 128 one step up
    mark(lesson, "context_length", FLOPs="same")
    assert lesson.press("Show the real numbers").table()[0][3] == ":material/check: 0"


def test_a_step_over_the_largest_value_is_told_in_words() -> None:
    lesson = Lesson(MATRIX, batch_size="1048576")
    mark(lesson, "batch_size", Parameters="same")
    assert "is not a whole number from 1 to 1,048,576" in lesson.press("Show the real numbers").words()


def test_the_time_is_that_of_two_measurements() -> None:
    lesson = Lesson(MATRIX, **SMALL)
    mark(lesson, "n_layers", Time="up")
    lesson.press("Show the real numbers")
    assert lesson.table()[0][4] == "unknown"
    lesson.page.button(key="time_n_layers").click()
    lesson.run()
    lesson.until(lambda: lesson.table()[0][4] != "unknown")
    assert re.search(r"[+-][\d.,]+ (µs|ms|s) \([+-]", lesson.table()[0][4])


def test_on_a_busy_server_the_two_measurements_come_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, queue: MeasuringQueue
) -> None:
    def execute(self: Attempt, take_worker: object) -> Result:
        if self.task.run.seed:
            assert self._inbox.get(timeout=30) == {"event": "cancel"}
            return self.cancelled()
        return make_result(
            self.task.model, self.task.run, "ok", step_s={"median": 0.01, "iqr": 0.0, "n": 3, "samples": []}
        )

    monkeypatch.setattr(Attempt, "execute", execute)
    busy = queue.submit(ModelConfig(), RunConfig(seed=1), "another visit")
    lesson = Lesson(MATRIX, **SMALL)
    mark(lesson, "n_layers", Time="up")
    lesson.press("Show the real numbers")
    lesson.page.button(key="time_n_layers").click()
    lesson.run()
    lesson.until(lambda: "Your config: waiting, 1 in the queue" in lesson.words())
    busy.leave("another visit")
    lesson.until(lambda: lesson.table()[0][4] != "unknown")


def test_a_measured_change_within_the_spread_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([Timing(median=median, iqr=0.002, n=3, samples=()) for median in (0.010, 0.011)] * 2)
    monkeypatch.setattr(measured_times, "step_timing", lambda model, run: next(times))
    cell = effect_matrix.real_effects(ModelConfig(), RunConfig(), "n_layers", 13)["Time"]
    assert cell == effect_matrix.Cell("same", "+1 ms (+10.0%), within the spread")


def test_the_config_s_count_is_told_after_the_guess() -> None:
    lesson = Lesson(CONFIG)
    assert "163,009,536" not in lesson.words()
    assert "163,009,536" in lesson.guess("config", "124M").words()


def test_an_edited_config_is_applied_to_the_app_and_the_run_is_kept() -> None:
    lesson = Lesson(CONFIG, batch_size="7")
    edit(lesson, texts.BOOK_CONFIG.replace('"n_layers": 12', '"n_layers": 24'))
    lesson.press("Use it in the whole app")
    assert (lesson.number("n_layers"), lesson.number("batch_size")) == (24, 7)


def test_keys_of_the_run_are_applied_too() -> None:
    lesson = Lesson(CONFIG, batch_size="7")
    edit(lesson, '{"emb_dim": 96, "hidden_dim": 100, "batch_size": 3}')
    lesson.press("Use it in the whole app")
    assert (lesson.number("emb_dim"), lesson.number("batch_size")) == (96, 3)
    assert lesson.page.text_input(key="set").value == "hidden_dim=100"


def edit(lesson: Lesson, text: str) -> Lesson:
    lesson.page.text_area(key="concepts_config").set_value(text)
    lesson.run()
    return lesson


def test_what_is_wrong_is_told_in_words_and_mended_in_the_text() -> None:
    lesson = edit(Lesson(CONFIG), texts.BOOK_CONFIG.replace('"n_heads": 12', '"n_heads": 10'))
    assert "n_heads=10 does not divide emb_dim=768" in lesson.words()
    assert "Use it in the whole app" not in lesson.buttons()
    lesson.press("Write n_heads: 12")
    assert lesson.page.text_area(key="concepts_config").value == texts.BOOK_CONFIG
    assert "Use it in the whole app" in lesson.buttons()


def test_a_context_shorter_than_the_visitor_s_sequence_is_told_and_mended() -> None:
    lesson = edit(Lesson(CONFIG, sequence_length="512"), '{"context_length": 128}')
    assert "sequence_length=512 is longer than context_length=128" in lesson.words()
    lesson.press("Write sequence_length: 128").press("Use it in the whole app")
    assert (lesson.number("context_length"), lesson.number("sequence_length")) == (128, 128)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the end of the text"),
        ("{", "a field's name"),
        ('{"n_layers": __import__("os")}', "a call of __import__"),
        ('{"n_layers": 9**9**9}', "a power"),
        ('{"depth": 3}', "unknown field"),
        ('{"n_layers": "<script>alert(1)</script>"}', "is not a whole number"),
    ],
)
def test_hostile_text_is_a_sentence(text: str, words: str) -> None:
    lesson = edit(Lesson(CONFIG), text)
    assert words in lesson.words()
    assert "<script>" not in lesson.raw_words()


@pytest.mark.parametrize(
    ("text", "field", "value", "expected"),
    [
        ('{"n_heads": 10}', "n_heads", 12, '{"n_heads": 12}'),
        ("{'n_heads' : 10,  # ten\n}", "n_heads", 12, "{'n_heads' : 12,  # ten\n}"),
        ('{"device": "gpu"}', "device", "cpu", '{"device": "cpu"}'),
        ('{"n_heads": 10, "n_heads_": 10}', "n_heads_", 1, '{"n_heads": 10, "n_heads_": 1}'),
        ('{"emb_dim": 10}', "n_heads", 2, '{\n    "n_heads": 2,"emb_dim": 10}'),
    ],
)
def test_one_value_of_the_text_is_changed_and_nothing_else(text: str, field: str, value: Any, expected: str) -> None:
    assert config_text.with_value(text, field, value) == expected


def test_a_run_that_does_not_go_with_the_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="longer than context_length=8"):
        config_text.read('{"context_length": 8}', RunConfig(sequence_length=9))


def test_a_token_travels_through_the_shapes_of_the_visitor_s_config() -> None:
    preset = find("class-10m")
    assert preset is not None
    changed = {field: str(getattr(preset.model, field)) for field in ("vocab_size", "emb_dim", "n_heads", "n_layers")}
    lesson = Lesson(JOURNEY, **changed)
    here = {row[0]: row[2] for row in lesson.table()}
    assert here["Ids"] == "1 × 12"
    assert here["In each block: who looks at whom"] == "1 × 6 × 12 × 12"
    assert here["In each block: up to the hidden size"] == "1 × 12 × 1,536"
    assert here["Logits: a score for each token of the vocabulary"] == "1 × 12 × 65"
    assert here["Blocks, one after another"] == "6"


def test_modern_blocks_have_shapes_of_what_is_in_them() -> None:
    lesson = Lesson(JOURNEY, n_heads="8", emb_dim="512", set="positions=rope n_kv_heads=2 n_experts=4 mlp_bias=false")
    rows = {row[0]: row[1:] for row in lesson.table()}
    assert rows["In each block: query, key and value"] == ["B × T × (N + 2 K) H", "1 × 12 × 768"]
    assert rows["In each block: who looks at whom"] == ["B × N × T × T", "1 × 8 × 12 × 12"]
    assert not {"Position embedding, added", "In each block: up to the hidden size"} & rows.keys()


def test_a_context_shorter_than_the_text_has_shapes_too() -> None:
    lesson = Lesson(JOURNEY, context_length="4")
    assert lesson.table()[0] == ["Ids", "B × T", "1 × 4"]


def test_the_probabilities_are_shown_after_the_guess_and_are_called_noise() -> None:
    lesson = Lesson(JOURNEY)
    stage = lesson.page.segmented_control(key="journey_stage")
    assert journey.PROBABILITIES not in stage.options
    assert "noise" in lesson.words()
    lesson.guess("journey", "equal")
    lesson.page.segmented_control(key="journey_stage").set_value(journey.PROBABILITIES)
    lesson.run()
    shares = lesson.chart("likeliest")["data"][0]["x"]
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("stage", ["block 1", "final norm", "logits"])
def test_every_stage_has_its_picture_and_its_numbers(stage: str) -> None:
    lesson = Lesson(JOURNEY)
    lesson.page.segmented_control(key="journey_stage").set_value(stage)
    lesson.open("concepts_more_journey")
    assert lesson.chart(f"After: {stage}")
    assert "def journey(" in lesson.page.code[0].value


def test_bytes_are_named_as_people_know_them() -> None:
    assert [journey.byte_words(byte) for byte in (97, 32, 10, 200)] == ["a", "space", "byte 10", "byte 200"]


def test_the_exercises_are_about_the_visitor_s_config() -> None:
    lesson = Lesson(EXERCISES, **SMALL)
    model = ModelConfig(vocab_size=65, context_length=64, emb_dim=64, n_heads=4, n_layers=2, drop_rate=0.0)
    assert "D = 64" in lesson.words()
    lesson.page.text_input(key="exercise_concepts_2").set_value(str(2 * 65 * 64))
    assert "Right" in lesson.run().words()
    lesson.page.text_input(key="exercise_concepts_3").set_value(f"{4 * count_parameters(model).total} B")
    assert "Adam's two states" in lesson.run().words()
