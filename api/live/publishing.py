"""Puts updates into Redis: numbered, kept in a capped stream per topic, and told to all hubs.

Publish what is committed, and only then: a follower that rereads PostgreSQL must find at least
what it was told.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.live import keys
from api.live.updates import Kind, Update
from api.logs import logger
from api.metrics import LIVE_PUBLISHED

WAITING_MAX = 10_000
# A script keeps Redis from everybody else for as long as it runs.
AT_ONCE_MAX = 50
# At the end, a Redis that hangs is not waited for longer.
LEFT_S = 5.0
_Said = tuple[tuple[str, ...], Update, Callable[[], None] | None]
_log = logger(__name__)


class Publisher:
    """Publishes updates; one that cannot be published is logged, since PostgreSQL has the state."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(keys.PUBLISH)

    async def publish(self, topics: Sequence[str], update: Update) -> bool:
        """Publish an update on some topics, in their order; tell whether Redis took it."""
        return await self.publish_all([(topics, update)])

    async def publish_all(self, some: Sequence[tuple[Sequence[str], Update]]) -> bool:
        """Publish updates, in their order and in one go; tell whether Redis took them."""
        streams = [keys.META]
        said: list[str | int] = [secrets.token_hex(6), keys.KEPT_MAX, keys.CHANNEL]
        for topics, update in some:
            text = update.encode()
            over = update.kind == Kind.JUDGED
            for topic in topics:
                streams.append(keys.STREAM + topic)
                said += [topic, text, keys.KEPT_AFTER_END_S if over else keys.KEPT_S]
        if len(streams) == 1:
            return True
        call: Any = self._script(keys=streams, args=said)
        try:
            async with asyncio.timeout(keys.ANSWER_S):
                await cast("Any", call)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("update.unpublished", kind=some[0][1].kind, error=str(error))
            LIVE_PUBLISHED.labels("failed").inc(len(some))
            return False
        LIVE_PUBLISHED.labels("ok").inc(len(some))
        return True


class Announcer:
    """Publishes in the background and in order, for callers that must not wait.

    A judging's progress comes from a plain function. When Redis is slow the oldest waiting
    updates are let go: followers learn the end anyway.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: deque[_Said] = deque(maxlen=WAITING_MAX)
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def say(
        self, topics: Sequence[str], update: Update, *, then: Callable[[], None] | None = None
    ) -> None:
        """Have an update published after all that were said before; `then` follows in any case."""
        self._waiting.append((tuple(topics), update, then))
        self._idle.clear()
        self._more.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="announcer", context=Context())

    async def flush(self) -> None:
        """Return when everything said so far is published, or given up."""
        await self._idle.wait()

    async def close(self) -> None:
        """Publish what is left, unless that takes long, and end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEFT_S):
                await self.flush()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            while self._waiting:
                count = min(len(self._waiting), AT_ONCE_MAX)
                some = [self._waiting.popleft() for _ in range(count)]
                await self._publisher.publish_all([(topics, update) for topics, update, _ in some])
                for then in {then for _, _, then in some if then is not None}:
                    then()
            self._more.clear()
            self._idle.set()
