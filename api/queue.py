"""The doorbell: tells some worker that there is something to do. PostgreSQL says what.

Every ring is heard twice. One worker that waits for it is woken at once, through a list that Redis
hands out; arq looks at its own queue many times a second, and so wakes a second slot when several
judgings came with one ring. Here and in `api.ears` only arq is named. A bell that cannot be rung
is no failure: sweeping workers find the work a second later.

What was judged is handed on by a queue of its own, which only the similarity process hears.
"""

import asyncio
import json
from collections.abc import Collection
from contextlib import suppress
from contextvars import Context
from typing import Any, cast
from uuid import UUID

from arq.connections import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.logs import logger
from api.metrics import BELL_FAILURES
from api.settings import Settings

QUEUE = "codebattle:bell"
LOOK = "look"
JOBS = "jobs"
EMBED_QUEUE = "codebattle:embed"
EMBED = "embed"
MOMENT_S = 0.01
# A Redis that takes longer is as good as none: a sweep finds the work sooner.
RING_S = 2.0
_EXPIRES_S = 60
# Rings that nobody waited for are kept for the next who does, but not many: one look does all.
_WAKE = "codebattle:wake"
_WAKES_MAX = 16
# Should nobody compare, what was judged is not kept here for ever: a sweep finds it.
_EMBEDS_MAX = 10_000
_EMBED_EXPIRES_S = 3600
_WAIT_S = 5
_log = logger(__name__)


def dumps(value: dict[str, Any]) -> bytes:
    """Write a job as JSON: arq would pickle it, and Redis is nobody to take code from."""
    return json.dumps(value, default=str).encode()


def loads(data: bytes) -> dict[str, Any]:
    """Read a job."""
    read: dict[str, Any] = json.loads(data)
    return read


def client(settings: Settings, *, queue: str = QUEUE) -> ArqRedis:
    """Return what arq works with; it connects at its first use, and does not insist.

    arq's own way to make one connects at once, and leaves that open when it is cut short.
    """
    made: ArqRedis = ArqRedis.from_url(
        settings.redis_url.get_secret_value(), socket_connect_timeout=1
    )
    made.default_queue_name = queue
    made.job_serializer = dumps
    made.job_deserializer = loads
    return made


async def _wake(redis: Redis, what: str) -> None:
    """Wake one of those who wait in `awaited`."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.lpush(_WAKE, what)
        pipe.ltrim(_WAKE, 0, _WAKES_MAX - 1)
        pipe.expire(_WAKE, _EXPIRES_S)
        await pipe.execute()


async def awaited(redis: Redis) -> str | None:
    """Wait for a ring that no other worker gets, and say for what it is; None after a while."""
    async with asyncio.timeout(_WAIT_S + RING_S):
        found = await cast("Any", redis.blpop([_WAKE], timeout=_WAIT_S))
    return None if found is None else found[1].decode()


class Bell:
    """Rings for work. One connection pool per process, made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ArqRedis | None = None
        self._wanted = asyncio.Event()
        self._wanted_for: set[str] = set()
        self._judged: set[UUID] = set()
        self._ringing: asyncio.Task[None] | None = None

    def ring_soon(self, what: str = LOOK) -> None:
        """Ring in the background, once for all who ask within a moment.

        Workers look until nothing is due, so a burst needs few rings, and none is waited for.
        """
        self._wanted_for.add(what)
        self._wanted.set()
        self._start()

    def judged(self, submission_id: UUID) -> None:
        """Hand on what was judged, in the background, to be fingerprinted and embedded."""
        self._judged.add(submission_id)
        self._wanted.set()
        self._start()

    def _start(self) -> None:
        if self._ringing is None:
            self._ringing = asyncio.create_task(self._ring_on(), name="bell", context=Context())

    async def _ring_on(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._ring_wanted()
            await asyncio.sleep(MOMENT_S)

    async def _ring_wanted(self) -> None:
        while self._wanted_for:
            await self.ring(self._wanted_for.pop())
        if self._judged:
            judged, self._judged = self._judged, set()
            await self._hand_on(judged)

    async def _hand_on(self, judged: Collection[UUID]) -> None:
        try:
            async with asyncio.timeout(RING_S):
                pool = self._connected()
                for each in judged:
                    await pool.enqueue_job(
                        EMBED,
                        str(each),
                        _job_id=f"{EMBED}:{each}",
                        _queue_name=EMBED_QUEUE,
                        _expires=_EMBED_EXPIRES_S,
                    )
                await pool.zremrangebyrank(EMBED_QUEUE, 0, -_EMBEDS_MAX - 1)
        except (RedisError, OSError, TimeoutError) as error:
            BELL_FAILURES.inc()
            _log.warning("bell.failed", error=type(error).__name__)

    async def ring(self, what: str = LOOK) -> bool:
        """Wake a worker; call it after the commit. Tell whether Redis took it."""
        try:
            async with asyncio.timeout(RING_S):
                pool = self._connected()
                await _wake(pool, what)
                await pool.enqueue_job(what, _expires=_EXPIRES_S)
        except (RedisError, OSError, TimeoutError) as error:
            BELL_FAILURES.inc()
            _log.warning("bell.failed", error=type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        """Ring what is still to be rung, and let the connections go."""
        if self._ringing is not None:
            self._ringing.cancel()
            with suppress(asyncio.CancelledError):
                await self._ringing
            self._ringing = None
            await self._ring_wanted()
        if self._pool is not None:
            with suppress(RedisError, OSError):
                await self._pool.aclose()
            self._pool = None

    def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = client(self._settings)
        return self._pool
