"""What the workers of one machine tell each other through the cache directory they share.

Two workers must not measure on the same CPU while another is free, and what runs them wants to
know whether they live. Containers of one host see no more of each other than such a directory.
"""

import fcntl
import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class Neighbourhood:
    """This worker's part of the directory; what it took is free when it ends, however it does."""

    def __init__(self, directory: Path) -> None:
        self._cpus = directory / "cpus"
        self._alive = directory / "alive" / platform.node()
        self._held: list[int] = []

    def __enter__(self) -> Self:
        self._cpus.mkdir(parents=True, exist_ok=True)
        self._alive.parent.mkdir(exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._held:
            os.close(self._held.pop())
        self._alive.unlink(missing_ok=True)

    def cpus(self, wanted: Sequence[int | None]) -> list[int | None]:
        """Return as many CPUs as wanted: free ones first, then those that somebody has."""
        ours = sorted(os.sched_getaffinity(0))
        free: list[int | None] = []
        for cpu in ours:
            if len(free) == len(wanted):
                break
            if self._taken(cpu):
                free.append(cpu)
        return free + list(wanted)[len(free) :]

    def tell(self) -> None:
        """Say that we live."""
        self._alive.touch()

    def _taken(self, cpu: int) -> bool:
        descriptor = os.open(self._cpus / str(cpu), os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._held.append(descriptor)
            return True
        os.close(descriptor)
        return False
