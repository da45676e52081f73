import pytest
import torch

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure.inference import time_inference
from llm_explorer.model import GPT, LayerCache, build
from llm_explorer.training import random_batch

MODEL = ModelConfig(vocab_size=100, context_length=16, emb_dim=16, n_heads=2, n_layers=2, drop_rate=0.5)
RUN = RunConfig(batch_size=2)


@pytest.mark.parametrize("run", [RUN, replace(RUN, precision="autocast"), replace(RUN, sequence_length=1)])
def test_all_tokens_at_once_and_the_last_one_after_a_cache_of_the_others(
    run: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt, seen = build(MODEL, run), set()
    tokens = random_batch(MODEL, run)[0]
    forward = GPT.forward

    def noted(self: GPT, tokens: torch.Tensor, cache: list[LayerCache] | None = None) -> torch.Tensor:
        seen.add(
            (tokens.shape[1], cache[0].length if cache else None, self.training, torch.is_inference_mode_enabled())
        )
        return forward(self, tokens, cache)

    monkeypatch.setattr(GPT, "forward", noted)
    prefill, decode = time_inference(gpt, run, tokens, budget_s=0.02, report=lambda *_: None, synchronize=lambda: None)
    length = tokens.shape[1]
    filled = {(length - 1, 0, False, True)} if length > 1 else set()
    assert seen == {(length, None, False, True), (1, length - 1, False, True)} | filled
    assert prefill.n >= 3 <= decode.n
    assert gpt.training
