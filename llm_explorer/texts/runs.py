"""Words of what waits for another process."""

from typing import Final

WAITING: Final = ":material/hourglass: Waiting: runs before this one on this server: {place}"
STARTING: Final = (
    ":material/hourglass: Starting PyTorch in a process of its own: some seconds, once; longer from a slow disk."
)
MEASURE: Final = "Measure it"
MEASURE_AGAIN: Final = "Measure it again"
