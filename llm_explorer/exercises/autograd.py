"""What a gradient costs with autograd and without, and three exercises on it."""

from typing import NamedTuple

from llm_explorer import units
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.judge import Exercise, Slip


class GradientBill(NamedTuple):
    """One gradient of all parameters, by one-sided finite differences and by autograd, on one micro-batch.

    ``passes`` are the forward passes of finite differences. Seconds are None where a pass was not timed.
    """

    passes: int
    differences_flops: int
    autograd_flops: int
    differences_s: float | None
    autograd_s: float | None


def gradient_bill(
    model: ModelConfig, run: RunConfig, forward_s: float | None = None, backward_s: float | None = None
) -> GradientBill:
    """Count it, and time it where the seconds of one forward and one backward pass are known.

    >>> bill = gradient_bill(ModelConfig(), RunConfig(), forward_s=1.0, backward_s=2.0)
    >>> bill.passes, bill.differences_s, bill.autograd_s
    (163009537, 163009537.0, 3.0)
    """
    passes = count_parameters(model).total + 1
    flops = count_flops(model, run)
    return GradientBill(
        passes=passes,
        differences_flops=passes * flops.forward,
        autograd_flops=flops.forward + flops.backward,
        differences_s=None if forward_s is None else passes * forward_s,
        autograd_s=None if forward_s is None or backward_s is None else forward_s + backward_s,
    )


def exercises(model: ModelConfig, run: RunConfig) -> tuple[Exercise, ...]:
    """Work of finite differences against autograd, FLOPs of backward, bytes of ``.grad``."""
    return _ratio(model, run), _backward(model, run), _grad_bytes(model, run)


def _ratio(model: ModelConfig, run: RunConfig) -> Exercise:
    bill = gradient_bill(model, run)
    ratio = bill.differences_flops / bill.autograd_flops
    return Exercise(
        "In FLOPs, how many times as much work is one gradient of your model by one-sided finite differences, "
        "$(L(w + h) - L(w)) / h$ for each parameter, as by autograd?",
        ratio,
        "values",
        (
            Slip(bill.passes, "That compares with a single forward pass; autograd needs a forward and a backward"),
            Slip(bill.passes / 2, "Backward is worth about two forward passes, but the forward before it counts too"),
            Slip(2 * ratio, "That is the two-sided difference: the one-sided shares $L(w)$ among all parameters"),
        ),
        f"{units.exact(bill.passes)} forward passes against one forward and one backward",
    )


def _backward(model: ModelConfig, run: RunConfig) -> Exercise:
    flops = count_flops(model, run)
    repeats = " With checkpointing most of forward is done again as well" if run.checkpointing else ""
    return Exercise(
        f"One forward pass of your model on B={run.batch_size}, T={run.sequence(model)} takes "
        f"{units.flops(flops.forward)}. How many FLOPs does its backward pass take?",
        flops.backward,
        "FLOPs",
        (
            Slip(flops.forward, "Backward does more: each matrix product needs two, one for each of its factors"),
            Slip(flops.forward + flops.backward, "That is forward and backward together"),
            Slip(
                flops.forward * count_parameters(model).total,
                "That is finite differences: autograd does not repeat the work for each parameter",
            ),
        ),
        "Two products for each one of forward: the gradient of the input and that of the weight." + repeats,
    )


def _grad_bytes(model: ModelConfig, run: RunConfig) -> Exercise:
    memory, parameters = count_memory(model, run, "cpu"), count_parameters(model).total
    each = memory.gradients_bytes // parameters
    other = 2 if each == 4 else 4
    return Exercise(
        f"After `backward()`, every parameter of your model has its `.grad`, in the precision of your run "
        f"({run.precision}). How much memory do they take together?",
        memory.gradients_bytes,
        "bytes",
        (
            Slip(parameters, f"That is the number of gradients; each takes {each} bytes"),
            Slip(other * parameters, f"Here a gradient is stored in {each} bytes, as its parameter is"),
            Slip(memory.gradients_bytes + memory.parameters_bytes, "That is the parameters and their gradients"),
            Slip(
                memory.parameters_bytes + memory.gradients_bytes + memory.optimizer_bytes,
                "That is all that is kept between steps and more: parameters, gradients and the optimizer's state",
            ),
        ),
        f"{each} bytes for each of {units.exact(parameters)} parameters: a gradient has its tensor's shape and type",
    )
