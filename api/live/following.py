"""One client's stream: what it missed, then what happens, until it ends or must come back.

    catch up ─→ live ─→ catch up …        when Redis was away, wiped, or counts anew
       └──────────┴───→ end               slow, too old, shut down: the client comes back with
                                          the last id it saw and catches up there

Catching up first takes a place in the hub, then reads Redis, then PostgreSQL. Whatever is
published meanwhile waits in the buffer and is told from its number, so nothing is missed and
nothing told twice. Snapshots carry no id: a client that is cut off among them asks again.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from redis.exceptions import RedisError

from api import redaction
from api.auth import CurrentUser, Scope
from api.db.engine import AWAY
from api.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError
from api.live.history import Entry, History, Position
from api.live.hub import BEAT_S, Hub, Item
from api.live.updates import BEFORE_THE_END, PASSING, Kind
from api.redaction import Audience, Phase

BUFFER_MAX = 512
LIFE_S = 3600.0
# With the heartbeat that looks at it, nobody follows for a minute by a token that was revoked.
RECHECK_S = 50.0
# A client that takes nothing for so long is cut off; it can resume.
SEND_S = 10.0
RETRY_MS = 1000
REDIS_RETRY_S = 2.0
HEARTBEAT = b":\n\n"
# Returns somebody as they are now; raises `UnauthenticatedError` when their token does not hold.
Again = Callable[[CurrentUser], Awaitable[CurrentUser]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A topic as one caller sees it now: in which part, when, and the state (not yet redacted).

    `phase` None means that every update is in the phase of the event it names.
    `going` are the judgings (or jobs) whose end is still to come, `over` those that have ended.
    """

    audience: Audience
    phase: Phase | None
    state: Sequence[Mapping[str, Any]]
    going: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()


class State(Protocol):
    """What PostgreSQL says; `api.live.state` reads it."""

    async def views(self, user: CurrentUser, topics: Sequence[str]) -> Mapping[str, View]:
        """Return those of the topics that exist and that the caller may follow."""


class StateError(Exception):
    """PostgreSQL does not answer."""


class Follower:
    """A stream of one caller over some topics; a sink of the hub."""

    def __init__(
        self,
        hub: Hub,
        state: State,
        user: CurrentUser,
        topics: Sequence[str],
        seen: Position,
        *,
        again: Again | None = None,
    ) -> None:
        self.user_id = user.id
        self._again = again
        self._doubted = False
        self._check_at = _next_check()
        self._hub = hub
        self._state = state
        self._user = user
        self._topics = tuple(dict.fromkeys(topics))
        self._views: Mapping[str, View] = {}
        self._seen = seen
        self._over: set[str] = set()
        self._buffer: deque[Item] = deque()
        self._behind = True
        self._beat = False
        self._ending = ""
        self.stuck = False
        self._sender: asyncio.Task[Any] | None = None
        self._sending_at = 0.0
        self._wake = asyncio.Event()
        self._told_at = time.monotonic()
        self._until = self._told_at + LIFE_S * random.uniform(0.9, 1.1)  # noqa: S311 - jitter

    def take(self, item: Item) -> None:
        """Keep an update until the client takes it; a client that falls far behind is ended."""
        if self._ending:
            return
        if item.update.kind == Kind.PHASE:
            # Who may see what has changed: nothing more is told by the old rule.
            self.lost()
        self._buffer.append(item)
        if len(self._buffer) > BUFFER_MAX:
            self._buffer.clear()
            self.end("slow")
        self._wake.set()

    def lost(self) -> None:
        """Catch up before anything else is told."""
        self._behind = True
        self._wake.set()

    def beat(self, now: float) -> None:
        """Send a heartbeat if nothing was sent lately; end a stream that is too old or stuck."""
        if self._sender is not None and now - self._sending_at > SEND_S:
            self.stuck = True
            self._sender.cancel()
        elif now > self._until:
            self.end("expired")
        elif now > self._check_at:
            self.recheck()
        elif now - self._told_at > BEAT_S * 2 / 3:
            self._beat = True
            self._wake.set()

    def recheck(self) -> None:
        """Ask whether the client may still follow before anything else is told."""
        self._doubted = True
        self._wake.set()

    def end(self, reason: str) -> None:
        """Tell the client to come back, and end."""
        self._ending = self._ending or reason
        self._wake.set()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Surround a sending: one that never comes to an end is cut off by the heartbeat.

        A timer for each of a thousand clients would cost more than the update itself.
        """
        self._sending_at = time.monotonic()
        self._sender = asyncio.current_task()
        try:
            yield
        finally:
            self._sender = None

    @property
    def ending(self) -> str:
        """Return why this stream ends, empty while it does not."""
        return self._ending

    async def open(self) -> None:
        """Take a place in the hub; raises when the caller may not follow all of the topics."""
        self._hub.admit(self)
        try:
            try:
                views = await self._state.views(self._user, self._topics)
            except StateError as error:
                raise UnavailableError("the database does not answer", retry_after_s=2) from error
            refuse_missing(self._topics, views)
            self._views = views
            self._hub.add(self, self._topics)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the hub."""
        self._hub.remove(self, self._topics)
        self._hub.dismiss(self)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what is to be sent, from `open` until it ends."""
        yield f"retry: {_retry_ms()}\n\n".encode()
        told = False
        while not self._ending:
            if self._doubted:
                await self._check()
            elif self._behind:
                async for chunk in self._catch_up(first=not told):
                    yield chunk
                told = True
            elif chunk := self._due():
                yield chunk
            elif not self._behind:
                self._wake.clear()
                await self._wake.wait()
        yield _event("reconnect", {"reason": self._ending}, retry_ms=_retry_ms())

    async def _check(self) -> None:
        """End when the token does not hold any more; go by other roles when there are others."""
        self._doubted, self._check_at = False, _next_check()
        if self._again is None:
            return
        try:
            user = await self._again(self._user)
            user.need_scope(Scope.READ)
        except (UnauthenticatedError, ForbiddenError):
            self.end("revoked")
        except AWAY:
            # As for who is in already: nobody is sent away because PostgreSQL is.
            return
        else:
            if user != self._user:
                self._user = user
                self.lost()

    def _due(self) -> bytes:
        """Return what is to be sent now: updates, else a heartbeat if one is due."""
        parts: list[bytes] = []
        while self._buffer and not self._behind:
            item = self._buffer.popleft()
            if item.position.epoch != self._seen.epoch:
                self._behind = True
            elif item.position.number > self._seen.number:
                self._seen = item.position
                parts.append(self._shown(item))
        beat, self._beat = self._beat, False
        chunk = b"".join(parts) or (HEARTBEAT if beat else b"")
        if chunk:
            self._told_at = time.monotonic()
        return chunk

    def _shown(self, item: Item) -> bytes:
        view = self._views.get(item.topic)
        if view is None:
            return b""
        if item.update.kind in BEFORE_THE_END and item.update.data.get("judging_id") in self._over:
            # A snapshot already said how this judging ended.
            return b""
        who = (view.audience, view.phase)
        return item.form(who, lambda each: _form(each, *who))

    async def _catch_up(self, *, first: bool) -> AsyncIterator[bytes]:
        self._behind = False
        try:
            async with self._hub.joins:
                # Whatever came until now is in what is read now.
                self._buffer.clear()
                history = await self._hub.histories.read(self._topics, self._seen)
                views = await self._state.views(self._user, self._topics)
        except (RedisError, OSError, TimeoutError, StateError):
            self._behind = True
            if first:
                # Without Redis a client still gets the state, as of its coming.
                for topic, view in self._views.items():
                    yield _snapshot(topic, view)
            yield HEARTBEAT
            await self._pause()
            return
        gone = [topic for topic in self._topics if topic not in views]
        self._hub.remove(self, gone)
        self._topics = tuple(views)
        for topic in gone:
            yield _event("gone", {"topic": topic})
        for chunk in self._told(history, views):
            yield chunk

    def _told(self, history: History, views: Mapping[str, View]) -> list[bytes]:
        self._views = views
        torn = [topic for topic in views if topic in history.torn]
        self._over = {judging for topic in torn for judging in views[topic].over}
        chunks = [_snapshot(topic, views[topic]) for topic in torn]
        for entry in history.entries:
            view = views.get(entry.topic)
            if view is not None and _again(entry, history, view):
                position = Position(history.now.epoch, entry.number)
                chunks.append(self._shown(Item(entry.topic, position, entry.update)))
        self._seen = history.now
        self._told_at = time.monotonic()
        ready = {"topics": sorted(views), "heartbeat_s": BEAT_S}
        chunks.append(_event("ready", ready, identity=str(history.now)))
        return [chunk for chunk in chunks if chunk]

    async def _pause(self) -> None:
        await self._hub.wait_up(REDIS_RETRY_S)
        # Up or not, reading may have failed for another reason: not at once again.
        await asyncio.sleep(random.uniform(0.2, 0.5))  # noqa: S311 - jitter


def refuse_missing(topics: Sequence[str], views: Mapping[str, View]) -> None:
    """Raise `NotFoundError` unless the caller may follow all of the topics."""
    missing = [topic for topic in topics if topic not in views]
    if missing:
        raise NotFoundError(
            f"{missing[0]}: there is no such topic", slug="topic-not-found", topics=missing
        )


def _again(entry: Entry, history: History, view: View) -> bool:
    """Tell whether an old update is told: all of whole topics, of torn ones what is under way."""
    if entry.topic not in history.torn:
        return True
    return entry.update.kind in PASSING and entry.update.data.get("judging_id") in view.going


def _form(item: Item, audience: Audience, phase: Phase | None) -> bytes:
    phase = phase or _phase(item.update.data)
    shown = redaction.update(item.update.kind, item.update.data, audience, phase)
    if shown is None:
        return b""
    return _event(item.update.kind, {"topic": item.topic, **shown}, identity=item.id)


def _phase(data: Mapping[str, Any]) -> Phase:
    """Return the phase of what an update speaks of; one that does not say shows nothing."""
    if "event_id" not in data:
        return Phase.FROZEN
    event_id, said = data["event_id"], data.get("phase")
    known = Phase(said) if said is not None else None
    return redaction.phase_of(UUID(event_id) if event_id is not None else None, known)


def _snapshot(topic: str, view: View) -> bytes:
    shown = [
        redaction.state(each, view.audience, view.phase or _phase(each)) for each in view.state
    ]
    items = [each for each in shown if each is not None]
    return _event("snapshot", {"topic": topic, "items": items})


def _event(
    kind: Kind | str, data: Mapping[str, Any], *, identity: str = "", retry_ms: int = 0
) -> bytes:
    lines = [f"event: {kind}"]
    if identity:
        lines.append(f"id: {identity}")
    if retry_ms:
        lines.append(f"retry: {retry_ms}")
    lines.append(f"data: {json.dumps(data, separators=(',', ':'), default=str)}")
    return ("\n".join(lines) + "\n\n").encode()


def _next_check() -> float:
    return time.monotonic() + RECHECK_S * random.uniform(0.8, 1.0)  # noqa: S311 - jitter


def _retry_ms() -> int:
    """Spread the return of many clients."""
    return RETRY_MS + random.randrange(RETRY_MS * 2)  # noqa: S311 - jitter
