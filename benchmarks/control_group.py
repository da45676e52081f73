"""A hosted server in a control group of 1 GB, where one can be made (Linux, as root): beyond it the kernel kills."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.browser.screen import Server

LIMIT: Final = 10**9
GROUPS: Final = (  # of version 1 and 2: folder, the file of the limit, of the highest usage, a file that only it has
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max", "memory.peak", "cgroup.subtree_control"),
)


class Group(NamedTuple):
    """A control group with a limit of memory."""

    folder: Path
    highest: str

    def highest_bytes(self) -> int:
        """The most that it ever used, files that the kernel could drop included."""
        return int((self.folder / self.highest).read_text())


@contextlib.contextmanager
def limited() -> Iterator[Group | None]:
    """A group of 1 GB, gone afterwards; None where none can be made."""
    group = _make_group()
    try:
        yield group
    finally:
        if group is not None:
            deadline = time.monotonic() + 5
            while (group.folder / "cgroup.procs").read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
            group.folder.rmdir()


def _make_group() -> Group | None:
    for root, limit, highest, mark in GROUPS:
        folder = root / f"llm-explorer-{os.getpid()}"
        if not (root / mark).exists():
            continue
        with contextlib.suppress(OSError):
            folder.mkdir()
            (folder / limit).write_text(str(LIMIT))
            return Group(folder, highest)
    return None


def hosted_server(folder: Path, group: Group | None) -> Server:
    """A server in hosted mode, in the group where there is one; this process is not."""
    home = group.folder.parent / "cgroup.procs" if group else None
    if group:
        (group.folder / "cgroup.procs").write_text(str(os.getpid()))
    try:
        return Server(folder, LLM_EXPLORER_HOSTED="1")
    finally:
        if home:
            home.write_text(str(os.getpid()))
