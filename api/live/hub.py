"""One Redis subscription per process, shared by everybody who waits in it.

    publishers → Redis → the hub of each process → sinks: streams of clients, waiting requests

Everything arrives on one channel and is handed out by topic in memory, so that following a topic
costs no round trip and nothing can slip between asking and being subscribed. When the
subscription was down, sinks are told that they may have lost something; each finds out by itself.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from api.errors import TooManyError, UnavailableError
from api.live import keys
from api.live.history import Histories, Position
from api.live.updates import Kind, Topic, Update, parse
from api.logs import logger
from api.metrics import LIVE_FOLLOWERS

QUEUED_MAX = 256
RETRY_S = 0.2
RETRY_S_MAX = 2.0
PING_S = 5.0
BEAT_S = 15.0
STREAMS_MAX = 5_000
STREAMS_PER_USER_MAX = 12
JOINS_MAX = 8
# Requests of one person that wait for something to happen.
WAITS_PER_USER_MAX = 32
_YIELD_EVERY = 50
_RIGHTS = Update(kind=Kind.RIGHTS, data={}).encode().partition(",")[0]
_log = logger(__name__)


@dataclass(slots=True)
class Item:
    """An update as it came: its topic, its position, what it says, and forms made of it so far."""

    topic: str
    position: Position
    update: Update
    forms: dict[object, bytes] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return its position as text."""
        return str(self.position)

    def form(self, key: object, make: Callable[["Item"], bytes]) -> bytes:
        """Return what `make` makes of this item; sinks with the same key share it."""
        if key not in self.forms:
            self.forms[key] = make(self)
        return self.forms[key]


@dataclass(frozen=True, slots=True)
class Resync:
    """Something may have been missed: reread the state."""


Listener = asyncio.Queue[Item | Resync]


class Sink(Protocol):
    """Somebody whom the hub tells things; none of these may wait."""

    def take(self, item: Item) -> None:
        """Something happened on one of the topics."""

    def lost(self) -> None:
        """Something may have happened that was not told."""


@runtime_checkable
class Stream(Sink, Protocol):
    """A sink with a client at its end."""

    user_id: UUID

    def beat(self, now: float) -> None:
        """Show a sign of life if there was none lately, or end if it is time."""

    def recheck(self) -> None:
        """Ask whether the client may still follow."""

    def end(self, reason: str) -> None:
        """Tell the client to come back, and end."""


class _Waiting:
    """A sink that is a bounded queue: when it overflows, one `Resync` takes the place of all."""

    def __init__(self) -> None:
        self.queue: Listener = asyncio.Queue(QUEUED_MAX)

    def take(self, item: Item) -> None:
        if self.queue.full():
            self.lost()
        else:
            self.queue.put_nowait(item)

    def lost(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(Resync())


class Hub:
    """Hands updates to the sinks of their topics."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._sinks: dict[str, set[Sink]] = {}
        self._streams: set[Stream] = set()
        self._streams_of: dict[UUID, int] = {}
        self._waits_of: Counter[UUID] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._up = asyncio.Event()
        self._gone = asyncio.Event()
        self.draining = False
        self.histories = Histories(redis)
        # Bounds what a thousand clients that come back at once ask of Redis and PostgreSQL.
        self.joins = asyncio.Semaphore(JOINS_MAX)

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._tasks = [
            asyncio.create_task(self._run(), name="live hub"),
            asyncio.create_task(self._beat(), name="live heartbeat"),
        ]

    async def stop(self) -> None:
        """End listening."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def send_away(self) -> None:
        """Take no new streams and have all clients told to come back."""
        self.draining = True
        for stream in tuple(self._streams):
            stream.end("shutdown")

    async def drain(self, *, within_s: float = 5.0) -> None:
        """Send all clients away and return when they are gone."""
        self.send_away()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._streams:
                    self._gone.clear()
                    await self._gone.wait()

    @asynccontextmanager
    async def listen(
        self, topics: Iterable[str], *, waiting: UUID | None = None
    ) -> AsyncIterator[Listener]:
        """Return a queue of what happens on some topics from now on.

        Raises when there are too many already that are `waiting` for one person.
        """
        chosen = tuple(topics)
        sink = _Waiting()
        if waiting is not None:
            self._wait(waiting)
        self.add(sink, chosen)
        try:
            yield sink.queue
        finally:
            self.remove(sink, chosen)
            if waiting is not None:
                self._waits_of[waiting] -= 1
                if not self._waits_of[waiting]:
                    del self._waits_of[waiting]

    def _wait(self, user_id: UUID) -> None:
        if self._waits_of[user_id] >= WAITS_PER_USER_MAX:
            raise TooManyError(
                f"{WAITS_PER_USER_MAX} of your requests wait already; a stream follows many topics",
                retry_after_s=1,
                slug="too-many-waiting",
            )
        self._waits_of[user_id] += 1

    def add(self, sink: Sink, topics: Iterable[str]) -> None:
        """Have a sink told what happens on some topics from now on."""
        for topic in topics:
            self._sinks.setdefault(topic, set()).add(sink)

    def remove(self, sink: Sink, topics: Iterable[str]) -> None:
        """Have a sink told no more of some topics."""
        for topic in topics:
            remaining = self._sinks.get(topic, set())
            remaining.discard(sink)
            if not remaining:
                self._sinks.pop(topic, None)

    def followed(self, kinds: Collection[Topic]) -> set[tuple[UUID, UUID]]:
        """Return who has a stream open here that follows which topics of these kinds."""
        prefixes = tuple(f"{kind.value}:" for kind in kinds)
        return {
            (sink.user_id, parse(topic)[1])
            for topic, sinks in self._sinks.items()
            if topic.startswith(prefixes)
            for sink in sinks
            if isinstance(sink, Stream)
        }

    def admit(self, stream: Stream) -> None:
        """Count a stream in; raises when there are too many."""
        if self.draining:
            raise UnavailableError("this server is going down", retry_after_s=1)
        if len(self._streams) >= STREAMS_MAX:
            raise UnavailableError("too many open streams", retry_after_s=10)
        mine = self._streams_of.get(stream.user_id, 0)
        if mine >= STREAMS_PER_USER_MAX:
            raise TooManyError(
                f"{mine} of your streams are open; one can follow many topics",
                retry_after_s=10,
                slug="too-many-streams",
            )
        self._streams_of[stream.user_id] = mine + 1
        self._streams.add(stream)
        LIVE_FOLLOWERS.set(len(self._streams))

    def dismiss(self, stream: Stream) -> None:
        """Count a stream out."""
        if stream not in self._streams:
            return
        self._streams.discard(stream)
        left = self._streams_of.pop(stream.user_id) - 1
        if left:
            self._streams_of[stream.user_id] = left
        LIVE_FOLLOWERS.set(len(self._streams))
        self._gone.set()

    @property
    def up(self) -> bool:
        """Tell whether updates arrive."""
        return self._up.is_set()

    async def wait_up(self, timeout_s: float) -> bool:
        """Wait until updates arrive; tell whether they do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        return self.up

    async def _run(self) -> None:
        pause = RETRY_S
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(keys.CHANNEL)
                    await self._read(channel)
            except (RedisError, OSError, TimeoutError) as error:
                if self.up:
                    _log.warning("hub.disconnected", error=str(error))
                    pause = RETRY_S
                self._up.clear()
            await asyncio.sleep(pause)
            pause = min(RETRY_S_MAX, pause * 2)

    async def _read(self, channel: PubSub) -> None:
        """Hand out until the connection fails. A connection that is silent is asked."""
        asked = False
        while True:
            message = await channel.get_message(timeout=PING_S)
            if message is None:
                if asked:
                    raise RedisConnectionError("no answer to a ping")
                await channel.ping("?")
                asked = True
                continue
            asked = False
            if message["type"] == "message":
                try:
                    self._hand_out(message["data"])
                except (ValueError, KeyError, TypeError) as error:
                    # Nothing of ours, or of a version of ours to come: no reason to end for all.
                    _log.error("hub.unreadable", error=type(error).__name__)
            elif message["type"] == "subscribe":
                # The client reconnects by itself at times; that shows as another subscription.
                self._up.set()
                self._resync()

    def _hand_out(self, data: bytes) -> None:
        topic, epoch, number, text = data.decode().split("\n", 3)
        if text.startswith(_RIGHTS):
            for stream in tuple(self._streams):
                if topic == Topic.USER.of(stream.user_id):
                    stream.recheck()
        sinks = self._sinks.get(topic)
        if sinks:
            item = Item(topic, Position(epoch, int(number)), Update.decode(text))
            for sink in tuple(sinks):
                sink.take(item)

    def _resync(self) -> None:
        for sink in {each for sinks in self._sinks.values() for each in sinks}:
            sink.lost()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S / 3)
            now = time.monotonic()
            for count, stream in enumerate(tuple(self._streams)):
                stream.beat(now)
                if count % _YIELD_EVERY == _YIELD_EVERY - 1:
                    # Writing to all at once would make an update wait behind heartbeats.
                    await asyncio.sleep(0.01)
