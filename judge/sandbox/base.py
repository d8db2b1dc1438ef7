"""The sandbox port: every type that crosses the line between the engine and a backend.

A *sandbox* is a place that holds one submission at a time. It has three *areas*, each a
directory owned by another uid, and three *roles* a process can run as:

| area      | path in the sandbox | owner uid | who can read it                  |
| PROGRAM   | /prog               | compile   | everyone (read-only for RUN)     |
| BOX       | /box                | run       | the owner only                   |
| VALIDATOR | /val                | validate  | the owner only                   |

The engine imports only this module; backends implement it (`docker`, `bubblewrap`, `fake`).
All paths in a `File` are relative to their area. All sizes are bytes, all times microseconds
unless the name says milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from judge.limits import (
    FEEDBACK_BYTES_MAX,
    MIB,
    OPEN_FILES_DEFAULT,
    PROCESSES_DEFAULT,
    STDERR_BYTES_MAX,
)


class Area(StrEnum):
    """A directory inside the sandbox; the value is its path."""

    PROGRAM = "/prog"
    BOX = "/box"
    VALIDATOR = "/val"


class Role(StrEnum):
    """As whom a command runs. COMPILE owns /prog, RUN owns /box, VALIDATE owns /val."""

    COMPILE = "compile"
    RUN = "run"
    VALIDATE = "validate"


class Seat(StrEnum):
    """For whom a slot keeps a sandbox: a package's programs never sit with a submission."""

    SUBMISSION = "submission"
    VALIDATOR = "validator"


class Cause(StrEnum):
    """What ended a process: a fact about the process, not a verdict."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    CPU_LIMIT = "cpu-limit"
    WALL_LIMIT = "wall-limit"
    MEMORY_LIMIT = "memory-limit"
    OUTPUT_LIMIT = "output-limit"
    CANCELLED = "cancelled"
    EXEC_FAILED = "exec-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file to place in an area, or one that was collected from it."""

    path: str
    data: bytes | Path
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """Bounds of one run. `stack_bytes` 0 means no stack limit beyond memory."""

    cpu_ms: int
    wall_ms: int
    memory_bytes: int
    output_bytes: int
    file_bytes: int = 64 * MIB
    processes: int = PROCESSES_DEFAULT
    open_files: int = OPEN_FILES_DEFAULT
    stack_bytes: int = 0
    stderr_bytes: int = STDERR_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process to run.

    `files` are placed in the area `cwd` before the start. `collect` names paths relative to
    `cwd` (files, or directories ending in `/`) whose regular files come back in the outcome, at
    most `collect_bytes` together. `stdin` None is an empty input. `keep` leaves the role's area
    as it is for the next command (multi-pass feedback); otherwise BOX and VALIDATOR scratch are
    wiped after the run. PROGRAM is wiped only by `Sandbox.wipe`.
    """

    argv: tuple[str, ...]
    role: Role
    limits: RunLimits
    cwd: Area = Area.BOX
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes | Path | None = None
    files: tuple[File, ...] = ()
    collect: tuple[str, ...] = ()
    collect_bytes: int = FEEDBACK_BYTES_MAX
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the sandbox saw of one process (and all its descendants)."""

    cause: Cause
    exit_code: int | None = None
    signal: int | None = None
    cpu_us: int = 0
    wall_us: int = 0
    memory_bytes: int = 0
    output_bytes: int = 0
    stderr: bytes = b""
    stderr_bytes: int = 0
    processes_left: int = 0
    oom_kills: int = 0
    message: str = ""
    files: tuple[File, ...] = ()
    collect_cut: bool = False  # something to collect did not fit or was not a regular file

    @property
    def ok(self) -> bool:
        """Tell whether the process exited by itself with code 0."""
        return self.cause is Cause.EXITED and self.exit_code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOutcome:
    """Two processes joined stdout to stdin. `first` is the role that ended first."""

    submission: Outcome
    validator: Outcome
    first: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxInfo:
    """What a warm sandbox says about itself."""

    backend: str
    image: str
    image_digest: str
    warden_version: str
    cpu: int | None
    memory_accounting: str  # "cgroup-v1", "cgroup-v2" or "sampling"


class Sink(Protocol):
    """Takes a run's standard output as it arrives; `judge.spool.Spool` is the usual one."""

    def write(self, data: bytes, /) -> object:
        """Take the next chunk (at most FRAME_BYTES_MAX bytes)."""


class Sandbox(Protocol):
    """One warm sandbox, leased to one submission at a time. One call at a time.

    Every method raises `SandboxLostError` when the sandbox is gone and `SandboxDirtyError` when
    it cannot be cleaned; after either it must be closed.
    """

    @property
    def info(self) -> SandboxInfo:
        """Return what is known about this sandbox."""

    @property
    def usable(self) -> bool:
        """Tell whether more can be asked: False once it is lost, dirty or closed."""

    async def put(self, area: Area, files: Iterable[File]) -> None:
        """Place files in an area, replacing files of the same path.

        What the sandbox could not place is told by a `SandboxError` of the next call.
        """

    async def get(self, area: Area, *, bytes_max: int) -> list[File]:
        """Return every regular file of an area; symlinks and specials are left out."""

    async def run(self, command: Command, stdout: Sink | None = None) -> Outcome:
        """Run one command to its end; stdout goes to the sink, or nowhere."""

    async def run_pair(self, submission: Command, validator: Command) -> PairOutcome:
        """Run a submission and a validator joined by two pipes."""

    async def wipe(self) -> None:
        """Kill everything and empty every writable place."""

    async def ping(self, timeout_s: float = 5.0) -> None:
        """Check that the supervisor answers."""

    async def close(self) -> None:
        """Destroy the sandbox; never raises."""


class Slot(Protocol):
    """One CPU's worth of judging: one warm sandbox per image and seat, all on the same CPU."""

    async def sandbox(self, image: str, seat: Seat = Seat.SUBMISSION) -> Sandbox:
        """Return this slot's warm sandbox of an image, starting it when there is none.

        Raises `EngineError` when the image is not built.
        """


class Launcher(Protocol):
    """Starts sandboxes of one backend."""

    name: str

    async def launch(self, image: str, *, cpu: int | None, index: int) -> Sandbox:
        """Start a sandbox of `image` pinned to `cpu`; `index` keeps uids of slots apart."""

    async def reap(self) -> int:
        """Remove what earlier workers left behind; return how many."""

    async def close(self) -> None:
        """Release the backend's own resources."""
