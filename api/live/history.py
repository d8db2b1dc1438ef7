"""What Redis still knows of some topics after a position, read in one step."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from api.live import keys
from api.live.updates import Update

_ID = re.compile(r"([0-9a-f]{12})-([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a client has seen all its topics; as text it is the id of a server-sent event."""

    epoch: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def parse(cls, text: str | None) -> "Position":
        """Read an event id; one that is none of ours says that nothing was seen."""
        match = _ID.fullmatch(text or "")
        return cls(match[1], int(match[2])) if match else cls()


@dataclass(frozen=True, slots=True)
class Entry:
    """An update of a topic and its number."""

    number: int
    topic: str
    update: Update


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What there is after a position. `torn` topics may have lost updates before their first.

    `now` is the position of this reading: every update up to it is either in `entries`, or was
    seen, or is of a torn topic.
    """

    now: Position
    entries: tuple[Entry, ...]
    torn: frozenset[str]


class Histories:
    """Reads histories."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(keys.CATCH_UP)

    async def read(self, topics: Sequence[str], seen: Position) -> History:
        """Return what was published on some topics after a position, in the order of numbers."""
        call: Any = self._script(
            keys=[keys.META, *(keys.STREAM + topic for topic in topics)],
            args=[secrets.token_hex(6), seen.epoch, seen.number],
        )
        async with asyncio.timeout(keys.ANSWER_S):
            epoch, number, found = cast("Any", await call)
        entries: list[Entry] = []
        torn: set[str] = set()
        for topic, (whole, rows) in zip(topics, found, strict=True):
            if not whole:
                torn.add(topic)
            for identity, values in rows:
                counted = int(identity.partition(b"-")[0])
                entries.append(Entry(counted, topic, Update.decode(values[1])))
        entries.sort(key=lambda each: each.number)
        return History(
            now=Position(epoch.decode(), number), entries=tuple(entries), torn=frozenset(torn)
        )
