"""How large a trace will be, told before: never far from what it is, and what is too large is told what would do."""

import re
from typing import Any

import pytest

from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.presets import PRESETS
from llm_explorer.tracing import trace as traces
from llm_explorer.tracing.gpt import TraceableGPT
from llm_explorer.tracing.recording import Recording, record
from llm_explorer.tracing.size import Size, refusal, size_of

SMALL = ModelConfig(vocab_size=50, context_length=16, emb_dim=16, n_heads=4, n_layers=2)
MODERN = replace(SMALL, norm="rmsnorm", activation="swiglu", positions="rope")
EXPERTS = replace(SMALL, n_experts=40)
GATED = replace(EXPERTS, activation="swiglu")


@pytest.mark.parametrize("layers", [1, 4, 30])
@pytest.mark.parametrize("model", [SMALL, MODERN, EXPERTS, GATED])
@pytest.mark.parametrize(
    "run",
    [
        {},
        {"checkpointing": True},
        {"precision": "autocast", "accumulation": 2},
        {"accumulation": 5, "loss_chunk": 4},
        {"optimizer_implementation": "for_loop", "precision": "bfloat16_master", "checkpointing": True},
    ],
)
def test_the_operations_are_about_those_that_are_run(
    layers: int, model: ModelConfig, run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = replace(model, n_layers=layers), RunConfig(batch_size=1, **run)
    counted: list[int] = []

    def counting(*step: Any) -> Recording:
        made = record(*step)
        counted.append(sum(section.length for section in made.sections))
        return made

    monkeypatch.setattr(traces, "record", counting)
    traces.record_from_few(TraceableGPT(model, asked))
    assert 0.75 < size_of(model, asked).operations / sum(counted) < 2


def test_a_pattern_of_windows_is_run_at_the_depths_of_the_pattern() -> None:
    model = replace(SMALL, n_layers=100, sliding_window=4)
    alike, pattern = size_of(model, RunConfig()), size_of(replace(model, full_attention_every=20), RunConfig())
    assert pattern.operations > 15 * alike.operations


@pytest.mark.parametrize("hosted", ["0", "1"])
def test_no_preset_is_too_large(hosted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_HOSTED", hosted)
    most = Size(limits().trace_operations, limits().resident_memory())
    assert [refusal(preset.model, preset.run, most) for preset in PRESETS] == [None] * len(PRESETS)


@pytest.mark.parametrize(
    ("changes", "accumulation"),
    [
        ({"n_experts": 4096, "n_layers": 4}, 1),
        ({"n_experts": 4096, "n_active_experts": 4096, "n_layers": 10_000}, 3),
        ({"sliding_window": 4, "full_attention_every": 1999, "n_layers": 10_000}, 1),
        ({"sliding_window": 4, "full_attention_every": 500, "n_layers": 10_000, "n_experts": 4096}, 60_000),
    ],
)
def test_what_is_too_large_is_told_what_would_do(changes: dict[str, Any], accumulation: int) -> None:
    model, run, most = (
        replace(SMALL, **changes),
        RunConfig(batch_size=1, accumulation=accumulation),
        Size(40_000, 10**8),
    )
    sentence = refusal(model, run, most)
    assert sentence is not None
    ways = dict(re.findall(r"(\w+)=(\d+)", sentence))
    assert ways
    assert refusal(replace(model, **{field: int(value) for field, value in ways.items()}), run, most) is None
    assert f"about {size_of(model, run).operations:,} operations" in sentence
    assert "40,000 and 95.4 MiB are allowed here" in sentence
