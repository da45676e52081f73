"""The exercises' answers against torch, and the slips that are named."""

from typing import Any

import pytest
import torch
from hypothesis import given

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.exercises.concepts import bytes_of_training, exercises, one_more_layer, vocabulary_tables
from llm_explorer.exercises.judge import judge
from llm_explorer.model import GPT, build
from llm_explorer.training import TrainingStep, random_batch
from tests.strategies import model_configs, pairs


def on_meta(model: ModelConfig) -> GPT:
    with torch.device("meta"):
        return GPT(model)


def test_the_answers_for_the_book_s_gpt2_small() -> None:
    # a block of 7,085,568 and tables of 2 x 38,597,376: the book, chapter 4; 16 bytes for each of 163,009,536
    # parameters, and AdamW's step counts
    layer, tables, training = exercises(ModelConfig(), RunConfig())
    assert layer.answer == 7_085_568
    assert tables.answer == 77_194_752
    assert training.answer == pytest.approx(16 * 163_009_536, rel=1e-6)


@given(model_configs())
def test_a_layer_is_what_torch_has_more_with_one_more(model: ModelConfig) -> None:
    deeper = on_meta(replace(model, n_layers=model.n_layers + 1))
    more = sum(p.numel() for p in deeper.parameters()) - sum(p.numel() for p in on_meta(model).parameters())
    assert one_more_layer(model).answer == more


@given(model_configs())
def test_the_tables_are_those_of_torch_and_counted_once_when_tied(model: ModelConfig) -> None:
    gpt = on_meta(model)
    tables = {id(weight): weight.numel() for weight in (gpt.token_embedding.weight, gpt.head.weight)}
    assert vocabulary_tables(model).answer == sum(tables.values())


@pytest.mark.parametrize("tied", [False, True])
def test_the_bytes_are_those_of_torch_after_a_step(tied: bool) -> None:
    model = ModelConfig(vocab_size=65, context_length=16, emb_dim=24, n_heads=2, n_layers=2, tie_embeddings=tied)
    run = RunConfig()
    gpt = build(model, run)
    step = TrainingStep(gpt, run)
    tokens, targets = random_batch(model, run)
    step([(tokens, targets)])
    step.backward(step.forward(tokens, targets))  # the gradients of the step that follows
    assert step.optimizer is not None
    states = [value for state in step.optimizer.state.values() for value in state.values()]
    tensors = [*gpt.parameters(), *(weight.grad for weight in gpt.parameters()), *states]
    assert bytes_of_training(model, run).answer == sum(tensor.nbytes for tensor in tensors)


@given(pairs())
def test_every_answer_is_right_on_any_config(configs: tuple[ModelConfig, RunConfig]) -> None:
    for exercise in exercises(*configs):
        assert judge(exercise, str(exercise.answer)).correct
        assert exercise.answer > 0
        assert exercise.slips


@pytest.mark.parametrize(
    ("number", "typed", "words"),
    [
        (0, "2.36 M", "attention alone"),
        (0, "4.72M", "feed-forward layer alone"),
        (0, "85 M", "all 12 layers"),
        (1, "38.6 M", "one of the two"),
        (1, "77.98M", "Right"),  # with the positions it is 78.0 M: within 2%, as it should be for so small a part
        (2, "621.8 MiB", "you forgot the gradients and Adam's two states"),
        (2, "1243.7 MiB", "you forgot Adam's two states"),
        (2, "1.82 GiB", "Adam has two states"),
        (2, "2.43 GiB", "Right"),
    ],
)
def test_the_usual_slips_are_named(number: int, typed: str, words: str) -> None:
    assert words in judge(exercises(ModelConfig(), RunConfig())[number], typed).message


def test_a_tied_head_that_is_counted_twice_is_named() -> None:
    tied = ModelConfig(tie_embeddings=True)
    assert judge(vocabulary_tables(tied), "38.6 M").correct
    assert "counted once" in judge(vocabulary_tables(tied), "77.2 M").message


@pytest.mark.parametrize("change", [{"precision": "bfloat16"}, {"optimizer": "sgd"}, {"accumulation": 3}])
def test_the_bytes_are_asked_in_fp32_with_adamw_whatever_the_run(change: dict[str, Any]) -> None:
    usual = bytes_of_training(ModelConfig(), RunConfig()).answer
    assert bytes_of_training(ModelConfig(), RunConfig(**change)).answer == usual
    assert usual > 15 * count_parameters(ModelConfig()).total
