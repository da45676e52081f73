"""From a step of three micro-batches to one of any number: from the second on all are alike, but for their losses."""

from typing import Final

from llm_explorer.parts import ACTIVATIONS, CATEGORIES, TEMPORARY
from llm_explorer.tracing.recording import Recording, Section

TRACED: Final = 3  # the first makes the gradients, the second and all that follow add to them
_ACTIVATIONS, _TEMPORARY = CATEGORIES.index(ACTIVATIONS), CATEGORIES.index(TEMPORARY)


def with_micro_batches(recording: Recording, micro_batches: int) -> Recording:
    """The recording of 3 micro-batches with its third as the last of ``micro_batches``; those between are left out.

    Each leaves its loss, one number, until the end of the step, where they are stacked for their mean.
    """
    more_bytes = (micro_batches - TRACED) * recording.loss_bytes
    before = 2 * (TRACED - 1)  # a forward and a backward each
    later = [_with_losses(section, more_bytes) for section in recording.sections[before:]]
    return recording._replace(sections=recording.sections[:before] + later)


def _with_losses(section: Section, more_bytes: int) -> Section:
    alive = section.alive.copy()
    alive[:, _ACTIVATIONS] += more_bytes
    names = [operation.name for operation in section.operations]
    if "aten.stack.default" in names:
        alive[names.index("aten.stack.default") :, _TEMPORARY] += more_bytes
    return section._replace(alive=alive)
