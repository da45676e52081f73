"""The KV cache, by hand."""

import pytest
import torch

from llm_explorer.accounting.kv_cache import kv_bytes_per_token, kv_cache_bytes, kv_cache_rows
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.model import GPT
from tests.variants import VARIANTS

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
    memory = count_memory(BOOK, ONE, "cpu")
    assert memory.kv_cache_bytes == 72 * 1024**2
    assert memory.inference_bytes == 163_009_536 * 4 + 72 * 1024**2


# bytes a token in bf16: configs of Hugging Face, 2 L K H x 2 bytes
@pytest.mark.parametrize(
    ("layers", "kv_heads", "head_dim", "per_token"),
    [(32, 8, 128, 131_072), (80, 8, 128, 327_680), (16, 8, 64, 32_768), (26, 4, 256, 106_496)],
    ids=["llama-3-8b", "llama-3-70b", "llama-3.2-1b", "gemma-2-2b"],
)
def test_grouped_heads_keep_less(layers: int, kv_heads: int, head_dim: int, per_token: int) -> None:
    model = ModelConfig(n_layers=layers, n_heads=64, n_kv_heads=kv_heads, head_dim=head_dim, context_length=1000)
    run = replace(ONE, precision="bfloat16")
    assert kv_bytes_per_token(model, run) == per_token
    assert kv_cache_bytes(model, run) == 1000 * per_token
    assert kv_cache_bytes(model, run, positions=10) == 10 * per_token


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    # Gemma 3 27B at its 131,072 positions, bf16: 10.41 GiB, where a cache without windows takes 62
    gemma = ModelConfig(
        n_layers=62, n_heads=32, n_kv_heads=16, head_dim=128, context_length=131_072, sliding_window=1024,
        full_attention_every=6,
    )  # fmt: skip
    run = replace(ONE, precision="bfloat16")
    every, few = kv_cache_rows(gemma, run)
    assert (every.repeats, few.repeats) == (10, 52)
    assert round(kv_cache_bytes(gemma, run) / 1024**3, 2) == 10.41
    assert kv_cache_bytes(gemma, run, positions=1024) == 1024 * kv_bytes_per_token(gemma, run)
    assert kv_cache_bytes(replace(gemma, sliding_window=None, full_attention_every=None), run) == 62 * 1024**3


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen3"])
def test_it_is_what_the_model_s_own_cache_holds(name: str) -> None:
    model = replace(VARIANTS[name], drop_rate=0.0)
    gpt = GPT(model).eval()
    cache = gpt.new_cache()
    with torch.no_grad():
        gpt(torch.zeros(1, 4, dtype=torch.int64), cache)
    held = sum(each._keys.nbytes + each._values.nbytes for each in cache)
    assert held == kv_cache_bytes(model, ONE)
