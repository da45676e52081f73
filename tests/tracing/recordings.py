"""For the tests of the traced tier: random configs deeper than the usual, and when two recordings are the same."""

import numpy as np
from hypothesis import strategies as st

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.tracing.recording import Recording
from tests.strategies import pairs


@st.composite
def traced_pairs(
    draw: st.DrawFn, /, *, layers: st.SearchStrategy[int], **fixed: object
) -> tuple[ModelConfig, RunConfig]:
    """A model of so many layers and a run of it, half of them with a loss in chunks."""
    model, run = draw(pairs(**fixed))
    chunk = draw(st.none() | st.integers(16, 100))
    return replace(model, n_layers=draw(layers)), replace(run, loss_chunk=chunk)


def assert_same(some: Recording, others: Recording) -> None:
    """The same operations, and to the byte the same alive at the end of each, by category."""
    assert without_zeros(some.saved) == without_zeros(others.saved)
    for one, other in zip(some.sections, others.sections, strict=True):
        assert one.phase == other.phase
        assert one.operations == other.operations
        assert one.length == other.length
        np.testing.assert_array_equal(one.alive, other.alive)
        np.testing.assert_array_equal(one.places, other.places)


def without_zeros(saved: dict[str, int]) -> dict[str, int]:
    return {part: size for part, size in saved.items() if size}
