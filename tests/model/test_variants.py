"""Every block variant: what a language model must do, whatever it is made of."""

import pytest
import torch
from torch import Tensor

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, choices, replace
from llm_explorer.model import GPT, build
from tests.variants import VARIANTS

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = {name: replace(config, drop_rate=0.0) for name, config in VARIANTS.items()}
LENGTH = 24
variants = pytest.mark.parametrize("config", PLAIN.values(), ids=PLAIN)


def random_tokens(*shape: int, seed: int = 1) -> Tensor:
    return torch.randint(97, shape, generator=torch.Generator().manual_seed(seed))


def lively(config: ModelConfig, **run: object) -> GPT:
    """With weights large enough that every layer has its say in the logits."""
    gpt = build(config, RunConfig(**run))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return gpt


def test_the_variants_meet_every_field_and_every_choice() -> None:
    for field, info in ModelConfig.model_fields.items():
        values = {getattr(config, field) for config in VARIANTS.values()}
        wanted = getattr(info.annotation, "__args__", ())
        if any(isinstance(each, str) for each in wanted):
            assert values == set(wanted), field
        elif field not in ("vocab_size", "context_length", "n_heads"):
            assert len(values) > 1, field


@variants
def test_shapes_and_parameters_are_those_that_are_computed(config: ModelConfig) -> None:
    gpt = build(config, RunConfig())
    assert gpt(random_tokens(2, LENGTH)).shape == (2, LENGTH, 97)
    rows = {row.name: (row.shape, row.total) for row in count_parameters(config).rows if row.total}
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    for name, parameter in gpt.named_parameters():
        parts = name.split(".")
        folded = ".".join(["blocks", *parts[2:]]) if parts[0] == "blocks" else name
        found[folded] = tuple(parameter.shape), found.get(folded, ((), 0))[1] + parameter.numel()
    assert found == rows


@variants
@pytest.mark.parametrize("attention", choices("attention"))
def test_a_later_token_changes_no_earlier_logit(config: ModelConfig, attention: str) -> None:
    gpt, tokens = lively(config, attention=attention), random_tokens(2, LENGTH)
    changed = tokens.clone()
    changed[:, 12] = (changed[:, 12] + 1) % 97
    before, after = gpt(tokens), gpt(changed)
    # an expert's product has other rows in it, and may sum them in another order
    torch.testing.assert_close(before[:, :12], after[:, :12], rtol=0, atol=0 if config.n_experts is None else 1e-5)
    assert (before[:, 12] != after[:, 12]).any(dim=-1).all()


@variants
def test_a_token_is_felt_as_far_as_the_windows_reach(config: ModelConfig) -> None:
    """Through L layers as far as L windows; behind that the token is out of sight."""
    gpt, tokens = lively(config), random_tokens(1, LENGTH)
    changed = tokens.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 97
    felt = (gpt(tokens) - gpt(changed)).abs().amax(dim=(0, 2)) > 1e-5
    windows = [config.window(layer) for layer in range(config.n_layers)]
    reach = LENGTH if None in windows else sum(window - 1 for window in windows if window) + 1
    assert felt[:reach].all()
    assert not felt[reach:].any()


@variants
def test_both_kinds_of_attention_agree(config: ModelConfig) -> None:
    tokens = random_tokens(2, LENGTH)
    sdpa, materialized = (lively(config, attention=attention)(tokens) for attention in choices("attention"))
    torch.testing.assert_close(sdpa, materialized, rtol=0, atol=2e-5)


@variants
@pytest.mark.parametrize("attention", choices("attention"))
def test_with_a_cache_the_logits_are_those_of_all_tokens_at_once(config: ModelConfig, attention: str) -> None:
    gpt, tokens = lively(config, attention=attention), random_tokens(2, LENGTH)
    cache = gpt.new_cache()
    with torch.no_grad():
        parts = [gpt(piece, cache) for piece in tokens.split([5, *[1] * 12, 7], dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), gpt(tokens), rtol=0, atol=2e-5)
    assert cache[0]._keys.shape == (2, config.kv_heads, config.context_length, config.head_width)


@variants
def test_greedy_tokens_are_the_same_with_a_cache_and_without(config: ModelConfig) -> None:
    gpt, start = lively(config), random_tokens(2, 3)

    def written(*, cached: bool) -> Tensor:
        cache, tokens, new = gpt.new_cache() if cached else None, start, start
        for _ in range(12):
            following = gpt(new, cache)[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, following], dim=1)
            new = following if cached else tokens
        return tokens

    with torch.no_grad():
        assert torch.equal(written(cached=True), written(cached=False))


@variants
@pytest.mark.parametrize("chunk", [None, 11])
def test_every_parameter_gets_a_gradient_and_chunks_of_the_loss_change_none(
    config: ModelConfig, chunk: int | None
) -> None:
    tokens, targets = random_tokens(4, LENGTH), random_tokens(4, LENGTH, seed=2)
    gpt, again = lively(config), lively(config, checkpointing=True)
    loss, expected = again.loss(tokens, targets, chunk), gpt.loss(tokens, targets)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    for (name, found), whole in zip(again.named_parameters(), gpt.parameters(), strict=True):
        assert found.grad is not None and whole.grad is not None, name  # noqa: PT018
        if "router" in name and config.active_experts == 1:
            assert found.grad.abs().max() < 1e-6  # the share of the only one chosen is 1, whatever the router says
            continue
        assert found.grad.abs().max() > 0, name
        assert (found.grad - whole.grad).norm() < 1e-4 * whole.grad.norm(), name


@variants
@pytest.mark.parametrize("precision", ["autocast", "bfloat16"])
def test_in_bf16_the_loss_is_nearly_that_of_fp32(config: ModelConfig, precision: str) -> None:
    tokens = random_tokens(2, LENGTH)
    expected = build(config, RunConfig()).loss(tokens, tokens)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "autocast"):
        loss = build(config, RunConfig(precision=precision)).loss(tokens, tokens)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(expected.item(), rel=0.02)


@variants
def test_weights_start_as_gpt2s_do(config: ModelConfig) -> None:
    for name, parameter in build(config, RunConfig()).named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            inner = name.removesuffix(".weight").endswith(("projection", "down"))
            std = 0.02 / (2 * config.n_layers) ** 0.5 if inner else 0.02
            assert parameter.std().item() == pytest.approx(std, rel=0.15), name
