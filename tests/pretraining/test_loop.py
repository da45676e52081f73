import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor

from llm_explorer.config import RunConfig, replace
from llm_explorer.model import build
from llm_explorer.pretraining import checkpoint, evaluate, loop, train
from llm_explorer.pretraining.checkpoint import load_trained
from llm_explorer.pretraining.loop import draw_batch, learn, pieces
from llm_explorer.pretraining.plan import Plan, snapshot_steps
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.pretraining.text import Tokenizer, corpus, split
from llm_explorer.texts import pretraining as texts
from llm_explorer.training import TrainingStep


def losses(snapshots: list[TrainingSnapshot]) -> list[tuple[float, float]]:
    return [(snapshot.training_loss, snapshot.validation_loss) for snapshot in snapshots]


def curve(snapshots: list[TrainingSnapshot], name: str = "loss") -> list[float]:
    return [value for snapshot in snapshots for value in getattr(snapshot.curve, name)]


def test_a_run_starts_at_blind_guessing_and_learns(plan: Plan) -> None:
    snapshots = list(train(plan))
    assert [snapshot.step for snapshot in snapshots] == snapshot_steps(plan.steps)
    vocabulary = len(Tokenizer.of(split(plan.text)[0]))
    assert snapshots[0].validation_loss == pytest.approx(math.log(vocabulary), rel=0.02)
    assert snapshots[-1].validation_loss < 0.75 * snapshots[0].validation_loss


def test_a_snapshot_is_plain_data_with_heads_that_look_back_only(plan: Plan) -> None:
    last = list(train(plan))[-1]
    assert TrainingSnapshot.model_validate_json(last.model_dump_json()) == last
    layers, heads = plan.model.n_layers, plan.model.n_heads
    assert [len(layer) for layer in last.heads] == [heads] * layers
    for head in (head for layer in last.heads for head in layer):
        assert [len(row) for row in head] == list(range(1, len(plan.probe) + 1))
        assert all(sum(row) == pytest.approx(100, abs=len(row)) for row in head)  # each rounded by at most a half
    assert len(last.sample) == loop.SAMPLE_CHARACTERS
    values = [value for _, value in last.next]
    assert values == sorted(values, reverse=True)
    assert 0 < sum(values) <= 1


def test_the_curve_has_the_planned_learning_rates_and_every_step(plan: Plan) -> None:
    snapshots = list(train(plan))
    assert curve(snapshots, "step") == list(range(1, plan.steps + 1))
    assert max(curve(snapshots, "learning_rate")) == plan.peak_rate
    assert min(curve(snapshots, "gradient_norm")) > 0


def test_the_same_plan_gives_the_same_numbers_and_another_seed_others(plan: Plan) -> None:
    short = plan._replace(steps=6)
    first, again, other = (curve(list(train(each))) for each in (short, short, short._replace(seed=1)))
    assert first == again
    assert first != other


@pytest.mark.parametrize("stops_after", [1, 9, 20])
def test_a_run_that_was_interrupted_goes_on_exactly_as_if_it_had_not_been(
    plan: Plan, tmp_path: Path, stops_after: int
) -> None:
    whole = list(train(plan))
    run = train(plan, tmp_path)
    before = [next(run) for _ in range(stops_after)]
    run.send(None)  # the state of the last one told is kept, the one after is told and lost with the process
    run.close()
    after = list(train(plan, tmp_path, resume=True))
    assert after[0].step == whole[stops_after].step
    together = before + after
    assert losses(together) == losses(whole)
    assert curve(together) == curve(whole)
    assert [snapshot.sample for snapshot in together] == [snapshot.sample for snapshot in whole]
    assert after[-1].seconds > before[-1].seconds


FULL = "Error while serializing: I/O error: No space left on device (os error 28)"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SafetensorError(FULL), texts.DISK_FULL),
        (OSError(28, "No space left on device"), texts.DISK_FULL),
        (OSError(13, "Permission denied"), texts.NOT_WRITTEN),
    ],
)
def test_a_disk_that_is_full_is_told_and_the_run_goes_on(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    told: list[str] = []
    real, folder = checkpoint.save, tmp_path / "run"
    folder.mkdir()

    def save(folder: Path, *state: Any) -> None:
        if any(folder.iterdir()):  # the second time
            raise error
        real(folder, *state)

    monkeypatch.setattr(checkpoint, "save", save)
    assert losses(list(train(plan, folder, on_unkept=told.append))) == losses(list(train(plan)))
    assert told == [words]
    assert not folder.exists(), "weights of an earlier step would be taken for the last ones"
    folder.mkdir()
    with pytest.raises(type(error)):
        list(train(plan, folder))


def test_to_go_on_without_a_state_is_refused_in_words(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no longer kept"):
        next(train(plan, tmp_path, resume=True))


def test_targets_are_the_tokens_moved_on_by_one() -> None:
    tokens = torch.arange(100)
    inputs, targets = draw_batch(tokens, 4, 10)
    assert inputs.shape == targets.shape == (4, 10)
    assert torch.equal(targets, inputs + 1)


def test_every_piece_can_be_drawn_up_to_the_last_token() -> None:
    torch.manual_seed(0)
    inputs, targets = draw_batch(torch.arange(12), 500, 10)
    assert (inputs.min().item(), targets.max().item()) == (0, 11)


def parameters(gpt: torch.nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in gpt.parameters()])


def test_one_step_is_what_torch_does_by_hand_with_clipping(plan: Plan) -> None:
    run = RunConfig(batch_size=4, optimizer_implementation="for_loop")
    config = replace(plan.model, vocab_size=30, drop_rate=0.0)
    ours, theirs = build(config, run), build(config, run)
    batch = pieces(torch.arange(300) % 30, torch.tensor([0, 50, 100, 200]), 16)
    loss, norm = learn(TrainingStep(ours, run), batch, 0.01, 0.1)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01)
    expected = torch.nn.functional.cross_entropy(theirs(batch[0]).flatten(0, 1), batch[1].flatten())
    expected.backward()
    gradients = torch.cat([weight.grad.flatten() for weight in theirs.parameters() if weight.grad is not None])
    assert norm == pytest.approx(gradients.norm().item(), rel=1e-5)
    assert norm > 0.1, "nothing is clipped"
    for weight in theirs.parameters():
        assert weight.grad is not None
        weight.grad *= 0.1 / norm
    optimizer.step()
    assert loss == pytest.approx(expected.item())
    assert torch.allclose(parameters(ours), parameters(theirs), atol=2e-5)  # at 1e-6 of clip_grad_norm_'s denominator


def test_the_loss_of_a_text_is_the_mean_over_its_pieces(plan: Plan) -> None:
    gpt = build(replace(plan.model, vocab_size=30, drop_rate=0.0), RunConfig())
    tokens = torch.arange(17) % 30  # one piece of 16, taken 64 times
    by_hand = torch.nn.functional.cross_entropy(gpt(tokens[None, :-1])[0], tokens[1:])
    assert evaluate(gpt, tokens) == pytest.approx(by_hand.item(), abs=1e-4)


def test_a_loss_that_is_no_number_ends_the_run_in_words(plan: Plan) -> None:
    with pytest.raises(ValueError, match="the learning rate is too high"):
        list(train(plan._replace(peak_rate=1e20)))


def test_fine_tuning_starts_from_the_weights_and_the_vocabulary_and_watches_the_old_text(
    plan: Plan, tmp_path: Path
) -> None:
    old = list(train(plan, tmp_path))[-1]
    new_text = "zebra! quiz? fjord: waltz; nymph, " * 100
    tuned = plan._replace(text=new_text, base=str(tmp_path), old_text=plan.text)
    snapshots = list(train(tuned))
    assert snapshots[0].old_loss == old.validation_loss
    assert snapshots[-1].validation_loss < snapshots[0].validation_loss
    assert snapshots[-1].old_loss > snapshots[0].old_loss, "nothing was forgotten"
    assert load_trained(tmp_path)[1].encode("!") == [0]


def test_a_context_shorter_than_the_probe_sees_its_end(plan: Plan) -> None:
    short = plan._replace(model=replace(plan.model, context_length=3), steps=1)
    assert len(list(train(short))[-1].heads[0][0]) == 3


def test_it_learns_words_from_the_manual_of_python() -> None:
    # 1.2 nats under blind guessing (ln 103 = 4.63) after 60 steps: spaces and the letters by their frequency
    from llm_explorer.presets import find

    preset = find("class-0.1m")
    assert preset is not None
    last = list(train(Plan(corpus("python"), preset.model, "The ", steps=60, warm_up=10)))[-1]
    assert last.validation_loss < math.log(103) - 1.2
