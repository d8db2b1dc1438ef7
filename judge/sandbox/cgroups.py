"""Control groups for sandboxes that no container engine makes: where they go and what they hold.

Version 1 has a tree per controller, version 2 one tree; root may make groups in both, an
ordinary user only in a version 2 subtree that was delegated to it. Where none can be made there
is no `Groups`, and warden samples instead.
"""

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from judge.errors import EngineError
from judge.sandbox.places import PIDS_MAX
from judge.sandbox.worker import Worker

PREFIX: Final = "codebattle-"
PROC: Final = Path("/proc")
REMOVE_TIMEOUT_S: Final = 5.0
_NEEDED_V1: Final = frozenset({"memory", "cpuacct", "pids"})
_WANTED_V1: Final = (*sorted(_NEEDED_V1), "cpuset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The control groups of one sandbox; `paths` has one directory per tree, "" for version 2."""

    version: int
    paths: Mapping[str, Path]

    @property
    def procs(self) -> list[Path]:
        """Return the files that take the pid of a process that shall be born here."""
        return [path / "cgroup.procs" for path in dict.fromkeys(self.paths.values())]

    @property
    def binds(self) -> list[tuple[Path, str]]:
        """Return what warden must see, and where, as in a container."""
        if self.version == 2:
            return [(self.paths[""], "/sys/fs/cgroup")]
        return [(self.paths[name], f"/sys/fs/cgroup/{name}") for name in ("memory", "cpuacct")]

    def set_memory(self, limit_bytes: int) -> None:
        """Set or raise the limit, swap included."""
        if self.version == 2:
            _write(self.paths[""] / "memory.max", limit_bytes)
            _try_write(self.paths[""] / "memory.swap.max", 0)
            return
        both = self.paths["memory"] / "memory.memsw.limit_in_bytes"
        # The limit without swap may never exceed the one with it.
        _try_write(both, limit_bytes)
        _write(self.paths["memory"] / "memory.limit_in_bytes", limit_bytes)
        _try_write(both, limit_bytes)

    def remove(self) -> None:
        """Kill what is left and remove the groups; the kernel may need a moment."""
        deadline = time.monotonic() + REMOVE_TIMEOUT_S
        for path in dict.fromkeys(self.paths.values()):
            while path.exists() and time.monotonic() < deadline:
                _kill(path)
                try:
                    path.rmdir()
                except OSError:
                    time.sleep(0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A worker's parent groups."""

    version: int
    paths: Mapping[str, Path]
    _numbers: list[int] = field(default_factory=list)

    @classmethod
    def find(cls, worker: Worker, proc: Path = PROC, *, root: bool | None = None) -> Self | None:
        """Make the parent groups where this process may; None when it may nowhere."""
        is_root = os.geteuid() == 0 if root is None else root
        trees = _trees(proc)
        if trees.keys() >= _NEEDED_V1:
            places = {name: trees[name] for name in _WANTED_V1 if name in trees}
            with contextlib.suppress(OSError):
                return cls(version=1, paths=_make_v1(places, PREFIX + worker.label))
        for place in _places_v2(trees, proc, is_root=is_root):
            with contextlib.suppress(OSError):
                return cls(version=2, paths={"": _make_v2(place, PREFIX + worker.label)})
        return None

    def create(self, *, memory_bytes: int, cpu: int | None) -> Group:
        """Make the groups of one sandbox."""
        self._numbers.append(0)
        name = str(len(self._numbers))
        group = Group(
            version=self.version, paths={tree: path / name for tree, path in self.paths.items()}
        )
        try:
            for path in dict.fromkeys(group.paths.values()):
                path.mkdir()
            if self.version == 1 and "cpuset" in self.paths:
                _inherit_cpuset(group.paths["cpuset"])
            group.set_memory(memory_bytes)
            pids = group.paths["pids" if self.version == 1 else ""]
            _write(pids / "pids.max", PIDS_MAX)
            cpuset = group.paths.get("cpuset" if self.version == 1 else "")
            if cpu is not None and cpuset is not None:
                _try_write(cpuset / "cpuset.cpus", cpu)
        except OSError as error:
            group.remove()
            raise EngineError(
                f"cannot make a control group ({error}): free memory, or run as another user"
            ) from error
        return group

    def remove(self) -> None:
        """Remove the parents, once they are empty."""
        for path in dict.fromkeys(self.paths.values()):
            with contextlib.suppress(OSError):
                path.rmdir()


def reap(proc: Path = PROC, *, root: bool | None = None) -> int:
    """Kill and remove what workers that have ended left in their groups; return how many."""
    is_root = os.geteuid() == 0 if root is None else root
    trees = _trees(proc)
    places = [trees[name] for name in _WANTED_V1 if name in trees]
    places += _places_v2(trees, proc, is_root=is_root)
    found: set[tuple[str, str]] = set()
    for place in dict.fromkeys(places):
        for parent in place.glob(f"{PREFIX}*"):
            worker = Worker.parse(parent.name.removeprefix(PREFIX))
            if worker is None or not worker.gone:
                continue
            for child in [path for path in parent.iterdir() if path.is_dir()]:
                Group(version=1, paths={"": child}).remove()
                found.add((parent.name, child.name))
            with contextlib.suppress(OSError):
                parent.rmdir()
    return len(found)


def _trees(proc: Path) -> dict[str, Path]:
    """Return where each version 1 controller is mounted, and version 2 under ""."""
    trees: dict[str, Path] = {}
    for line in (proc / "self" / "mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        mount_point = Path(before.split()[4])
        kind, _, options = after.split()[:3]
        if kind == "cgroup2":
            trees[""] = mount_point
        elif kind == "cgroup":
            for name in options.split(","):
                trees.setdefault(name, mount_point)
    return trees


def _own_path(proc: Path) -> str:
    """Return this process's place in the version 2 tree."""
    for line in (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::").lstrip("/")
    return ""


def _places_v2(trees: Mapping[str, Path], proc: Path, *, is_root: bool) -> list[Path]:
    """Return where groups may be made, the best first: only the root group may hold processes."""
    top = trees.get("")
    if top is None or not (top / "cgroup.controllers").exists():
        return []
    own = top / _own_path(proc)
    return list(dict.fromkeys([top, own] if is_root else [own]))


def _make_v1(places: Mapping[str, Path], name: str) -> dict[str, Path]:
    paths = {controller: place / name for controller, place in places.items()}
    for path in dict.fromkeys(paths.values()):
        path.mkdir(exist_ok=True)
    if "cpuset" in paths:
        _inherit_cpuset(paths["cpuset"])
    return paths


def _inherit_cpuset(path: Path) -> None:
    """Fill a new cpuset group, which takes no process while it is empty."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        _write(path / name, (path.parent / name).read_text(encoding="ascii").strip())


def _make_v2(place: Path, name: str) -> Path:
    """Make a parent that hands the memory and pids controllers down."""
    controllers = (place / "cgroup.controllers").read_text(encoding="ascii").split()
    if "memory" not in controllers or "pids" not in controllers:
        raise OSError("no memory or pids controller")
    path = place / name
    path.mkdir(exist_ok=True)
    try:
        for level in (place, path):
            for controller in ("memory", "pids"):
                _enable(level, controller)
            if "cpuset" in controllers:
                with contextlib.suppress(OSError):
                    _enable(level, "cpuset")
    except OSError:
        path.rmdir()
        raise
    return path


def _enable(level: Path, controller: str) -> None:
    control = level / "cgroup.subtree_control"
    enabled = control.read_text(encoding="ascii").split() if control.exists() else []
    if controller not in enabled:
        _write(control, f"+{controller}")


def _kill(path: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in (path / "cgroup.procs").read_text(encoding="ascii").split():
            os.kill(int(pid), signal.SIGKILL)


def _write(path: Path, value: object) -> None:
    path.write_text(str(value), encoding="ascii")


def _try_write(path: Path, value: object) -> None:
    with contextlib.suppress(OSError):
        _write(path, value)
