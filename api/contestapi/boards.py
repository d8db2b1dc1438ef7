"""Scoreboards as they were made last: written once for all who ask, and again when one changed.

One of many teams takes seconds to write, so it is written again for half of the time at most; what
has not changed is not written again at all.
"""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from api.contestapi import standing
from api.contestapi.viewing import View
from api.db.engine import Sessions

HELD_MAX = 100
# Names are no part of what a board's version is made of.
SAME_S = 10.0
_Key = tuple[UUID, bool, UUID | None]


@dataclass(slots=True)
class _Held:
    """A scoreboard: what it was made of, when, and how long that took."""

    body: bytes = b""
    version: str = ""
    began: float = float("-inf")
    took: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Scoreboards:
    """The scoreboards that were asked for lately."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._held: dict[_Key, _Held] = {}

    async def get(self, view: View, group_id: str | None) -> bytes:
        """Return a scoreboard as JSON; raises `NotFoundError` when there is no such group."""
        # Before anything is held: what there is not must push out nothing that there is.
        room_id = None if group_id is None else await self._room(view, group_id)
        key = (view.contest.event.id, view.public_board, room_id)
        held = self._held.pop(key, None) or _Held()
        # The last in order is the last that was used.
        self._held[key] = held
        while len(self._held) > HELD_MAX:
            del self._held[next(iter(self._held))]
        async with held.turn:
            if time.monotonic() - held.began >= 2 * held.took:
                await self._make(held, view, room_id)
        return held.body

    async def _make(self, held: _Held, view: View, room_id: UUID | None) -> None:
        began = time.monotonic()
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            version = await standing.version(session, view)
            if held.version == version and began - held.began < SAME_S:
                return
            chunks = [chunk async for chunk in standing.scoreboard(session, view, room_id)]
        held.body, held.version, held.began = b"".join(chunks), version, began
        held.took = time.monotonic() - began

    async def _room(self, view: View, group_id: str) -> UUID:
        async with self._sessions() as session:
            return await standing.room(session, view.contest, group_id)
