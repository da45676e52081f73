"""The loss in chunks, with all chunks left out that are like others: memory is the same, and so few are quick."""

from collections.abc import Iterator
from contextlib import contextmanager

from llm_explorer.loss import chunks, chunks_to_run


@contextmanager
def few_chunks() -> Iterator[None]:
    """Within, a loss in chunks runs over the first, the second and the last: all between are as the second.

    What they add to is there from the start, so it makes no difference to memory that they do not. The loss is wrong.
    """
    usual = chunks_to_run.set(_few)
    try:
        yield
    finally:
        chunks_to_run.reset(usual)


def _few(positions: int, size: int) -> Iterator[slice]:
    second_end = min(2 * size, positions)
    yield from chunks(second_end, size)
    last = (positions - 1) // size * size
    if last >= second_end:
        yield slice(last, positions)
