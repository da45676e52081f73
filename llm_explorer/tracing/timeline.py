"""A recording as one line of time: the peak, and few enough points to draw."""

from typing import Any, Final

import numpy as np

from llm_explorer.parts import CATEGORIES
from llm_explorer.tracing.recording import Recording
from llm_explorer.tracing.result import Points

MOST_POINTS: Final = 600  # more than a chart has room for


class Timeline:
    """All sections of a recording in a row."""

    def __init__(self, recording: Recording) -> None:
        sections = [section for section in recording.sections if section.length]
        starts = np.cumsum([0, *(section.length for section in sections)])
        self.length = int(starts[-1])
        self._places = np.concatenate([start + each.places for start, each in zip(starts, sections, strict=False)])
        self._alive = np.concatenate([section.alive for section in sections])
        self._operations = [operation for section in sections for operation in section.operations]
        self._phases = [section.phase for section in sections for _ in section.operations]
        self._totals = self._alive.sum(axis=1)

    def peak(self) -> dict[str, Any]:
        """The largest sum of bytes: where it is first reached, and what is alive there."""
        row = int(self._totals.argmax())
        return {
            "peak_bytes": int(self._totals[row]),
            "peak_phase": self._phases[row],
            "peak_op": self._operations[row].name,
            "peak_part": self._operations[row].part,
            "phases": self._phase_peaks(),
            "categories_at_peak": dict(zip(CATEGORIES, self._alive[row].tolist(), strict=True)),
        }

    def points(self) -> Points:
        """Of equal stretches of time the moment with the most bytes, so that the largest is the peak."""
        rows = self._highest_rows(min(MOST_POINTS, self.length))
        columns = self._alive[rows].T.tolist()
        return Points(
            categories=dict(zip(CATEGORIES, map(tuple, columns), strict=True)),
            part=tuple(self._operations[row].part for row in rows),
            op=tuple(self._operations[row].name for row in rows),
            phase=tuple(self._phases[row] for row in rows),
            peak_at=int(self._totals[rows].argmax()),
            operations=self.length,
        )

    def _phase_peaks(self) -> dict[str, int]:
        phases = np.array(self._phases)
        return {str(phase): int(self._totals[phases == phase].max()) for phase in ("forward", "backward", "optimizer")}

    def _highest_rows(self, points: int) -> list[int]:
        stretch = self._places * points // self.length
        # by stretch, then by bytes, of equals the first one last
        order = np.lexsort((-np.arange(len(stretch)), self._totals, stretch))
        ends = np.append(np.diff(stretch[order]) > 0, True)
        return list(order[ends])
