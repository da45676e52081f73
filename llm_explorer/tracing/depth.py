"""From a step at 3 and one at 4 layers to a step at any depth, operation by operation and exact.

Operations come as head, blocks, tail, and all blocks but the first and the last are alike. What is alive at an
operation is a straight line in the depth, and along the blocks in between also in the number of the block. Whether that
holds is checked at every operation of both steps.
"""

from typing import Final, TypeVar

import numpy as np

from llm_explorer.tracing.recording import Bytes, Recording, Section
from llm_explorer.tracing.tracker import Operation

Amount = TypeVar("Amount", int, Bytes)

SHALLOW: Final = 3  # a first block, a last one and one between
DEEP: Final = 4
_KEPT_BLOCKS: Final = 300  # of the blocks between: enough for a chart, and no straight line peaks between its ends


class UnlikeBlocksError(ValueError):
    """The blocks are not alike, so nothing can be said of another depth."""


def at_depth(shallow: Recording, deep: Recording, layers: int) -> Recording:
    """The recording of ``layers`` >= 4 from those of 3 and of 4 layers; UnlikeBlocksError where they do not agree.

    Of very many blocks some are left out between the ends, never the peak.
    """
    more = layers - DEEP
    parts = {*shallow.saved, *deep.saved}
    saved = {part: _line(shallow.saved.get(part, 0), deep.saved.get(part, 0), more) for part in parts}
    pairs = zip(shallow.sections, deep.sections, strict=True)
    return Recording([_section(*pair, layers) for pair in pairs], saved, deep.loss_bytes)


def _line(shallow: Amount, deep: Amount, more: int) -> Amount:
    """What 3 and 4 layers say of ``more`` than 4."""
    return deep + more * (deep - shallow)


def _section(shallow: Section, deep: Section, layers: int) -> Section:
    period = deep.length - shallow.length
    if period > 0:
        return _with_blocks(shallow, deep, _start_of_blocks(shallow, deep), layers)
    if shallow.operations != deep.operations:
        raise UnlikeBlocksError("one more layer changes the operations")
    return deep._replace(alive=_line(shallow.alive, deep.alive, layers - DEEP))


def _start_of_blocks(shallow: Section, deep: Section) -> int:
    """Where the first block begins: names can leave a choice, the bytes decide."""
    period = deep.length - shallow.length
    earliest = shallow.length - _common(shallow.operations[::-1], deep.operations[::-1])
    latest = _common(shallow.operations, deep.operations) - SHALLOW * period
    for start in range(earliest, latest + 1):
        if _is_straight(shallow.alive[start:], deep.alive[start:], period):
            return start
    raise UnlikeBlocksError("the blocks do not keep alike")


def _common(some: list[Operation], others: list[Operation]) -> int:
    """How many operations are the same from the start on."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(some), len(others)))


def _is_straight(shallow: Bytes, deep: Bytes, period: int) -> bool:
    """Whether the first block, counted from the front, and the last, counted from the back, grow as those between."""
    few, many = _blocks(shallow, SHALLOW, period), _blocks(deep, DEEP, period)
    return bool((many[0] - few[0] == many[1] - few[1]).all() and (many[3] - few[2] == many[2] - few[1]).all())


def _blocks(alive: Bytes, blocks: int, period: int) -> Bytes:
    """(blocks, period, categories) of the first operations."""
    return alive[: blocks * period].reshape(blocks, period, -1)


def _with_blocks(shallow: Section, deep: Section, start: int, layers: int) -> Section:
    period, more = deep.length - shallow.length, layers - DEEP
    front = start + period  # up to the end of the first block
    back = shallow.length - start - 2 * period  # from the start of the last block
    between = np.unique(np.linspace(0, layers - 3, min(layers - 2, _KEPT_BLOCKS)).astype(np.int64))
    few, many = _blocks(shallow.alive[start:], SHALLOW, period), _blocks(deep.alive[start:], DEEP, period)
    blocks = _line(few[1], many[1], more) + between[:, None, None] * (many[2] - many[1])
    alive = [
        _line(shallow.alive[:front], deep.alive[:front], more),
        blocks.reshape(-1, blocks.shape[-1]),
        _line(shallow.alive[-back:], deep.alive[-back:], more),
    ]
    operations = deep.operations[:front] + deep.operations[front : front + period] * len(between)
    operations += deep.operations[-back:]
    length = deep.length + more * period
    places = [np.arange(front), (front + between[:, None] * period + np.arange(period)).ravel()]
    places.append(np.arange(length - back, length))
    return Section(deep.phase, operations, np.concatenate(alive), np.concatenate(places), length)
