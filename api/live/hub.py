"""One Redis subscription per process, shared by everybody who waits in it.

A listener has a bounded queue. When it overflows, or when the subscription was down for a while,
it gets a `Resync` instead of what it missed, and rereads.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.live.publishing import CHANNEL
from api.live.updates import Update
from api.logs import logger

QUEUED_MAX = 256
RETRY_S = 0.5
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """An update as it came: its topic, its id in the topic's stream, and what it says."""

    topic: str
    id: str
    update: Update


@dataclass(frozen=True, slots=True)
class Resync:
    """Something may have been missed: reread the state."""


Listener = asyncio.Queue[Item | Resync]


class Hub:
    """Hands updates to the listeners of their topics."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listeners: dict[str, set[Listener]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._task = asyncio.create_task(self._run(), name="live hub")

    async def stop(self) -> None:
        """End listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def listen(self, topics: Iterable[str]) -> AsyncIterator[Listener]:
        """Return a queue of what happens on some topics from now on."""
        queue: Listener = asyncio.Queue(QUEUED_MAX)
        chosen = tuple(topics)
        for topic in chosen:
            self._listeners.setdefault(topic, set()).add(queue)
        try:
            yield queue
        finally:
            for topic in chosen:
                remaining = self._listeners[topic]
                remaining.discard(queue)
                if not remaining:
                    del self._listeners[topic]

    async def _run(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    self._resync()
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._hand_out(message["data"])
            except (RedisError, OSError) as error:
                _log.warning("hub.disconnected", error=str(error))
            await asyncio.sleep(RETRY_S)

    def _hand_out(self, data: bytes) -> None:
        topic, identity, text = data.decode().split("\n", 2)
        listeners = self._listeners.get(topic)
        if listeners:
            item = Item(topic, identity, Update.decode(text))
            for queue in listeners:
                _offer(queue, item)

    def _resync(self) -> None:
        for queue in {each for listeners in self._listeners.values() for each in listeners}:
            _offer(queue, Resync())


def _offer(queue: Listener, item: Item | Resync) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(Resync())
    else:
        queue.put_nowait(item)
