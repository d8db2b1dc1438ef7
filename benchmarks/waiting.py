"""An event in a running service, and a crowd that waits on its stream.

A client here is a socket and two counters: two thousand of them share two CPUs with the service.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.engine import Sessions
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    Room,
    Visibility,
)
from api.events import acting
from benchmarks import loading, serving
from benchmarks.serving import Service

CONNECTING_MAX = 40
# A server process lets one user have 12.
STREAMS_PER_USER = 10


class Client(asyncio.Protocol):
    """Counts in a stream how often a mark has come, and when the last one did."""

    def __init__(self, request: bytes, mark: bytes) -> None:
        self._request = request
        self._mark = mark
        self._rest = b""
        self.ready = asyncio.get_running_loop().create_future()
        self.count = 0
        self.at = 0.0
        self.wall = 0.0
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = transport
        # What uvloop gives is one, but for its ancestors.
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the mark, which may come in two pieces."""
        seen = self._rest + data
        if found := seen.count(self._mark):
            self.count += found
            self.at, self.wall = time.perf_counter(), time.time()
        if not self.ready.done() and b"event: ready" in seen:
            self.ready.set_result(None)
        self._rest = seen[-len(self._mark) + 1 :]
        if found:
            last = seen.rindex(self._mark) + len(self._mark)
            self._rest = seen[max(last, len(seen) - len(self._mark) + 1) :]

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever still waits for the stream to open."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the stream was closed"))


async def crowd(service: Service, topics: Sequence[str], count: int, mark: bytes) -> list[Client]:
    """Open so many streams of some topics; they are live when this returns."""
    query = "&".join(f"topic={each}" for each in topics)
    loop = asyncio.get_running_loop()
    tokens = [service.token(uuid4()) for _ in range(-(-count // STREAMS_PER_USER))]
    clients: list[Client] = []

    async def one(number: int) -> Client:
        request = loading.get(f"/v1/stream?{query}", tokens[number // STREAMS_PER_USER])
        _, client = await loop.create_connection(
            lambda: Client(request.encode(), mark), "127.0.0.1", service.port
        )
        await client.ready
        return client

    while len(clients) < count:
        some = range(len(clients), min(count, len(clients) + CONNECTING_MAX))
        clients += await asyncio.gather(*(one(number) for number in some))
    return clients


def hang_up(clients: Sequence[Client]) -> None:
    """Close all streams."""
    for client in clients:
        if client.transport is not None:
            client.transport.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An event with its entries, one player each."""

    id: UUID
    problems: list[UUID]
    room: UUID = field(default_factory=new_id)
    entries: list[UUID] = field(default_factory=list)
    players: list[UUID] = field(default_factory=list)


async def event(
    made: Sessions, *, state: EventState, problems: int, text: str, players: int = 1
) -> Played:
    """Put an event into the tables, with copies of the service's problem and these statements."""
    played = Played(
        id=new_id(),
        problems=[new_id() for _ in range(problems)],
        entries=[new_id() for _ in range(players)],
        players=[uuid4() for _ in range(players)],
    )
    async with made() as session:
        session.add(_row(played.id, state))
        await session.flush()
        await _problems(session, played, text)
        await _entries(session, played)
        await acting.add_rows(session, await session.get_one(Event, played.id))
        await session.commit()
    return played


def _row(event_id: UUID, state: EventState) -> Event:
    now = datetime.now(UTC)
    live = state is EventState.LIVE
    return Event(
        id=event_id,
        slug=f"bench-{event_id}",
        title="Bench",
        state=state,
        format="icpc",
        starts_at=now - timedelta(minutes=5) if live else now + timedelta(hours=1),
        started_at=now - timedelta(minutes=5) if live else None,
        duration_s=5 * 3600,
        seed=1,
        requested_by=uuid4(),
    )


async def _problems(session: AsyncSession, played: Played, text: str) -> None:
    base = await session.scalar(
        select(CodeProblemVersion)
        .join(CodeProblem, CodeProblem.current_version_id == CodeProblemVersion.id)
        .where(CodeProblem.slug == serving.SLUG)
    )
    assert base is not None
    copied = {
        column.key: getattr(base, column.key)
        for column in CodeProblemVersion.__mapper__.column_attrs
        if column.key not in {"id", "problem_id", "created_at", "updated_at", "statements"}
    }
    statement = {"language": "en", "format": "md", "title": "Bench", "text": text}
    for number, problem_id in enumerate(played.problems):
        slug = f"bench-{problem_id}"
        session.add(
            CodeProblem(id=problem_id, slug=slug, title="Bench", visibility=Visibility.HIDDEN)
        )
        await session.flush()
        version = CodeProblemVersion(
            **copied, id=new_id(), problem_id=problem_id, statements=[statement]
        )
        session.add(version)
        await session.flush()
        session.add(
            EventProblem(
                event_id=played.id,
                problem_id=problem_id,
                version_id=version.id,
                label=f"P{number}",
                position=number,
                points=Decimal(100),
                scoring=False,
                cpu_ms=base.cpu_ms,
                memory_bytes=base.memory_bytes,
            )
        )


async def _entries(session: AsyncSession, played: Played) -> None:
    room = Room(id=played.room, event_id=played.id, name="Room", position=0)
    session.add(room)
    await session.flush()
    pairs = zip(played.entries, played.players, strict=True)
    for number, (entry, player) in enumerate(pairs):
        session.add(
            EventEntry(id=entry, event_id=played.id, name=f"Entry {number}", room_id=room.id)
        )
        await session.flush()
        session.add(
            EventParticipant(
                entry_id=entry, user_id=player, event_id=played.id, name=f"Player {number}"
            )
        )
