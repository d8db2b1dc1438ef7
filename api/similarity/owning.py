"""Who keeps similarity: one process for a database, and one for a data directory.

A lock in PostgreSQL, which lives as long as its connection, says who; whoever loses it must write
no more, and hears of it at once when the connection breaks. A second lock, on the directory that
holds the indexes, is let go only when the last write there has ended, so that who comes next on
this machine never opens what somebody still writes.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.db.engine import AWAY
from api.logs import logger
from api.wiring import Parts

ASK_S: Final = 5.0
# Any number, as long as nothing else in this database locks it.
_OWNER: Final = 0x73696D69
_FILE: Final = "owner.lock"
# Locks of one bigint have its upper half in `classid`, which is 0 here.
_HELD = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = 0 AND objid = :key AND objsubid = 1 AND granted)
""")
_log = logger(__name__)


class Owner:
    """One who keeps similarity, until the lock is gone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._closed = asyncio.Event()

    async def follow(self) -> None:
        """Have the driver tell when the connection ends, from whichever side."""
        raw: Any = (await self._connection.get_raw_connection()).driver_connection
        raw.add_termination_listener(lambda _: self._closed.set())

    async def lost(self) -> None:
        """Return when we are no longer the one."""
        while not self._closed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_S):
                    await self._closed.wait()
            if not await self._held():
                break
        _log.warning("similarity.lost", remedy="nothing is written until the lock is ours again")

    async def _held(self) -> bool:
        # Asking for the lock again would count it twice, or take it back after somebody else.
        try:
            held = await self._connection.scalar(_HELD, {"key": _OWNER})
            await self._connection.commit()
        except (*AWAY, TimeoutError):
            return False
        return bool(held)


@asynccontextmanager
async def owning(parts: Parts) -> AsyncIterator[Owner | None]:
    """Become the one who keeps similarity; None when another is."""
    async with parts.engine.connect() as connection:
        if not await _taken(connection):
            yield None
            return
        try:
            with _alone(parts.settings.similarity_dir) as alone:
                owner = Owner(connection) if alone else None
                if owner is not None:
                    await owner.follow()
                yield owner
        finally:
            # Back in the pool it would keep the lock.
            await connection.invalidate()


async def _taken(connection: AsyncConnection) -> bool:
    taken = await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _OWNER})
    await connection.commit()
    return bool(taken)


@contextmanager
def _alone(directory: Path) -> Iterator[bool]:
    """Hold the lock on a directory; tell whether it was free."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("similarity.directory_in_use", directory=str(directory))
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
