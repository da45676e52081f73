"""The model against transformers' GPT-2, published counts, and what a GPT must do."""

import math
import re
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import GPT2Config, GPT2LMHeadModel

from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.model import GPT, build, residual_std
from tests.there import there

pytestmark = pytest.mark.usefixtures("one_thread")

ATTENTIONS = choices("attention")
SMALL = ModelConfig(vocab_size=97, context_length=32, emb_dim=48, n_heads=4, n_layers=3, drop_rate=0.0)
DROPPING = replace(SMALL, drop_rate=0.1)
GPT2: dict[str, Any] = {"tie_embeddings": True, "qkv_bias": True}
HF_NAMES = {
    "token_embedding": "transformer.wte",
    "position_embedding": "transformer.wpe",
    "final_norm": "transformer.ln_f",
    "head": "lm_head",
    "blocks": "transformer.h",
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.up": "mlp.c_fc",
    "mlp.down": "mlp.c_proj",
}
HF_CONV1D = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # kept as (inputs, outputs), nn.Linear's transposed


def parameters_on_meta(config: ModelConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in GPT(config).parameters())


def random_tokens(*shape: int, seed: int = 1) -> Tensor:
    return torch.randint(SMALL.vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def hf_parameter(hf: GPT2LMHeadModel, name: str) -> tuple[Tensor, bool]:
    """transformers' parameter of our name, and whether it is transposed."""
    for ours, theirs in HF_NAMES.items():
        name = re.sub(rf"(^|\.){re.escape(ours)}\.", rf"\1{theirs}.", name)
    return hf.get_parameter(name), name.endswith(HF_CONV1D)


def twins(config: ModelConfig, hf_attention: str, **options: Any) -> tuple[GPT, GPT2LMHeadModel]:
    """Our model and transformers' with the same weights, every one of them random, norms and biases too."""
    torch.manual_seed(5)
    gpt = GPT(config, **options)
    kernel: dict[str, Any] = {"attn_implementation": hf_attention}
    hf_config = GPT2Config(
        vocab_size=config.vocab_size,
        n_positions=config.context_length,
        n_embd=config.emb_dim,
        n_layer=config.n_layers,
        n_head=config.n_heads,
        n_inner=config.feed_forward_dim,
        bos_token_id=0,
        eos_token_id=0,
        tie_word_embeddings=config.tie_embeddings,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
        **kernel,
    )
    hf = GPT2LMHeadModel(hf_config)
    with torch.no_grad():
        for layer in range(config.n_layers):
            # stays so where our config has no qkv bias
            hf.get_parameter(f"transformer.h.{layer}.attn.c_attn.bias").zero_()
        for name, parameter in gpt.named_parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
            theirs, transposed = hf_parameter(hf, name)
            theirs.copy_(parameter.T if transposed else parameter)
    return gpt, hf


@pytest.mark.parametrize("changes", [GPT2, {}, {"hidden_dim": 80}], ids=["gpt2", "book", "narrow mlp"])
@pytest.mark.parametrize("hf_attention", ["eager", "sdpa"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_logits_and_every_gradient_equal_those_of_transformers(
    changes: dict[str, Any], hf_attention: str, attention: Any
) -> None:
    gpt, hf = twins(replace(SMALL, **changes), hf_attention, attention=attention)
    tokens, targets = random_tokens(2, 32), random_tokens(2, 32, seed=2)
    ours, theirs = gpt(tokens), hf(tokens).logits
    assert theirs.std() > 0.5  # the bound below means something
    assert (ours - theirs).abs().max() < 1e-5  # measured: 1.7e-6
    gpt.loss(tokens, targets).backward()
    torch.nn.functional.cross_entropy(theirs.flatten(0, 1), targets.flatten()).backward()
    for name, parameter in gpt.named_parameters():
        hf_gradient, transposed = hf_parameter(hf, name)
        expected = there(hf_gradient.grad).T if transposed else there(hf_gradient.grad)
        # by norm: a sum in another order moves the entries that are nearly zero; measured: 9.5e-7
        assert (there(parameter.grad) - expected).norm() < 5e-6 * expected.norm(), name


def test_logits_equal_those_of_transformers_at_the_size_of_gpt2_small() -> None:
    config = ModelConfig(vocab_size=97, drop_rate=0.0, **GPT2)  # a smaller vocabulary: the head is the same sum
    gpt, hf = twins(config, "sdpa")
    tokens = random_tokens(1, 64)
    with torch.no_grad():
        ours, theirs = gpt(tokens), hf(tokens).logits
    assert theirs.std() > 0.5
    assert (ours - theirs).abs().max() < 1e-4  # measured: 2.5e-5; with all 50,257 tokens and T=256 4.8e-5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 163_009_536),  # the book, chapter 4: "Total number of parameters: 163,009,536"
        ({"tie_embeddings": True}, 124_412_160),  # the book, chapter 4, without the output layer
        (GPT2, 124_439_808),  # transformers' GPT2LMHeadModel(GPT2Config()), below
        # GPT-3 175B, table 2.1 of arXiv 2005.14165: V D + C D + L (12 D^2 + 13 D) + 2 D
        (GPT2 | {"context_length": 2048, "emb_dim": 12288, "n_heads": 96, "n_layers": 96}, 174_604_259_328),
    ],
)
def test_parameter_counts_are_the_published_ones(changes: dict[str, Any], expected: int) -> None:
    assert parameters_on_meta(ModelConfig(**changes)) == expected


def test_parameter_count_of_gpt2_is_that_of_transformers() -> None:
    with torch.device("meta"):
        hf = GPT2LMHeadModel(GPT2Config())
    assert parameters_on_meta(ModelConfig(**GPT2)) == sum(parameter.numel() for parameter in hf.parameters())


def test_bias_false_drops_the_biases_of_projections_and_mlp_only() -> None:
    config = replace(SMALL, qkv_bias=True, bias=False)
    with torch.device("meta"):
        names = {name for name, _ in GPT(config).named_parameters() if name.startswith("blocks.0") and "bias" in name}
    assert names == {f"blocks.0.{part}.bias" for part in ("attention_norm", "attention.qkv", "mlp_norm")}


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_later_token_changes_no_earlier_logit(attention: Any, checkpointing: bool) -> None:
    gpt = GPT(SMALL, attention=attention, checkpointing=checkpointing)
    tokens = random_tokens(2, 20)
    changed = tokens.clone()
    changed[:, 12] = (changed[:, 12] + 1) % SMALL.vocab_size
    before, after = gpt(tokens), gpt(changed)
    assert torch.equal(before[:, :12], after[:, :12])
    assert (before[:, 12:] != after[:, 12:]).any(dim=-1).all()


def test_sdpa_and_materialized_attention_agree() -> None:
    run = RunConfig()
    tokens = random_tokens(2, 32)
    sdpa, materialized = (build(SMALL, replace(run, attention=attention))(tokens) for attention in ATTENTIONS)
    torch.testing.assert_close(sdpa, materialized, rtol=0, atol=1e-6)  # measured: 1.8e-7
    assert not torch.equal(sdpa, materialized)  # two kernels, not one twice


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_dropout_acts_in_training_only_and_repeats_with_the_seed(attention: Any) -> None:
    tokens = random_tokens(2, 32)

    def training_logits(seed: int) -> Tensor:
        logits: Tensor = build(DROPPING, RunConfig(seed=seed, attention=attention))(tokens)
        return logits

    gpt = build(DROPPING, RunConfig(attention=attention))
    assert not torch.equal(gpt(tokens), gpt(tokens))
    gpt.eval()
    assert torch.equal(gpt(tokens), gpt(tokens))
    assert torch.equal(gpt(tokens), build(SMALL, RunConfig(attention=attention))(tokens))
    assert torch.equal(training_logits(7), training_logits(7))
    assert not torch.equal(training_logits(7), training_logits(8))


class Operations(TorchDispatchMode):
    """Collects (operation, result) of everything torch runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ran: list[tuple[str, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.ran.append((func.overloadpacket._qualified_op_name.removeprefix("aten::"), result))
        return result

    def results(self, name: str) -> list[Any]:
        return [result for operation, result in self.ran if operation == name]


@pytest.mark.parametrize("attention", ATTENTIONS)  # a CPU's SDPA with dropout falls back to plain operations
def test_dropout_acts_everywhere_gpt2_has_it(attention: Any) -> None:
    gpt = GPT(DROPPING, attention=attention)
    with Operations() as operations:
        gpt(random_tokens(1, 8))
    # after the embeddings, and in each layer: attention weights, attention projection, MLP
    assert len(operations.results("bernoulli_")) == 1 + 3 * DROPPING.n_layers


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_no_dropout_costs_nothing(attention: Any) -> None:
    gpt = GPT(SMALL, attention=attention)
    with Operations() as operations:
        gpt(random_tokens(1, 8))
    assert operations.results("bernoulli_") == []
    assert operations.results("native_dropout") == []


def test_query_key_and_value_are_views_of_one_product() -> None:
    gpt = GPT(replace(SMALL, n_layers=1))
    with Operations() as operations:
        gpt(random_tokens(2, 8))
    assert len(operations.results("_scaled_dot_product_flash_attention_for_cpu")) == 1
    assert operations.results("clone") == []
    assert operations.results("_to_copy") == []


@pytest.mark.parametrize("precision", choices("precision"))
@pytest.mark.parametrize("tied", [False, True])
def test_weights_are_made_once_and_in_their_own_dtype(precision: Any, tied: bool) -> None:
    config = replace(SMALL, tie_embeddings=tied)
    with Operations() as operations:
        gpt = build(config, RunConfig(precision=precision))
    on_cpu = [tensor for tensor in operations.results("empty") if tensor.device.type == "cpu"]
    assert sum(tensor.numel() for tensor in on_cpu) == sum(parameter.numel() for parameter in gpt.parameters())
    dtype = torch.bfloat16 if precision.startswith("bfloat16") else torch.float32
    assert {tensor.dtype for tensor in on_cpu} == {dtype}
    drawn = [tensor for tensor in operations.results("normal_") if tensor.device.type == "cpu"]
    assert len(drawn) == sum(parameter.dim() == 2 for parameter in gpt.parameters())
    # LayerNorm's ones, all biases' zeros, nn.Parameter's view; no uniform_ of nn.Linear's own, no copy, no conversion
    assert {name for name, _ in operations.ran} == {"empty", "normal_", "fill_", "zero_", "detach"}


def test_initial_weights_have_the_standard_deviations_of_gpt2() -> None:
    config = ModelConfig(vocab_size=1000, context_length=256, emb_dim=256, n_heads=4, n_layers=8, qkv_bias=True)
    assert residual_std(config) == pytest.approx(0.005)  # 0.02 / sqrt(2 x 8), GPT-2 paper, section 2.3
    for name, parameter in build(config, RunConfig()).named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            std = 0.005 if name.endswith(("projection.weight", "down.weight")) else 0.02
            # five standard errors, std / sqrt(2 n); every one drawn from a fixed seed
            assert abs(parameter.std().item() - std) < 5 * std / math.sqrt(2 * parameter.numel()), name
            assert abs(parameter.mean().item()) < 5 * std / math.sqrt(parameter.numel()), name


def test_an_untrained_model_guesses_evenly() -> None:
    loss = build(SMALL, RunConfig()).loss(random_tokens(8, 32), random_tokens(8, 32, seed=2))
    assert loss.item() == pytest.approx(math.log(97), abs=0.05)


@pytest.mark.parametrize("drop_rate", [0.0, 0.1])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_checkpointing_changes_neither_loss_nor_gradients(drop_rate: float, attention: Any) -> None:
    config = replace(SMALL, drop_rate=drop_rate)
    tokens, targets = random_tokens(2, 32), random_tokens(2, 32, seed=2)

    def loss_and_gradients(checkpointing: bool) -> tuple[Tensor, list[Tensor | None]]:
        gpt = build(config, RunConfig(attention=attention, checkpointing=checkpointing))
        loss = gpt.loss(tokens, targets)
        loss.backward()
        return loss, [parameter.grad for parameter in gpt.parameters()]

    torch.testing.assert_close(loss_and_gradients(True), loss_and_gradients(False), rtol=0, atol=0)


def test_checkpointing_runs_each_block_twice() -> None:
    gpt = build(SMALL, RunConfig(checkpointing=True))
    with Operations() as operations:
        gpt.loss(random_tokens(2, 32), random_tokens(2, 32)).backward()
    assert len(operations.results("gelu")) == 2 * SMALL.n_layers


def test_a_tied_head_is_the_token_embedding_itself() -> None:
    gpt = build(replace(SMALL, tie_embeddings=True), RunConfig())
    assert gpt.head.weight is gpt.token_embedding.weight
    assert gpt.head.weight.device.type == "cpu"
    untied = build(SMALL, RunConfig())
    assert untied.head.weight.data_ptr() != untied.token_embedding.weight.data_ptr()


def test_a_sequence_longer_than_the_context_is_refused_with_both_numbers() -> None:
    message = (
        "a sequence of 33 tokens is longer than context_length=32: "
        "pass at most 32 tokens, or build the model with a longer context"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GPT(SMALL)(random_tokens(1, 33))
    assert GPT(SMALL)(random_tokens(1, 32)).shape == (1, 32, 97)


def test_build_repeats_with_the_seed_and_leaves_the_default_dtype_alone() -> None:
    first, again, other = (build(SMALL, RunConfig(precision="bfloat16", seed=seed)) for seed in (3, 3, 4))
    assert torch.get_default_dtype() is torch.float32
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_build_leaves_the_default_dtype_alone_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(torch.nn.init, "normal_", out_of_memory)
    with pytest.raises(MemoryError):
        build(SMALL, RunConfig(precision="bfloat16"))
    assert torch.get_default_dtype() is torch.float32


def test_build_on_meta_takes_no_memory() -> None:
    gpt = build(ModelConfig(n_layers=2), RunConfig(device="meta", precision="bfloat16"))
    assert {(parameter.device.type, parameter.dtype) for parameter in gpt.parameters()} == {("meta", torch.bfloat16)}


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("pieces", [[1] * 12, [5, 1, 1, 5], [12]])
def test_with_a_cache_the_logits_are_those_of_all_tokens_at_once(attention: Any, pieces: list[int]) -> None:
    gpt = GPT(SMALL, attention=attention)
    tokens = random_tokens(2, 12)
    cache = gpt.new_cache()
    with torch.no_grad():
        parts = [gpt(piece, cache) for piece in tokens.split(pieces, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), gpt(tokens), rtol=0, atol=1e-5)
    assert cache[0].length == 12


def test_a_cache_that_is_full_is_told() -> None:
    gpt = GPT(SMALL)
    cache = gpt.new_cache()
    gpt(random_tokens(1, SMALL.context_length), cache)
    with pytest.raises(ValueError, match="33 tokens is longer than context_length=32"):
        gpt(random_tokens(1, 1), cache)
