"""A directory that one process uses at a time.

The lock is the kernel's, held through an open file that is passed on to children: it is free when
all of them are gone, however they went. The file names the process that took it, so that a lock
whose taker lives (refuse at once) is told from one that its dying children hold (wait a moment).
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path

from judge.errors import EngineError

PATIENCE_S = 20.0
POLL_S = 0.05


class Lock:
    """A lock file; taking it twice through one object is taking it once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file, for children to hold the lock with us."""
        assert self._descriptor is not None
        return self._descriptor

    async def take(self) -> None:
        """Take the lock; raises `EngineError` when somebody else has it and will keep it."""
        if self._descriptor is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await self._free(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; the lock is free once our children have ended as well."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def _free(self, descriptor: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        place = self.path.parent
        while not _locked(descriptor):
            holder = _holder(descriptor)
            if holder not in {None, os.getpid()}:
                raise EngineError(
                    f"{place} is in use by process {holder}: stop it, or choose another directory"
                )
            if time.monotonic() > deadline:
                raise EngineError(f"{place} is in use by what a killed process left behind")
            await asyncio.sleep(POLL_S)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> int | None:
    """Return the process that took the lock if it lives."""
    try:
        number = int(os.pread(descriptor, 32, 0))
        status = Path(f"/proc/{number}/stat").read_bytes()
    except (ValueError, FileNotFoundError, ProcessLookupError):
        return None
    ended = status.rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    return None if ended else number
