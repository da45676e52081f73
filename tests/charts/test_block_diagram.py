"""The drawing shows what the config says, and only that."""

import pytest

from llm_explorer.charts.block_diagram import ACTIVATIONS, MOST_CELLS, NORMS, block_diagram, parts_in_words
from llm_explorer.config import ModelConfig, replace
from tests.variants import VARIANTS


def words_of(model: ModelConfig) -> list[str]:
    return [words.text for words in block_diagram("title", model).layout.annotations]


def cells_of(model: ModelConfig) -> list[int]:
    """The cells of each row of heads or experts, from the top."""
    rows: dict[float, int] = {}
    for shape in block_diagram("title", model).layout.shapes:
        if shape.type == "path" and shape.path.endswith("Z"):
            top = float(shape.path.split()[1].partition(",")[2])
            rows[top] = rows.get(top, 0) + shape.path.count("Z")
    return [rows[top] for top in sorted(rows)]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_module_of_the_config_is_drawn_and_no_other(name: str) -> None:
    model = VARIANTS[name]
    drawn = " ".join(words_of(model))
    expected = {
        "position_embedding": model.positions == "learned",
        "RoPE": model.positions == "rope",
        "query_norm": model.qk_norm != "none",
        "attention_norm": model.norm_place != "post",
        "attention_post_norm": model.norm_place != "pre",
        "mlp_norm": model.norm_place != "post" and model.residual != "parallel_one_norm",
        "mlp_post_norm": model.norm_place != "pre",
        "router": model.n_experts is not None,
        "gate, ": model.is_gated,
        "sees the last": model.sliding_window is not None,
        "scores kept within": model.attention_softcap is not None,
        "logits kept within": model.logit_softcap is not None,
        "once more": model.tie_embeddings,
    }
    assert {words: words in drawn for words in expected} == expected
    assert NORMS[model.norm] in drawn
    assert ACTIVATIONS[model.activation] in drawn


@pytest.mark.parametrize("name", VARIANTS)
def test_there_is_a_sum_for_each_addition_to_the_residual_stream(name: str) -> None:
    model = VARIANTS[name]
    _heads, sums = block_diagram("title", model).data
    assert len(sums.x) == (2 if model.residual == "sequential" else 1)


def test_heads_and_experts_are_drawn_one_by_one_up_to_a_number() -> None:
    assert cells_of(VARIANTS["llama"]) == [4, 2, 2]
    assert cells_of(VARIANTS["qwen3_moe"]) == [4, 2, 2, 6]
    assert cells_of(VARIANTS["shared experts"]) == [4, 2, 2, 4, 2]
    assert cells_of(ModelConfig(emb_dim=65_536, n_heads=65_536)) == [MOST_CELLS] * 3


def test_sizes_change_the_words_and_not_the_height() -> None:
    small, large = ModelConfig(), ModelConfig(emb_dim=12_288, n_heads=96, n_layers=96, vocab_size=10_000_000)
    assert block_diagram("", small).layout.height == block_diagram("", large).layout.height
    assert "768 → 2,304" in words_of(small)
    assert "12,288 → 36,864" in words_of(large)
    assert "block <b>× 96</b>" in words_of(large)


@pytest.mark.parametrize(("every", "told"), [(2, "2nd"), (3, "3rd"), (6, "6th"), (11, "11th"), (21, "21st")])
def test_which_layers_have_no_window_is_told(every: int, told: str) -> None:
    model = ModelConfig(sliding_window=512, full_attention_every=every)
    assert f"sees the last 512, every {told} layer all" in words_of(model)


def test_the_drawing_can_be_read_aloud() -> None:
    assert parts_in_words(VARIANTS["mixtral"]) == (
        "2 blocks of attention, feed-forward; RMSNorm (pre); 4 heads of queries on 2 of keys and values; "
        "rotary positions; 2 of 4 experts; SiLU(gate) × up"
    )
    assert "side by side" in parts_in_words(VARIANTS["gpt_neox"])
    assert "no positions" in parts_in_words(replace(ModelConfig(), positions="none"))
