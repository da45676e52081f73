"""Where the peak is, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.peak_words import peak_in_words
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.texts.names import PHASES
from tests.strategies import modern_models, pairs, run_configs
from tests.variants import VARIANTS

BOOK, RUN = ModelConfig(drop_rate=0.0), RunConfig()
SMALL_VOCABULARY = replace(BOOK, vocab_size=65)


@pytest.mark.parametrize(
    ("model", "run", "words"),
    [
        # 4 B T V for log-probabilities, their gradient and that of the logits
        (ModelConfig(), RUN, "at the start of backward, in the loss: three copies of B x T x V in fp32"),
        (
            BOOK,
            replace(RUN, precision="bfloat16", batch_size=16),
            "at the start of backward, in the loss: three copies of B x T x V in bf16",
        ),
        # 12 layers keep two tensors each, the last block's backward has the gradients of both
        (
            SMALL_VOCABULARY,
            replace(RUN, batch_size=16),
            "in the backward pass of the last block: 25 copies of B x T x F in fp32",
        ),
        (BOOK, replace(RUN, batch_size=1, sequence_length=1), "in the backward pass of the embedding: gradients"),
        (
            replace(SMALL_VOCABULARY, drop_rate=0.1, n_layers=1),
            replace(RUN, sequence_length=1024, optimizer="none"),
            "in the backward pass of the last block: four copies of B x N x T² in fp32",
        ),
    ],
)
def test_the_largest_of_what_comes_and_goes_is_named(model: ModelConfig, run: RunConfig, words: str) -> None:
    assert peak_in_words(model, run, "cpu") == words


def test_sizes_that_are_no_simple_product_are_named() -> None:
    wide = replace(VARIANTS["mixtral"], expert_hidden_dim=2000, vocab_size=10)
    run = replace(RUN, batch_size=64, sequence_length=32, optimizer="none")
    assert peak_in_words(wide, run, "cpu") == "in the backward pass of the last block: gate of an expert"


@given(modern_models(), st.data())
def test_every_peak_of_a_modern_model_has_words(model: ModelConfig, data: st.DataObject) -> None:
    assert all(peak_in_words(model, data.draw(run_configs(model)), "cpu").partition(": "))


@given(pairs())
def test_every_peak_has_words(configs: tuple[ModelConfig, RunConfig]) -> None:
    phase, colon, rest = peak_in_words(*configs, "cpu").partition(": ")
    assert phase == PHASES[count_memory(*configs, "cpu").peak_phase]
    assert colon
    assert rest
