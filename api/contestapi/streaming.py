"""Sends a contest's feed: what there is, then what happens, until the client leaves.

A connection to the database is held for the reading of a batch only. Somebody whose token ends, or
who comes to another side, is sent away and comes back with what holds then.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.contestapi import reading, viewing
from api.contestapi.feeding import Followed
from api.contestapi.reading import Position
from api.contestapi.viewing import View
from api.db.engine import AWAY, Sessions
from api.db.models import Event
from api.errors import ApiError
from api.logs import logger

MEDIA_TYPE = "application/x-ndjson"
# The specification allows 120 seconds; proxies often end what is silent for 60, and some clients
# give up after 15.
KEEPALIVE_S = 10.0
# Looked at when something is sent, and that is twice a minute at least.
RECHECK_S = 30.0
# A client that takes nothing for so long is gone.
SEND_S = 30.0
# Some clients wait no longer than this for anything at all.
FIRST_S = 4.0
KEEPALIVE = b"\n"
_log = logger(__name__)
# Who is it now? Raises `ApiError` when they may not read any more.
Recheck = Callable[[], Awaitable[View]]


class Reader:
    """One reader of a feed, and how far it is."""

    def __init__(
        self,
        sessions: Sessions,
        view: View,
        position: Position | None,
        *,
        recheck: Recheck,
        ending: Callable[[], bool],
    ) -> None:
        self._sessions = sessions
        self._view = view
        self._position = position
        self._recheck = recheck
        self._ending = ending
        self._checked_at = time.monotonic()

    async def chunks(
        self, followed: Followed, look: Callable[[], Awaitable[None]], *, stream: bool
    ) -> AsyncIterator[bytes]:
        """Yield lines; without `stream` only those there are, and of what is over, all."""
        async for sign in _waiting(look):
            yield sign
        if self._position is None:
            self._position = reading.beginning(self._view.side, followed.epoch, followed.reached)
        sent_at = time.monotonic()
        while not self._ending() and await self._still_may():
            changed, last = followed.changed, followed.over or not stream
            async with self._sessions() as session:
                view = await self._present(session)
                if view is None:
                    return
                found = await reading.batch(session, view, self._position)
            if found is None:
                # PostgreSQL began anew: whether their token is still good is looked at when they
                # come back with it.
                return
            self._position = found.position
            if found.lines:
                yield b"".join(found.lines)
                sent_at = time.monotonic()
            if found.more:
                continue
            if last:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, sent_at + KEEPALIVE_S - time.monotonic())):
                    await changed.wait()
            if time.monotonic() - sent_at >= KEEPALIVE_S:
                yield KEEPALIVE
                sent_at = time.monotonic()

    async def _present(self, session: AsyncSession) -> View | None:
        """Return the contest as it is now; None when it is gone."""
        event = await session.get(Event, self._view.contest.event.id)
        if event is None:
            return None
        return replace(self._view, contest=await viewing.contest(session, event))

    async def _still_may(self) -> bool:
        if time.monotonic() - self._checked_at < RECHECK_S:
            return True
        try:
            now = await self._recheck()
        except ApiError:
            return False
        self._checked_at = time.monotonic()
        return (now.side, now.entry_id) == (self._view.side, self._view.entry_id)


async def _waiting(look: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """Give signs of life while a look is taken, which takes long the first time."""
    looking = asyncio.ensure_future(look())
    try:
        while True:
            done, _ = await asyncio.wait([looking], timeout=FIRST_S)
            if done:
                break
            yield KEEPALIVE
        await looking
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


class FeedResponse(Response):
    """Sends what a reader yields until either side ends."""

    media_type = MEDIA_TYPE

    def __init__(
        self, chunks: AsyncIterator[bytes], close: Callable[[], Awaitable[object]]
    ) -> None:
        super().__init__(
            headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self._chunks = chunks
        self._close = close

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the feed."""
        sending = asyncio.create_task(self._send(send), name="contest feed")
        leaving = asyncio.create_task(_until_gone(receive), name="contest feed watch")
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            done = await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._close()
        if isinstance(done[0], Exception):
            raise done[0]

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for chunk in self._chunks:
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _log.info("feed.stuck")
        except (*AWAY, LookupError) as error:
            # The client is gone, the database, or the contest: it comes back with its token.
            _log.info("feed.ended", reason=type(error).__name__)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
