"""What every kind of job has: how it tells, how it fails, and the settings of the run it is about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llm_explorer.config import Bf16Products, Precision
from llm_explorer.measure.result import Status

Message = dict[str, Any]
Tell = Callable[[Message], None]  # an event of this job


class JobError(Exception):
    """A job that cannot be done; the message is a sentence for the visitor."""

    def __init__(self, reason: str, status: Status = "failed") -> None:
        super().__init__(reason)
        self.status = status


@contextmanager
def run_settings(precision: Precision, device: str, bf16_products: Bf16Products, threads: int) -> Iterator[None]:
    """With so many threads, and where the processor has no instructions for bf16 products with the faster ones."""
    import torch

    from llm_explorer.measure.bf16_on_old_cpus import fast_products

    torch.set_num_threads(threads)
    with fast_products(precision, device, bf16_products):
        yield


def reporter(tell: Tell) -> Callable[[str, float | None, str], None]:
    """What a measurement calls to say how far it is."""
    return lambda phase, fraction, text: tell({"event": "progress", "phase": phase, "fraction": fraction, "text": text})
