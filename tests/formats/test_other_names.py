"""nanoGPT's and litgpt's names."""

import json
from typing import Any

import pytest

from llm_explorer import formats
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ConfigError, ModelConfig
from llm_explorer.formats.other_names import litgpt, nanogpt
from llm_explorer.presets import find

# litgpt's own table, https://github.com/Lightning-AI/litgpt/blob/main/litgpt/config.py: what differs from its defaults
LLAMA: dict[str, Any] = {
    "rotary_percentage": 1.0, "parallel_residual": False, "bias": False, "norm_class_name": "RMSNorm",
    "mlp_class_name": "LLaMAMLP",
}  # fmt: skip
GEMMA: dict[str, Any] = LLAMA | {
    "mlp_class_name": "GemmaMLP", "gelu_approximate": "tanh", "scale_embeddings": True, "attention_scores_scalar": 256,
    "sliding_window_size": 4096, "sliding_window_indices": [1 if layer % 2 == 0 else 0 for layer in range(26)],
    "post_attention_norm": True, "post_mlp_norm": True, "attention_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
}  # fmt: skip
LITGPT: dict[str, dict[str, Any]] = {
    "pythia-160m": {"block_size": 2048, "n_layer": 12, "n_embd": 768, "n_head": 12, "padding_multiple": 128},
    "pythia-12b": {"block_size": 2048, "n_layer": 36, "n_embd": 5120, "n_head": 40, "rotary_percentage": 0.25},
    "llama-2-7b": LLAMA | {"vocab_size": 32000, "padding_multiple": 64, "n_layer": 32, "intermediate_size": 11008},
    "llama-3-8b": LLAMA | {
        "block_size": 8192, "vocab_size": 128000, "padded_vocab_size": 128256, "n_layer": 32, "n_query_groups": 8,
        "intermediate_size": 14336, "rope_base": 500000,
    },
    "mixtral-8x7b": LLAMA | {
        "padded_vocab_size": 32000, "block_size": 32768, "n_layer": 32, "n_query_groups": 8,
        "mlp_class_name": "LLaMAMoE", "intermediate_size": 14336, "rope_base": 1000000, "n_expert": 8,
        "n_expert_per_token": 2,
    },
    "phi-2": {
        "vocab_size": 50257, "padded_vocab_size": 51200, "block_size": 2048, "n_embd": 2560, "n_layer": 32,
        "rotary_percentage": 0.4, "shared_attention_norm": True, "lm_head_bias": True, "gelu_approximate": "tanh",
    },
    "olmo-2-7b": LLAMA | {
        "vocab_size": 100278, "padded_vocab_size": 100352, "n_layer": 32, "n_query_groups": 32,
        "intermediate_size": 11008, "rope_base": 500000, "norm_qk": True, "norm_qk_type": "olmo2",
        "post_mlp_norm": True, "norm_1": False, "norm_2": False, "post_attention_norm": True,
    },
    "olmo-7b": LLAMA | {
        "name": "OLMo-7B-hf", "padded_vocab_size": 50304, "block_size": 2048, "n_layer": 32,
        "norm_class_name": "LayerNorm", "intermediate_size": 11008,
    },
    "qwen3-8b": LLAMA | {
        "block_size": 40960, "padded_vocab_size": 151936, "n_layer": 36, "n_query_groups": 8,
        "intermediate_size": 12288, "rope_base": 1000000, "norm_qk": True,
    },
    "qwen2.5-7b": LLAMA | {
        "block_size": 131072, "padded_vocab_size": 152064, "n_layer": 28, "n_head": 28, "n_embd": 3584,
        "n_query_groups": 4, "attn_bias": True, "intermediate_size": 18944, "rope_base": 1000000,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LITGPT)
def test_litgpts_configs_are_counted_as_the_presets(name: str) -> None:
    preset = find(name)
    assert preset is not None
    found = formats.read(str(LITGPT[name]))
    assert found.family == "litgpt"
    assert found.model is not None
    assert count_parameters(found.model).total == preset.published
    assert found.model.context_length == preset.model.context_length
    assert found.model.rope_theta == preset.model.rope_theta


def test_litgpts_gemma_2_has_its_windows_and_notes() -> None:
    sizes = {"vocab_size": 256000, "block_size": 8192, "n_embd": 2304, "n_layer": 26, "n_head": 8, "head_size": 256}
    found = litgpt(GEMMA | sizes | {"n_query_groups": 4, "intermediate_size": 9216})
    preset = find("gemma-2-2b")
    assert found.model is not None
    assert preset is not None
    assert [found.model.window(layer) for layer in range(3)] == [4096, None, 4096]
    assert count_parameters(found.model).untied == count_parameters(preset.model).untied
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    ("given", "key", "says"),
    [
        ({"colour": 1}, "colour", "this key is not understood for litgpt"),
        ({"latent_attention": {"q_lora_rank": 8}}, "latent_attention", "not built here"),
        ({"mlp_class_name": "Fancy"}, "mlp_class_name", "known: GptNeoxMLP, LLaMAMLP, GemmaMLP, LLaMAMoE"),
        ({"mlp_class_name": "GemmaMLP", "bias": False}, "gelu_approximate", "with the tanh form only"),
        ({"mlp_class_name": "LLaMAMoE", "n_expert": 8, "n_expert_per_token": 2}, "bias", "experts with biases"),
        ({"n_expert": 8, "n_expert_per_token": 2}, "n_expert", "goes with mlp_class_name=LLaMAMoE only"),
        ({"norm_class_name": "Other"}, "norm_class_name", "known: LayerNorm, RMSNorm"),
        ({"parallel_residual": False, "shared_attention_norm": True}, "shared_attention_norm", "goes with parallel"),
        ({"post_mlp_norm": True}, "norm_1", "are not built here"),
        ({"norm_1": False}, "norm_1", "are not built here"),
        ({"vocab_size": "x"}, "vocab_size", "is not a whole number"),
        ({"n_head": 7}, "n_head", "does not divide emb_dim=4096"),
        ({"n_layer": 4, "sliding_window_size": 8, "sliding_window_indices": [0, 1, 1, 1]}, "sliding_window_indices",
         "every so many layers"),
        ({"n_layer": 4, "sliding_window_size": 8, "sliding_window_indices": [1]}, "sliding_window_indices", "no list"),
    ],
)  # fmt: skip
def test_what_litgpt_says_and_is_not_built_is_refused_by_name(given: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        litgpt({"n_embd": 4096} | given)
    (problem,) = caught.value.problems
    assert problem.field == key
    assert says in problem.message


def test_nanogpts_arguments_are_its_gpt2() -> None:
    # https://github.com/karpathy/nanoGPT/blob/master/transformer_sizing.ipynb: 124,337,664 with vocab 50257, no bias
    text = (
        "dict_of = {'block_size': 1024, 'vocab_size': 50257, 'n_layer': 12, 'n_head': 12, 'n_embd': 768, 'bias': False}"
    )
    model, _ = formats.parse(text)
    assert count_parameters(model).total == 124_337_664
    assert (model.norm, model.activation, model.tie_embeddings) == ("layernorm_no_bias", "gelu", True)
    assert nanogpt({"n_embd": 768}).model == ModelConfig(
        vocab_size=50304, drop_rate=0.0, qkv_bias=True, tie_embeddings=True, activation="gelu"
    )
    assert nanogpt({"n_embd": 768, "dropout": 0.2}).configs()[0].drop_rate == 0.2


@pytest.mark.parametrize(
    ("given", "key"),
    [({"n_embd": 768, "lr": 1}, "lr"), ({"n_embd": 768, "bias": 1}, "bias"), ({"n_embd": 767}, "n_head")],
)
def test_what_nanogpt_does_not_know_is_refused(given: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        nanogpt(given)
    assert [problem.field for problem in caught.value.problems] == [key]


def test_litgpts_json_may_have_values_inside_values() -> None:
    given = {"n_embd": 64, "n_head": 2, "hf_config": {"org": "x"}, "sliding_window_size": 8, "n_layer": 2}
    found = formats.read(json.dumps(given | {"sliding_window_indices": [1, 0], "padding_multiple": 64}))
    assert found.model is not None
    assert [found.model.window(layer) for layer in range(2)] == [8, None]


def test_our_own_names_stay_our_own() -> None:
    assert formats.parse('{"emb_dim": 48}')[0] == ModelConfig(emb_dim=48)
