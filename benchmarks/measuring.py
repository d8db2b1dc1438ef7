"""Clocks, statistics and the bare floor; nothing here knows how judging works.

CPU time is read from the kernel's own books: a process's CPU clock (any process may read any
other's) and the usage counter of a control group, both in nanoseconds. `getrusage` and
`/proc/PID/stat` would do for long runs only.
"""

import os
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MS = 1000.0
_CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, in seconds."""

    wall: float
    cpu: float


def percentile(values: Iterable[float], percent: float) -> float:
    """Return a percentile, between two values in proportion to its distance from them."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Iterable[float]) -> float:
    """Return the middle value."""
    return percentile(values, 50)


def spread(values: Sequence[float]) -> float:
    """Return (p95 - p5) / median."""
    return (percentile(values, 95) - percentile(values, 5)) / median(values)


def bare(argv: list[str], *, cpu_of_us: bool = True) -> Sample:
    """Start a program with `posix_spawn`, wait for it, and return what that took.

    Output goes to /dev/null. The CPU time is the program's and, if wanted, our own.
    """
    own = time.process_time()
    begin = time.perf_counter()
    actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(argv[0], argv, {}, file_actions=actions)
    _, _, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall, cpu + (time.process_time() - own if cpu_of_us else 0))


def process_cpu(pid: int) -> float:
    """Return the CPU seconds of a live process and all its threads."""
    return time.clock_gettime((~pid << 3) | 2)


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """Return the processes below one."""
    family = parents()
    found, layer = [], {pid}
    while layer:
        layer = {child for child, parent in family.items() if parent in layer}
        found += sorted(layer)
    return found


def command_name(pid: int) -> str:
    """Return a process's short name, empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def listener(path: str) -> int | None:
    """Return the process that listens at a socket in the file system; None if that is init."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return None
        size = struct.calcsize("3i")
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid: int = struct.unpack("3i", credentials)[0]
    return pid if pid > 1 else None


@dataclass(frozen=True, slots=True)
class Group:
    """The control group that accounts a process's CPU time."""

    usage: Path
    version: int

    @classmethod
    def of(cls, pid: int) -> "Group | None":
        """Find it; None when it is also ours, so that it tells nothing about the process."""
        theirs, ours = _accounting_group(pid), _accounting_group(os.getpid())
        if theirs is None or theirs == ours:
            return None
        return cls(theirs, 1 if theirs.name == "cpuacct.usage" else 2)

    def cpu(self) -> float:
        """Return the CPU seconds of everything that ever ran in the group."""
        text = self.usage.read_text(encoding="ascii")
        if self.version == 1:
            return int(text) / 1e9
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "usage_usec":
                return int(value) / 1e6
        raise ValueError(f"{self.usage}: no usage_usec")


def _accounting_group(pid: int) -> Path | None:
    unified = None
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            return _CGROUP_ROOT / "cpuacct" / path.strip("/") / "cpuacct.usage"
        if not controllers:
            unified = _CGROUP_ROOT / path.strip("/") / "cpu.stat"
    return unified if unified is not None and unified.exists() else None


def proportional_bytes(pid: int) -> int:
    """Return a process's proportional set size; 0 when it has ended."""
    return _kib(f"/proc/{pid}/smaps_rollup", "Pss:")


def peak_bytes(pid: int | str = "self") -> int:
    """Return the largest resident set since the start or `forget_peak`."""
    return _kib(f"/proc/{pid}/status", "VmHWM:")


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak of the resident set begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _kib(path: str, key: str) -> int:
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0
