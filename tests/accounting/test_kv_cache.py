"""The KV cache, by hand."""

import pytest

from llm_explorer.accounting.kv_cache import kv_bytes_per_token, kv_cache_bytes, kv_cache_rows
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, replace

BOOK, ONE = ModelConfig(), RunConfig(batch_size=1)


@pytest.mark.parametrize(("precision", "value_bytes"), [("float32", 4), ("autocast", 2), ("bfloat16", 2)])
def test_gpt2_keeps_keys_and_values_of_every_layer_for_the_whole_context(precision: str, value_bytes: int) -> None:
    (row,) = kv_cache_rows(BOOK, replace(ONE, precision=precision))
    assert row.total == 2 * 12 * 1024 * 768 * value_bytes
    assert row.repeats == 12  # layers


def test_gpt2_in_fp32_takes_72_mebibytes() -> None:
    assert kv_cache_bytes(BOOK, ONE) == 72 * 1024**2


def test_a_llama_2_7b_sized_cache_takes_half_a_mebibyte_a_token() -> None:
    # L=32, D=4096, bf16: 524,288 bytes a token, from the model's published config; 2 L D 2 bytes
    llama_sized = ModelConfig(context_length=4096, emb_dim=4096, n_heads=32, n_layers=32)
    assert kv_cache_bytes(llama_sized, replace(ONE, precision="bfloat16")) == 4096 * 524_288


def test_it_grows_with_the_batch_and_not_with_the_training_sequence() -> None:
    assert kv_cache_bytes(BOOK, replace(ONE, batch_size=3)) == 3 * 72 * 1024**2
    assert kv_cache_rows(BOOK, replace(ONE, sequence_length=7)) == kv_cache_rows(BOOK, ONE)


def test_inference_needs_the_weights_and_the_cache() -> None:
    memory = count_memory(BOOK, ONE)
    assert memory.kv_cache_bytes == 72 * 1024**2
    assert memory.inference_bytes == 163_009_536 * 4 + 72 * 1024**2
