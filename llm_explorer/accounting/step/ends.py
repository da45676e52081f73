"""What comes before and after the blocks, on a tape: embeddings, the final norm, the head and the loss."""

from typing import Final

from llm_explorer.accounting.kernels import Kernels
from llm_explorer.accounting.rows import Leaf, leaf
from llm_explorer.accounting.step.moments import HEAD_GRADIENT
from llm_explorer.accounting.step.operations import FULL, NOTHING, Torch, copy_of
from llm_explorer.accounting.step.tape import Value
from llm_explorer.accounting.structure import Structure
from llm_explorer.parts import (
    ACTIVATIONS,
    ATTENTION,
    EMBEDDINGS,
    GRADIENTS,
    HEAD,
    LOSS,
    NORMS,
    TEMPORARY,
)

_MASK: Final = "mask of the window"


def kept_by_embeddings(structure: Structure, kernels: Kernels) -> tuple[Leaf, ...]:
    """What is there to the end of backward, beside the first block's input."""
    found = []
    if structure.positions == "learned":
        found.append(("position ids", EMBEDDINGS, "8 * T"))
    if kernels.dropout:
        found.append(("embedding dropout mask", EMBEDDINGS, f"{kernels.mask_bytes('r')} * B * T * D"))
    if structure.positions == "rope":
        found.append(("cosines and sines of positions", ATTENTION, "a * T * J"))
    if _keeps_mask(kernels):
        found.append((_MASK, ATTENTION, "a * T**2"))
    return tuple([leaf(name, ACTIVATIONS, formula, part=part) for name, part, formula in found])


def kept_in_forward(kernels: Kernels) -> tuple[Leaf, ...]:
    """What the forward of all blocks needs, and nothing after it."""
    return (leaf(_MASK, TEMPORARY, "a * T**2"),) if kernels.masked and not _keeps_mask(kernels) else ()


def _keeps_mask(kernels: Kernels) -> bool:
    """Whether backward reads the mask of the window: the fused kernel's does, and a second run."""
    return kernels.masked and (kernels.attention == "flash" or kernels.checkpointing)


def loss(tape: Torch, structure: Structure) -> Value:
    """Final norm, head and cross-entropy of the last block's output."""
    if tape.kernels.chunked:
        return _chunked_cross_entropy(tape, [_hidden(tape, structure)], structure)
    return _cross_entropy(tape, _logits(tape, structure))


def _hidden(tape: Torch, structure: Structure) -> Value:
    x = tape.block_output()
    tape.part = NORMS
    return tape.norm(x, structure.norm, "final norm outputs")


def _logits(tape: Torch, structure: Structure) -> Value:
    hidden = _hidden(tape, structure)
    tape.part = HEAD
    logits = tape.linear(hidden, "head", ("V", "D"), "logits")
    tape.phases[tape.nodes[-1]] = "head backward"
    del hidden
    tape.part = LOSS
    return tape.softcapped(logits, "logits") if structure.logit_softcap else logits


def _cross_entropy(tape: Torch, logits: Value) -> Value:
    """Its log-probabilities are under autocast in fp32."""
    size = "B * T * V", "l"
    read = tape.cast(logits, "l", "logits in fp32") if tape.kernels.autocast else logits
    of_logits, of_values = (f"gradient of {read.name}", *size), ("gradient of log-probabilities", *size)
    made = [("log-probabilities", *size)]
    values = tape.apply([read], [], made, lambda _: (tape.born(*of_logits),), keeps_results=True)[0]
    result = Value("loss", "1", NOTHING)
    tape.apply([values], [values], [], lambda _: (tape.born(*of_values),))
    result.node = tape.nodes[-1]
    tape.phases[result.node] = "loss backward"
    return result


def _chunked_cross_entropy(tape: Torch, given: list[Value], structure: Structure) -> Value:
    """For R positions at a time logits, loss and gradients (see llm_explorer/loss.py)."""
    tape.part = LOSS
    hidden, matrix = given.pop(), None
    if tape.kernels.autocast:
        hidden = tape.cast(hidden, "a", "final norm outputs in bf16")
        matrix = tape.born(copy_of("head"), "V * D", "a")
    of_hidden = tape.born("gradient of the final norm output", "B * T * D", "a")
    half = tape.kernels.precision in ("bfloat16", "bfloat16_master")
    of_weights = tape.born(f"{HEAD_GRADIENT} in fp32" if half else HEAD_GRADIENT, "V * D", FULL)
    _chunk(tape, structure)
    if half:
        of_weights = tape.born(HEAD_GRADIENT, "V * D", "w")
    assert of_weights.storage is not None
    of_weights.storage.entry.component = GRADIENTS
    del matrix
    made = [of_hidden, of_weights]
    result = Value("loss", "1", NOTHING)
    tape.apply([hidden, tape.head()], [], [], lambda _: (made.pop(0), made.pop(0)))
    result.node = tape.nodes[-1]
    tape.phases[result.node] = "head backward"
    return result


def _chunk(tape: Torch, structure: Structure) -> None:
    shape, full = "R * Z", tape.kernels.precision == "float32"
    logits = tape.born("logits of a chunk", shape, "a")
    if not full:
        logits = tape.born("logits of a chunk in fp32", shape, FULL)
    slope = None
    if structure.logit_softcap:  # in place on the logits, whose slope is then as large
        slope, logits = logits, tape.born("soft-capped logits of a chunk", shape, FULL)
    values = tape.born("log-probabilities of a chunk", shape, FULL)
    del logits
    if not full:
        values = tape.born("gradient of a chunk", shape, "a")
        piece = tape.born("a chunk's gradient of some head weights", "U * D", "a")
        in_fp32 = tape.born("a chunk's gradient of some head weights in fp32", "U * D", FULL)
        del piece, in_fp32
    del values, slope
