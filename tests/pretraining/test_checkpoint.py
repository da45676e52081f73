import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from llm_explorer.pretraining import load_trained, train
from llm_explorer.pretraining.checkpoint import WEIGHTS, restore
from llm_explorer.pretraining.loop import Trainer
from llm_explorer.pretraining.plan import Plan


def test_the_trained_model_can_be_taken_away_with_its_config_and_vocabulary(plan: Plan, tmp_path: Path) -> None:
    list(train(plan, tmp_path))
    with safe_open(tmp_path / WEIGHTS, "pt") as file:
        told = file.metadata()
    gpt, tokenizer = load_trained(tmp_path)
    assert told["step"] == str(plan.steps)
    assert json.loads(told["config"]) == gpt.config.model_dump()
    assert gpt.config.vocab_size == len(tokenizer) == len(told["characters"])
    assert gpt.head.weight is gpt.token_embedding.weight
    assert not gpt.training


def test_a_state_is_the_weights_and_both_states_of_the_optimizer(plan: Plan, tmp_path: Path) -> None:
    saved = Trainer(plan)
    for _ in range(3):
        saved.advance()
    saved.save(tmp_path)
    fresh = Trainer(plan)
    assert restore(tmp_path, fresh.gpt, fresh.optimizer) == (3, saved.seconds)
    for ours, theirs in zip(fresh.gpt.parameters(), saved.gpt.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        for name in ("exp_avg", "exp_avg_sq", "step"):
            assert torch.equal(fresh.optimizer.state[ours][name], saved.optimizer.state[theirs][name])


def test_however_the_process_ends_the_folder_holds_a_whole_state(plan: Plan, tmp_path: Path) -> None:
    trainer = Trainer(plan)
    trainer.advance()
    trainer.save(tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path, kept)
    trainer.advance()
    trainer.save(tmp_path)
    # killed after the optimizer's file was written and before the weights were
    shutil.copy(tmp_path / "optimizer-2.safetensors", kept)
    fresh = Trainer(plan)
    assert restore(kept, fresh.gpt, fresh.optimizer).step == 1
    assert sorted(file.name for file in tmp_path.glob("*.safetensors")) == ["optimizer-2.safetensors", WEIGHTS]


def test_a_model_that_is_not_kept_any_more_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no longer kept"):
        load_trained(tmp_path)
