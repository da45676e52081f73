"""What a run may take here: on a machine of one's own, or on a public server that many share."""

import os
from dataclasses import dataclass
from typing import Final

from llm_explorer.machine import children_bytes, free_bytes
from llm_explorer.units import byte_size

# Of its own a process has after a first, small trace: torch and what it imports then; with CUDA 360 MiB, 2026-12
TORCH_BYTES: Final = 224 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of time, memory and work. ``timing_s`` is after the warm-up, ``timeout_s`` all that a job may take.

    ``measuring_bytes``: of a measuring process, None: what is free. ``resident_bytes``: of the child of lessons and
    traces, beside torch. ``step_flops``: so that a run ends in time, None where nobody waits for the same machine.
    ``results_bytes``: of finished runs that wait to be looked at again. ``training_bytes``: of a pasted text.
    ``training_folders``: kept states of training runs, about 1.5 MB each. ``children_take_turns``: there is no
    memory for one that waits, and a run that needs all of it ends the resident.
    """

    is_hosted: bool
    children_take_turns: bool
    takes_files: bool
    timing_s: float
    timeout_s: float
    measuring_bytes: int | None
    resident_bytes: int
    results_bytes: int
    step_flops: int | None
    trace_operations: int
    training_steps: tuple[int, ...]
    training_bytes: int
    training_folders: int

    def memory(self) -> int:
        """Bytes a measuring process may take: what is free now; on a hosted server what will be when its turn comes.

        There the other children have ended by then.
        """
        if self.measuring_bytes is None:
            return free_bytes()
        return min(self.measuring_bytes, free_bytes() + children_bytes())

    def memory_beside_a_resident(self) -> int:
        """The same for a process that leaves the child for lessons and traces alone."""
        if self.measuring_bytes is None:
            return free_bytes()
        return min(self.memory(), self.measuring_bytes - TORCH_BYTES - self.resident_bytes)

    def resident_memory(self) -> int:
        """Bytes that the child of lessons and traces may hold beside what torch takes itself."""
        return self.resident_bytes if self.is_hosted else min(self.resident_bytes, free_bytes())

    def there_are(self, memory: int) -> str:
        """'2.0 GiB are free', the end of a refusal's sentence."""
        return f"{byte_size(memory)} are {'allowed here' if self.is_hosted else 'free'}"


OWN: Final = Limits(
    is_hosted=False,
    children_take_turns=False,
    takes_files=True,
    timing_s=10.0,
    timeout_s=600.0,
    measuring_bytes=None,
    resident_bytes=2 * 1024**3,  # more than a trace of the 20 s that an answer may take has filled: 1.3 GiB, 2026-11
    results_bytes=256 * 1024**2,
    step_flops=None,
    # What a trace may run in those 20 s: 0.14 ms an operation on an idle AMD EPYC, 0.5 on a busy one (docs/HOSTED.md:
    # 14.8 s for 30,000), 2026-11.
    trace_operations=150_000,
    training_steps=(300, 600, 1000, 2000, 4000),
    training_bytes=1_000_000,
    training_folders=64,
)
HOSTED: Final = Limits(
    is_hosted=True,
    children_take_turns=True,
    takes_files=False,
    timing_s=3.0,
    timeout_s=60.0,
    # Streamlit Community Cloud gives all visitors together 0.7 to 2.7 GB (2026-11): a GiB less what is kept for the
    # server, 160 MB measured, and what a prediction may be wrong by.
    measuring_bytes=(1024 - 256) * 1024**2,
    resident_bytes=112 * 1024**2,  # 95 MiB while it traces the largest preset, torch 2.13.0
    results_bytes=16 * 1024**2,
    # About 2 s on one core, and 4 at most (14 to 42 GFLOP/s, 25 in the median, in bf16 steps of 14 random models
    # without instructions for it, 2026-11; those of fp32 are no slower).
    step_flops=5 * 10**10,
    trace_operations=40_000,
    training_steps=(300, 600, 1000),
    training_bytes=200_000,  # a server holds several copies of each visitor's
    training_folders=8,  # where temporary files may be memory
)


def limits() -> Limits:
    """Those that hold now: of a shared public server by LLM_EXPLORER_HOSTED=1."""
    return HOSTED if os.environ.get("LLM_EXPLORER_HOSTED") == "1" else OWN
