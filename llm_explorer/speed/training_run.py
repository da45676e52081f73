"""The decision: does one device train it, in what steps, and how long would a real training run take. Plain numbers."""

from typing import Final, Literal, NamedTuple

from llm_explorer.accounting.fit import DEFAULT_RESERVE, max_batch_size, memory_on_hardware, verdict
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.hardware import Hardware, find

Basis = Literal["assumed", "predicted", "measured"]

# GPT-2 small as nanoGPT trains it: half a million tokens a step (github.com/karpathy/nanoGPT, README, 2026-11).
DEFAULT_STEP_TOKENS: Final = 2**19
DEFAULT_TOKENS: Final = 10**10
# Large runs report 0.30 to 0.46: PaLM (arXiv 2204.02311), table 3.
DEFAULT_MFU: Final = 0.4


class Plan(NamedTuple):
    """A real training run: tokens in all, tokens a step, the share of the peak assumed, the price of an hour."""

    tokens: int = DEFAULT_TOKENS
    step_tokens: int = DEFAULT_STEP_TOKENS
    mfu: float = DEFAULT_MFU
    price_per_hour: float | None = None


class Pace(NamedTuple):
    """Tokens that one device trains on in a second, and how that is known."""

    tokens_per_s: float
    basis: Basis


class Decision(NamedTuple):
    """What became of a plan on one device; None is unknown.

    ``micro_batch``: the largest that leaves free what is to be kept free, 0 where not even one sequence fits; of
    ``batch`` sequences each, ``accumulation`` micro-batches make a step of ``step_tokens``, as near the plan as can be.
    ``devices``: how many hold the training states alone, fully sharded. ``seconds`` and ``price`` are of one device
    doing all the work.
    """

    hardware: Hardware | None
    micro_batch: int | None
    batch: int | None
    accumulation: int | None
    step_tokens: int | None
    states_bytes: int
    bytes_per_parameter: float
    budget_bytes: int | None
    devices: int | None
    pace: Pace | None
    seconds: float | None
    price: float | None


def decide(
    model: ModelConfig, run: RunConfig, plan: Plan, pace: Pace | None, reserve: float = DEFAULT_RESERVE
) -> Decision:
    """Size a step for what the run is sized for, and count the time and the price of the whole plan.

    >>> book = ModelConfig(drop_rate=0.0)
    >>> run = RunConfig(hardware="h100-80gb", precision="bfloat16_master", sequence_length=1024)
    >>> found = decide(book, run, Plan(), assumed_pace(book, run, 0.4))
    >>> found.micro_batch, found.batch, found.accumulation, round(found.seconds / 3600, 1)
    (120, 102, 5, 6.0)
    """
    memory = memory_on_hardware(model, run)
    states = memory.parameters_bytes + memory.gradients_bytes + memory.optimizer_bytes
    judged = verdict(memory.peak_bytes, run.hardware, reserve)
    budget = None if judged.budget_bytes is None else judged.budget_bytes - judged.reserve_bytes
    micro_batch, batch, accumulation = _sized(model, run, plan, budget)
    seconds = None if pace is None else plan.tokens / pace.tokens_per_s
    price = None if seconds is None or plan.price_per_hour is None else seconds / 3600 * plan.price_per_hour
    return Decision(
        hardware=find(run.hardware),
        micro_batch=micro_batch,
        batch=batch,
        accumulation=accumulation,
        step_tokens=batch * accumulation * run.sequence(model) if batch and accumulation else None,
        states_bytes=states,
        bytes_per_parameter=states / count_parameters(model).total,
        budget_bytes=budget,
        devices=-(-states // budget) if budget else None,
        pace=pace,
        seconds=seconds,
        price=price,
    )


def assumed_pace(model: ModelConfig, run: RunConfig, mfu: float) -> Pace | None:
    """A named accelerator at a share of its dense peak; None where that peak is unknown.

    >>> run = RunConfig(hardware="a100-80gb", precision="autocast", sequence_length=1024)
    >>> round(assumed_pace(ModelConfig(), run, 0.4).tokens_per_s)
    146061
    """
    peak = dense_peak(run)
    return None if peak is None else Pace(mfu * peak / model_flops_per_token(model, run), "assumed")


def dense_peak(run: RunConfig) -> float | None:
    """FLOP/s of the named accelerator for the run's products, by its maker; None where unknown, and for no name."""
    hardware = find(run.hardware)
    dtype = "float32" if run.precision == "float32" else "bfloat16"
    return hardware.peak_flops.get(dtype) if hardware else None


def model_flops_per_token(model: ModelConfig, run: RunConfig) -> float:
    """What MFU counts: three forward passes, nothing for what checkpointing repeats (PaLM, arXiv 2204.02311, B)."""
    return 3 * count_flops(model, run).forward / (run.batch_size * run.sequence(model))


def _sized(
    model: ModelConfig, run: RunConfig, plan: Plan, budget: int | None
) -> tuple[int | None, int | None, int | None]:
    """The largest micro-batch, the one to use, and how many of it make a step."""
    if budget is None:
        return None, None, None
    length = run.sequence(model)
    most = max_batch_size(model, replace(run, accumulation=1), budget)
    wanted = max(1, round(plan.step_tokens / length))
    if most >= wanted:
        return most, wanted, 1
    # from the second micro-batch on the gradients of those before are alive all the time
    most = max_batch_size(model, replace(run, accumulation=2), budget)
    if most == 0:
        return 0, None, None
    accumulation = -(-wanted // most)
    return most, round(wanted / accumulation), accumulation
