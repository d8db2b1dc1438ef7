"""Follows contests for their feeds: one task for each contest that somebody reads in this process.

    tables ──look──→ marks ──wake──→ readers of this process, each with its own position

A look takes at most a tenth of the time, so a contest of any size leaves the database to others.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from api.contestapi import marking
from api.contestapi.marking import Reached
from api.errors import TooManyError, UnavailableError
from api.logs import logger
from api.wiring import Parts

LOOK_S = 0.5
SHARE = 10
AWAY_S = 2.0
# Who comes waits for no look at everything, unless nobody took one for long.
READERS_FULL_EVERY = timedelta(minutes=10)
READERS_MAX = 500
READERS_EACH_MAX = 12
_log = logger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Followed:
    """A contest that is followed: how far its marks are, whether to the end, and who waits."""

    event_id: UUID
    readers: int = 0
    reached: int = 0
    epoch: str = ""
    over: bool = False
    # When the look began that the last reader who came waited for, and whose turn it is.
    looked_at: float = float("-inf")
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, reached: Reached) -> None:
        """Wake the readers."""
        if reached.epoch != self.epoch:
            self.epoch, self.reached = reached.epoch, 0
        self.reached = max(self.reached, reached.seq)
        self.over = self.over or reached.over
        self.changed.set()
        self.changed = asyncio.Event()


class Feeds:
    """The contests that are read in this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._followed: dict[UUID, Followed] = {}
        self._readers: Counter[str] = Counter()

    @property
    def ending(self) -> bool:
        """Tell whether readers are to come back to another process."""
        return self._parts.hub.draining

    @asynccontextmanager
    async def follow(self, event_id: UUID, reader: str) -> AsyncIterator[Followed]:
        """Follow a contest for a reader; raises when there are too many, or too many of theirs."""
        if self.ending:
            raise UnavailableError("this server is going down", retry_after_s=1)
        if self._readers.total() >= READERS_MAX:
            raise UnavailableError("too many open feeds", retry_after_s=10)
        if self._readers[reader] >= READERS_EACH_MAX:
            raise TooManyError(
                f"{READERS_EACH_MAX} of your feeds are open",
                retry_after_s=10,
                slug="too-many-streams",
            )
        held = self._followed.setdefault(event_id, Followed(event_id=event_id))
        held.readers += 1
        self._readers[reader] += 1
        try:
            yield held
        finally:
            held.readers -= 1
            self._readers[reader] -= 1
            if not self._readers[reader]:
                del self._readers[reader]
            if not held.readers:
                await self._forget(held)

    async def look(self, held: Followed, *, anew: bool) -> None:
        """Look for a reader who comes; raises `LookupError` when the contest is gone.

        A look that began after they came is theirs as well, so those who come together take one
        connection. Without `anew` the looks that are taken anyway will do.
        """
        came = time.monotonic()
        async with held.turn:
            if held.looked_at > came or (held.task is not None and not anew):
                return
            began = time.monotonic()
            held.tell(
                await marking.look(
                    self._parts.sessions, held.event_id, wait=True, full_every=READERS_FULL_EVERY
                )
            )
            held.looked_at = began
        if held.task is None and held.readers:
            # Of no request: what is logged there is not under the first one's id.
            held.task = asyncio.create_task(
                self._run(held), name=f"contest {held.event_id}", context=Context()
            )

    async def aclose(self) -> None:
        """End; readers are gone by now."""
        for held in tuple(self._followed.values()):
            await self._forget(held)

    async def _forget(self, held: Followed) -> None:
        self._followed.pop(held.event_id, None)
        if held.task is not None:
            held.task.cancel()
            with suppress(asyncio.CancelledError):
                await held.task

    async def _run(self, held: Followed) -> None:
        pause = LOOK_S
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                reached = await marking.look(self._parts.sessions, held.event_id)
            except LookupError:
                return
            except (SQLAlchemyError, OSError) as error:
                _log.warning("contest.away", error=type(error).__name__)
                pause = AWAY_S
                continue
            pause = max(LOOK_S, SHARE * (time.monotonic() - began))
            news = reached.seq > held.reached or reached.epoch != held.epoch
            if news or reached.over or self.ending:
                held.tell(reached)
