"""Weights by transformers' names: the same logits as transformers, from its state and from its files."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from llm_explorer.config import ConfigError, ModelConfig, RunConfig, replace
from llm_explorer.formats.hugging_face.reading import import_config
from llm_explorer.model import GPT, build
from llm_explorer.weights import FAMILIES, load_folder, load_transformers_state_dict
from tests.variants import VARIANTS

pytestmark = pytest.mark.usefixtures("one_thread")

LLAMA: dict[str, Any] = {
    "vocab_size": 97, "max_position_embeddings": 32, "hidden_size": 48, "intermediate_size": 80,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
GPT2 = {
    "vocab_size": 97, "n_positions": 32, "n_embd": 48, "n_layer": 2, "n_head": 4, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip
EXPERTS = {"num_experts": 6, "num_experts_per_tok": 3, "moe_intermediate_size": 24, "norm_topk_prob": True}
TWINS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("GPT2", GPT2),
    "llama": ("Llama", LLAMA | {"rope_theta": 500_000.0, "rms_norm_eps": 1e-5}),
    "mistral": ("Mistral", LLAMA | {"sliding_window": 8}),
    "mixtral": ("Mixtral", LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("Qwen2", LLAMA | {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3", LLAMA | {"head_dim": 16}),
    "qwen3_moe": ("Qwen3Moe", LLAMA | EXPERTS | {"head_dim": 16}),
}


def theirs(family: str, **changes: Any) -> Any:
    """transformers' model, every weight of it random, norms and biases too."""
    torch.manual_seed(5)
    name, values = TWINS[family]
    config = getattr(transformers, f"{name}Config")(**(values | changes))
    model = getattr(transformers, f"{name}LMHeadModel" if family == "gpt2" else f"{name}ForCausalLM")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model.eval()


def ours(hf: Any) -> GPT:
    """Our model of the same config, with the same weights."""
    found = import_config(hf.config.to_dict())
    model, _run = found.configs()
    gpt = GPT(model).eval()
    epsilon = getattr(hf.config, "rms_norm_eps", None)
    load_transformers_state_dict(gpt, hf.state_dict(), found.family, norm_epsilon=epsilon)
    return gpt


def random_tokens(*shape: int) -> Tensor:
    return torch.randint(97, shape, generator=torch.Generator().manual_seed(1))


def greedy(gpt: GPT, tokens: Tensor, count: int, *, cached: bool) -> Tensor:
    cache = gpt.new_cache() if cached else None
    new = tokens
    with torch.no_grad():
        for _ in range(count):
            following = gpt(new, cache)[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, following], dim=1)
            new = following if cached else tokens
    return tokens


@pytest.mark.parametrize("family", TWINS)
def test_logits_equal_those_of_transformers(family: str) -> None:
    hf, tokens = theirs(family), random_tokens(3, 32)
    with torch.no_grad():
        expected, found = hf(tokens, use_cache=False).logits, ours(hf)(tokens)
    difference = (found - expected).abs().max().item()
    print(f"{family}: {difference:.1e} of logits up to {expected.abs().max():.1f}")  # noqa: T201
    assert expected.std() > 0.5  # the bound below means something
    assert difference < 1e-4  # measured: at most 9.5e-7, and 0 where the operations are the same


@pytest.mark.parametrize("family", TWINS)
def test_a_saved_folder_writes_the_same_tokens_as_transformers_with_a_cache_and_without(
    family: str, tmp_path: Path
) -> None:
    hf, tokens = theirs(family), random_tokens(1, 5)
    hf.save_pretrained(tmp_path)
    expected = hf.generate(tokens, max_new_tokens=20, do_sample=False, eos_token_id=None, pad_token_id=0)
    gpt = load_folder(tmp_path)
    assert not gpt.training
    assert torch.equal(greedy(gpt, tokens, 20, cached=False), expected)
    assert torch.equal(greedy(gpt, tokens, 20, cached=True), expected)


def test_gpt2_as_openais_weights_were_published_loads_too() -> None:
    """Without the prefix, with the masks that were saved as buffers, without the head."""
    hf, tokens = theirs("gpt2"), random_tokens(1, 9)
    published = {name.removeprefix("transformer."): tensor for name, tensor in hf.state_dict().items()}
    del published["lm_head.weight"]
    published["h.0.attn.bias"], published["h.0.attn.masked_bias"] = torch.ones(1, 1, 32, 32), torch.tensor(-1e4)
    gpt = ours(hf)
    expected = gpt(tokens)
    for parameter in gpt.parameters():
        nn.init.zeros_(parameter)
    load_transformers_state_dict(gpt, published, "gpt2")
    assert torch.equal(gpt(tokens), expected)


def test_the_norms_get_the_epsilon_of_the_config(tmp_path: Path) -> None:
    hf = theirs("llama", rms_norm_eps=1e-3)
    hf.save_pretrained(tmp_path)
    gpt = load_folder(tmp_path)
    assert {module.eps for module in gpt.modules() if isinstance(module, nn.RMSNorm)} == {1e-3}
    assert gpt.final_norm.weight.dtype == torch.float32


def refusal(state: dict[str, Tensor], family: str = "llama", model: ModelConfig = VARIANTS["llama"]) -> str:
    gpt = build(model, RunConfig())
    before = gpt.token_embedding.weight.clone()
    with pytest.raises(ValueError) as refused:
        load_transformers_state_dict(gpt, state, family)
    assert torch.equal(gpt.token_embedding.weight, before)  # nothing is copied
    return str(refused.value)


def test_every_tensor_that_does_not_fit_is_named_with_both_shapes() -> None:
    state = dict(theirs("llama").state_dict())
    del state["model.layers.1.mlp.up_proj.weight"]
    state["model.layers.1.mlp.other.weight"] = torch.zeros(3)
    state["model.layers.0.self_attn.k_proj.weight"] = torch.zeros(48, 48)
    assert refusal(state) == (
        "these are not the weights of this llama model: missing: model.layers.1.mlp.up_proj.weight (80, 48); "
        "unexpected: model.layers.1.mlp.other.weight (3,); of another shape: "
        "model.layers.0.self_attn.k_proj.weight (48, 48) where the model has (24, 48)"
    )
    assert re.search(r"missing: (model\S+ \([\d, ]+\), ){4}model\S+ \([\d, ]+\) and 16 more", refusal({}))


def test_another_family_or_another_kind_of_model_is_refused() -> None:
    state = dict(theirs("llama").state_dict())
    assert refusal(state, "t5") == f"weights of the family 't5' are not known; known: {', '.join(FAMILIES)}"
    told = "a model of the family llama has norm=rmsnorm, this one layernorm"
    assert refusal(state, model=VARIANTS["gpt2"]) == told
    told = "a model of the family llama has activation=swiglu, this one geglu"
    assert refusal(state, model=replace(VARIANTS["llama"], activation="geglu")) == told


def test_a_tied_head_that_differs_is_refused() -> None:
    state = dict(theirs("llama").state_dict())
    told = "lm_head.weight differs from the token embedding, but tie_embeddings=True: set it to False"
    assert refusal(state, model=replace(VARIANTS["llama"], tie_embeddings=True)) == told


def test_a_folder_without_safetensors_or_with_half_of_one_is_refused(tmp_path: Path) -> None:
    theirs("gpt2").save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=re.escape("model.safetensors: not a whole safetensors file")):
        load_folder(tmp_path)
    file.rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="files of other kinds are not read, because they can run code"):
        load_folder(tmp_path)


def test_a_folder_in_several_files_is_one_model(tmp_path: Path) -> None:
    hf, tokens = theirs("gpt2"), random_tokens(1, 9)
    hf.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    state = load_file(file)
    file.unlink()
    first = sorted(state)[::2]
    save_file({name: state[name] for name in first}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({name: state[name] for name in state.keys() - set(first)}, tmp_path / "model-00002-of-00002.safetensors")
    assert torch.equal(load_folder(tmp_path)(tokens), ours(hf)(tokens))


def test_a_config_whose_numbers_would_differ_is_refused(tmp_path: Path) -> None:
    rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0}
    theirs("llama", rope_parameters=rope).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="with this config the model here gives other numbers: rope"):
        load_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "unheard_of"}')
    with pytest.raises(ConfigError):
        load_folder(tmp_path)
