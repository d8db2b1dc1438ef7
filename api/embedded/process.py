"""A program as our child: started, waited for until it answers, stopped for sure."""

import asyncio
import hashlib
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from api.embedded.lock import Lock
from judge.errors import EngineError

ENTER = Path(__file__).with_name("enter.py")
START_S = 30.0
STOP_S = 10.0
POLL_S = 0.02
LOG_BYTES_MAX = 16 * 1024 * 1024
# A longer path does not fit into a unix socket's address (108 bytes) with its file name.
SOCKET_PATH_MAX = 80


class Child:
    """One running program; its output goes to a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        mode: str = "plain",
        lock: Lock | None = None,
        env: Mapping[str, str] | None = None,
    ) -> "Child":
        """Start a program that ends when we do, however we do; `enter.py` knows the modes.

        Until it has ended it holds `lock` with us.
        """
        with _opened(log) as output:
            process = await asyncio.create_subprocess_exec(
                *entered(argv, mode=mode),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env) if env is not None else None,
                pass_fds=() if lock is None else (lock.descriptor,),
                # Ctrl-C goes to the whole foreground group; we stop children in our own order.
                start_new_session=True,
            )
        return cls(name, process, log)

    async def ready(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the program answers; raises `EngineError` with the end of its log."""
        deadline = time.monotonic() + START_S
        while not await answers():
            if self.process.returncode is not None:
                raise EngineError(f"{self.name} ended at its start: {tail(self.log)}")
            if time.monotonic() > deadline:
                await self.stop()
                raise EngineError(f"{self.name} did not answer in {START_S:.0f} s")
            await asyncio.sleep(POLL_S)

    async def stop(
        self, number: signal.Signals = signal.SIGTERM, *, patience_s: float = STOP_S
    ) -> None:
        """Ask the program to end, then insist."""
        for attempt in (number, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            with suppress(ProcessLookupError):
                self.process.send_signal(attempt)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience_s)


class Program:
    """A part of a tree that is a program of ours, with all it starts itself."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        lock: Lock | None = None,
        answers: Callable[[], Awaitable[bool]] | None = None,
        patience_s: float = STOP_S,
        nice: int = 0,
    ) -> None:
        self.name = name
        self.log = log
        self._nice = nice
        self._argv = list(argv)
        self._env = env
        self._lock = lock
        self._answers = answers
        self._patience_s = patience_s
        self._child: Child | None = None

    async def start(self) -> None:
        """Start and wait until it answers."""
        self._child = await Child.start(
            self.name,
            self._argv,
            log=self.log,
            mode=f"keep:{self._patience_s}:{self._nice}",
            lock=self._lock,
            env=self._env,
        )
        if self._answers is not None:
            await self._child.ready(self._answers)

    async def wait(self) -> None:
        """Return when it has ended."""
        assert self._child is not None
        await self._child.process.wait()

    async def stop(self) -> None:
        """End it; its keeper insists after its patience, we insist on the keeper."""
        if self._child is not None:
            await self._child.stop(patience_s=self._patience_s + STOP_S)
            self._child = None


def _opened(log: Path) -> BinaryIO:
    """Open a log to write on; one that has grown large is put aside first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


def entered(argv: Sequence[str], *, mode: str = "plain") -> list[str]:
    """Return the command line that starts a program the way `enter.py` says."""
    return [sys.executable, "-I", "-S", str(ENTER), mode, str(os.getpid()), *argv]


def socket_directory(wanted: Path, *, owners: Sequence[int] = ()) -> Path:
    """Return a private directory for sockets: the wanted one, or a short stand-in for it.

    The stand-in is the same at every start. `owners` are users besides us who may own it.
    """
    wanted = wanted.resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if len(str(wanted)) > SOCKET_PATH_MAX:
        name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        parent = Path(tempfile.gettempdir())
        wanted = (parent if len(str(parent)) < SOCKET_PATH_MAX // 2 else Path("/tmp")) / (  # noqa: S108 - its owner is looked at below
            f"codebattle-{os.geteuid()}-{name}"
        )
    wanted.mkdir(mode=0o700, exist_ok=True)
    found = wanted.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), *owners}:
        raise EngineError(f"{wanted} belongs to somebody else: remove it")
    wanted.chmod(0o700)
    return wanted


def remove_stand_in(sockets: Path, root: Path) -> None:
    """Remove a directory for sockets unless it is the one below the data."""
    if root.resolve() not in sockets.parents:
        shutil.rmtree(sockets, ignore_errors=True)


def tail(log: Path) -> str:
    """Return the last lines of a log on one line."""
    if not log.exists():
        return "it said nothing"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return " | ".join(lines[-3:]) or "it said nothing"


def which(*names: str, beside: Sequence[Path] = ()) -> Path | None:
    """Return the first program found in given directories, then on PATH."""
    for name in names:
        for directory in beside:
            if os.access(directory / name, os.X_OK):
                return directory / name
        found = shutil.which(name)
        if found:
            return Path(found)
    return None
