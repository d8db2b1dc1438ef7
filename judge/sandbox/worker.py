"""Who started a sandbox, and whether that process still lives; which uids its slots may use.

Shared by the backends: each marks what it makes with the worker's label, so that the next worker
can remove what a dead one left behind.
"""

import os
import socket
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from judge.errors import EngineError

# Slots take four uids each; below 65536, so that they exist under rootless Docker as well.
UID_FIRST = 61000
UIDS_PER_SLOT = 4
UID_BLOCKS = 1000

assert UID_FIRST + UIDS_PER_SLOT * UID_BLOCKS < 65534

_STARTED_FIELD = 19  # field 22 of /proc/<pid>/stat, counted from behind the command's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process on some machine; the start time tells it from a later one of the same pid."""

    host: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Self:
        """Return this process."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), pid=pid, started=_started(pid) or 0)

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """Read a label back; None when it is not one of ours."""
        match label.rsplit(".", 2):
            case [host, pid, started] if pid.isdecimal() and started.isdecimal():
                return cls(host=host, pid=int(pid), started=int(started))
            case _:
                return None

    @property
    def label(self) -> str:
        """Return the name that marks what this worker made; fit for a directory name."""
        return f"{self.host}.{self.pid}.{self.started}"

    @property
    def gone(self) -> bool:
        """Tell whether the process has ended; another machine's is left to that machine."""
        return self.host == socket.gethostname() and _started(self.pid) != self.started


def _started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[_STARTED_FIELD])


class UidBlocks:
    """Keeps the uids of slots apart, also from those of other workers on this machine.

    RLIMIT_NPROC counts the processes of a uid across all containers, so two slots must not share
    one. A block is taken by binding an abstract socket of its number, which the kernel frees when
    the worker ends. Workers in containers of their own do not see each other's sockets; their
    host names make it unlikely that they choose the same blocks.
    """

    def __init__(self) -> None:
        self._taken: dict[int, tuple[int, socket.socket]] = {}

    def base(self, index: int) -> int:
        """Return the first uid of a slot; the same at every call."""
        if index not in self._taken:
            self._taken[index] = self._take(index)
        return UID_FIRST + UIDS_PER_SLOT * self._taken[index][0]

    def _take(self, index: int) -> tuple[int, socket.socket]:
        first = zlib.crc32(socket.gethostname().encode()) + index
        for number in (n % UID_BLOCKS for n in range(first, first + UID_BLOCKS)):
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                claim.bind(f"\0codebattle-uids-{number}")
            except OSError:
                claim.close()
                continue
            return number, claim
        raise EngineError("every uid block is taken: end other codebattle workers of this machine")

    def close(self) -> None:
        """Free all blocks."""
        for _, claim in self._taken.values():
            claim.close()
        self._taken.clear()
