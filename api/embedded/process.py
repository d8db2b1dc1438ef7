"""A server as our child: started, waited for until it answers, stopped for sure."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from judge.errors import EngineError

ENTER = Path(__file__).with_name("enter.py")
START_S = 30.0
POLL_S = 0.02
# A path longer than this does not fit into a unix socket's address with its file name.
SOCKET_PATH_MAX = 80


class Child:
    """One running server; its output goes to a log file."""

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
        ordinary: bool = False,
        user: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> "Child":
        """Start a program that ends when we do, however we do."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *entered(argv, ordinary=ordinary),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env) if env is not None else None,
                user=user,
                # Ctrl-C goes to the whole foreground group; we stop children in our own order.
                start_new_session=True,
            )
        return cls(name, process, log)

    async def ready(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the server answers; raises `EngineError` with the end of its log."""
        deadline = time.monotonic() + START_S
        while not await answers():
            if self.process.returncode is not None:
                raise EngineError(f"{self.name} ended at its start: {tail(self.log)}")
            if time.monotonic() > deadline:
                await self.stop()
                raise EngineError(f"{self.name} did not answer in {START_S:.0f} s")
            await asyncio.sleep(POLL_S)

    async def stop(
        self, number: signal.Signals = signal.SIGTERM, *, patience_s: float = 10
    ) -> None:
        """Ask the program to end, then insist."""
        for attempt in (number, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            with suppress(ProcessLookupError):
                self.process.send_signal(attempt)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience_s)


def entered(argv: Sequence[str], *, ordinary: bool = False) -> list[str]:
    """Return the command line that starts a program the way `enter.py` says."""
    flags = ["--ordinary"] if ordinary else []
    return [sys.executable, "-S", "-E", str(ENTER), *flags, *argv]


def socket_directory(wanted: Path) -> Path:
    """Return a private directory for sockets: the wanted one, or a short stand-in for it."""
    wanted.mkdir(parents=True, exist_ok=True)
    wanted.chmod(0o700)
    if len(str(wanted.resolve())) <= SOCKET_PATH_MAX:
        return wanted.resolve()
    return Path(tempfile.mkdtemp(prefix="codebattle-"))


def tail(log: Path) -> str:
    """Return the last lines of a log on one line."""
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
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
