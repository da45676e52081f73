"""What the lesson computes, and the runs it shows."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import torch

from llm_explorer.config import ModelConfig
from llm_explorer.lessons.pretraining import reading_and_writing as lesson
from llm_explorer.lessons.pretraining import recorded
from llm_explorer.pretraining import train
from llm_explorer.pretraining.plan import Plan, snapshot_steps
from tests.there import there

NAMES = ("pretraining", "finetuning", "dropout_0", "dropout_20")


def test_the_targets_are_the_text_moved_on_by_one() -> None:
    read: dict[str, Any] = lesson.read_along("the value")
    assert "".join(read["input"]) == "the valu"
    assert "".join(read["target"]) == "he value"
    assert len(read["trained"]) == len(read["untrained"]) == 8


def test_the_trained_model_has_learnt_and_the_untrained_guesses() -> None:
    read: dict[str, Any] = lesson.read_along("the value of the expression")
    trained, untrained = (-sum(map(math.log, read[name])) / 26 for name in ("trained", "untrained"))
    assert untrained == pytest.approx(math.log(lesson.model("")[0].config.vocab_size), rel=0.03)
    assert trained < 1.2


def test_the_loss_read_along_is_torch_s_cross_entropy() -> None:
    gpt, tokenizer = lesson.model("")
    tokens = torch.tensor(tokenizer.encode("def f(x):"))
    found = -torch.tensor(lesson.probability_of(gpt, tokens[:-1], tokens[1:])).log().mean()
    with torch.no_grad():
        assert found.item() == pytest.approx(gpt.loss(tokens[None, :-1], tokens[None, 1:]).item(), rel=1e-5)


@pytest.mark.parametrize("text", ["", "x", "x" * 41])
def test_a_text_too_short_or_too_long_to_read_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=f"The text has {len(text)} characters; from 2 to 40"):
        lesson.read_along(text)


def test_what_is_drawn_from_differs_from_what_the_model_says_by_temperature_and_top_k() -> None:
    same: dict[str, Any] = lesson.next_characters("The s", 1.0, 0)
    assert same["plain"] == pytest.approx(same["drawn"])
    two: dict[str, Any] = lesson.next_characters("The s", 1.0, 2)
    assert two["drawn"][2:] == [0] * 6
    assert sum(two["drawn"]) == pytest.approx(1)
    assert lesson.next_characters("The s", 0.5, 0)["drawn"][0] > same["plain"][0]


def test_the_model_writes_three_samples_the_same_for_a_seed() -> None:
    first = lesson.write("The s", 1.0, 0, 1)
    assert [len(written) for written in first] == [40] * 3
    assert len(set(first)) == 3
    assert first == lesson.write("The s", 1.0, 0, 1)
    assert first != lesson.write("The s", 1.0, 0, 2)
    assert lesson.write("The s", 2.0, 1, 1) == lesson.write("The s", 0.1, 1, 2) == [first_of_greedy()] * 3


def first_of_greedy() -> str:
    """What taking the likeliest character again and again writes."""
    gpt, tokenizer = lesson.model("")
    tokens = tokenizer.encode("The s")
    for _ in range(40):
        with torch.no_grad():
            tokens.append(int(gpt(torch.tensor([tokens]))[0, -1].argmax()))
    return tokenizer.decode(tokens[5:])


def test_characters_it_has_never_seen_are_read_as_unknown() -> None:
    assert len(lesson.write("日本語", 1.0, 0, 0)[0]) == 40


def test_nothing_to_go_on_with_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        lesson.write("", 1.0, 0, 0)


def test_a_learner_s_own_model_can_write_too(tmp_path: Path) -> None:
    model = ModelConfig(context_length=16, emb_dim=16, n_heads=2, n_layers=1)
    list(train(Plan("abc" * 1000, model, "abc", steps=60, warm_up=5, peak_rate=1e-2), tmp_path))
    assert lesson.write("abc", 1.0, 1, 0, str(tmp_path)) == [("abc" * 14)[:40]] * 3


def test_a_model_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no longer kept"):
        lesson.write("abc", 1.0, 1, 0, str(tmp_path / "gone"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_is_whole_dated_and_small(name: str) -> None:
    run = recorded.load(name)
    assert [snapshot.step for snapshot in run.snapshots] == snapshot_steps(run.steps)
    assert date(2026, 11, 1) <= date.fromisoformat(run.recorded)
    assert "PyTorch" in run.machine
    assert run.parameters == pytest.approx(110_000, rel=0.05)
    file = recorded.FOLDER / f"{name}.json"
    assert file.stat().st_size < 300_000
    assert "NaN" not in file.read_text(encoding="utf-8")


def test_the_recorded_model_is_the_end_of_the_recorded_run() -> None:
    run = recorded.load("pretraining")
    last = run.snapshots[-1].next
    found: dict[str, Any] = lesson.next_characters(run.probe, 1.0, 0)
    # half precision moves a probability by less than a hundredth
    assert found["plain"] == pytest.approx([value for _, value in last], abs=0.01)
    assert found["characters"][0] == last[0][0]


def test_the_recorded_runs_show_what_the_lesson_says_of_them() -> None:
    first, last = (recorded.load("finetuning").snapshots[place] for place in (0, -1))
    assert last.validation_loss < first.validation_loss - 0.5
    assert there(last.old_loss) > there(first.old_loss) + 0.5
    plain, dropped = (recorded.load(name).snapshots[-1] for name in ("dropout_0", "dropout_20"))
    assert plain.training_loss < dropped.training_loss - 0.3
    assert plain.validation_loss > dropped.validation_loss + 0.3
    norms = [norm for each in recorded.load("pretraining").snapshots for norm in each.curve.gradient_norm]
    assert sum(norm > 1 for norm in norms) > 0.5 * len(norms), "clipping happens in most steps"
