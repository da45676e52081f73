"""Mixture of experts without any tokens' choices: fake tensors have no values, so every expert gets as many rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from llm_explorer.model.experts import is_balanced

ASSUMPTION: Final = "balanced routing"


@contextmanager
def balanced_routing() -> Iterator[None]:
    """Within, each of E experts gets B T k / E rows, the first of them one more where that is no whole number.

    Real routers come near it: they are trained to. Memory is the same however rows are spread, but for one thing: an
    expert's own temporary tensors grow with its rows.
    """
    usual = is_balanced.set(True)
    try:
        yield
    finally:
        is_balanced.reset(usual)
