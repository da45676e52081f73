"""From a step at 3 and one at 4 blocks to a step at any depth, operation by operation and exact.

Operations come as head, blocks, tail, and all blocks but the first and the last are alike. What is alive at an
operation is a straight line in the depth, and along the blocks in between also in the number of the block. Whether that
holds is checked at every operation of both steps.

A block is one layer, or as many as a pattern has before it begins anew, its period: with full_attention_every=6, five
layers with a window and one without. What the last pattern lacks belongs to the tail.
"""

from typing import Final, NamedTuple, TypeVar

import numpy as np

from llm_explorer.tracing.recording import Bytes, Recording, Section
from llm_explorer.tracing.tracker import Operation

Amount = TypeVar("Amount", int, Bytes)

SHALLOW: Final = 3  # a first block, a last one and one between
DEEP: Final = 4
KEPT_BLOCKS: Final = 300  # of the blocks between: enough for a chart, and no straight line peaks between its ends


class Depths(NamedTuple):
    """Layers of the two steps to run, ``shallow`` and ``deep``, and ``blocks``, how many the model asked for has."""

    shallow: int
    deep: int
    blocks: int


def depths(n_layers: int, period: int) -> Depths | None:
    """The depths that tell that of ``n_layers``; None where it is no deeper than they are.

    >>> depths(62, period=6)
    Depths(shallow=20, deep=26, blocks=10)
    """
    blocks, rest = divmod(n_layers, period)
    return Depths(SHALLOW * period + rest, DEEP * period + rest, blocks) if blocks > DEEP else None


class UnlikeBlocksError(ValueError):
    """The blocks are not alike, so nothing can be said of another depth."""


def at_depth(shallow: Recording, deep: Recording, blocks: int) -> Recording:
    """The recording of ``blocks`` >= 4 blocks from those of 3 and of 4; UnlikeBlocksError where they do not agree.

    Of very many blocks some are left out between the ends, never the peak.
    """
    more = blocks - DEEP
    parts = {*shallow.saved, *deep.saved}
    saved = {part: _line(shallow.saved.get(part, 0), deep.saved.get(part, 0), more) for part in parts}
    pairs = zip(shallow.sections, deep.sections, strict=True)
    return Recording([_section(*pair, blocks) for pair in pairs], saved, deep.loss_bytes)


def _line(shallow: Amount, deep: Amount, more: int) -> Amount:
    """What 3 and 4 layers say of ``more`` than 4."""
    return deep + more * (deep - shallow)


def _section(shallow: Section, deep: Section, blocks: int) -> Section:
    period = deep.length - shallow.length
    if period > 0:
        return _with_blocks(shallow, deep, _start_of_blocks(shallow, deep), blocks)
    if shallow.operations != deep.operations:
        raise UnlikeBlocksError("one more block changes the operations")
    return deep._replace(alive=_line(shallow.alive, deep.alive, blocks - DEEP))


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


def _with_blocks(shallow: Section, deep: Section, start: int, blocks: int) -> Section:
    period, more = deep.length - shallow.length, blocks - DEEP
    front = start + period  # up to the end of the first block
    back = shallow.length - start - 2 * period  # from the start of the last block
    between = np.unique(np.linspace(0, blocks - 3, min(blocks - 2, KEPT_BLOCKS)).astype(np.int64))
    few, many = _blocks(shallow.alive[start:], SHALLOW, period), _blocks(deep.alive[start:], DEEP, period)
    inner = _line(few[1], many[1], more) + between[:, None, None] * (many[2] - many[1])
    alive = [
        _line(shallow.alive[:front], deep.alive[:front], more),
        inner.reshape(-1, inner.shape[-1]),
        _line(shallow.alive[-back:], deep.alive[-back:], more),
    ]
    operations = deep.operations[:front] + deep.operations[front : front + period] * len(between)
    operations += deep.operations[-back:]
    length = deep.length + more * period
    places = [np.arange(front), (front + between[:, None] * period + np.arange(period)).ravel()]
    places.append(np.arange(length - back, length))
    return Section(deep.phase, operations, np.concatenate(alive), np.concatenate(places), length)
