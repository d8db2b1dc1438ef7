"""An event with problems, guilds, rooms and entries, put straight into the tables."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import (
    Blob,
    CodeProblem,
    CodeProblemVersion,
    Event,
    EventEntry,
    EventProblem,
    EventState,
    Room,
    Visibility,
)
from api.wiring import Parts

LIMITS = {"cpu_ms": 1000, "memory_bytes": 1 << 28}
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a test plays on; entries 0 and 1 are a guild, 2 and 3 another, the rest have none."""

    event_id: UUID
    problems: list[UUID]
    entries: list[UUID]
    rooms: list[UUID]

    def at(self, minutes: float) -> datetime:
        return START + timedelta(minutes=minutes)


Grounds = Callable[..., Awaitable[Ground]]


@pytest.fixture
def ground(parts: Parts) -> Grounds:
    """Return a function that makes an event: `ground(format=…, entries=…, freeze_s=…)`."""

    async def make(*, entries: int = 5, problems: int = 3, **event: Any) -> Ground:
        made = Ground(
            new_id(),
            [new_id() for _ in range(problems)],
            sorted(new_id() for _ in range(entries)),
            [new_id(), new_id()],
        )
        guilds = [new_id(), new_id()]
        async with parts.sessions() as session:
            await session.merge(Blob(sha256="0" * 64, size_bytes=1, media_type="application/zip"))
            session.add(
                Event(
                    **{
                        "id": made.event_id,
                        "slug": f"event-{made.event_id}",
                        "title": "Event",
                        "state": EventState.LIVE,
                        "format": "icpc",
                        "starts_at": START,
                        "duration_s": 5 * 3600,
                        "seed": 1,
                        "requested_by": new_id(),
                    }
                    | event
                )
            )
            await session.flush()
            session.add_all(
                Room(id=room, event_id=made.event_id, name=f"Room {n}", position=n)
                for n, room in enumerate(made.rooms)
            )
            await _problems(session, made)
            session.add_all(
                EventEntry(
                    id=entry,
                    event_id=made.event_id,
                    name=f"Entry {n}",
                    guild_id=guilds[n // 2] if n < 4 else None,
                    room_id=made.rooms[n % 2],
                )
                for n, entry in enumerate(made.entries)
            )
            await session.commit()
        return made

    return make


async def _problems(session: AsyncSession, made: Ground) -> None:
    for number, problem_id in enumerate(made.problems):
        version_id = new_id()
        slug = f"problem-{problem_id}"
        session.add(CodeProblem(id=problem_id, slug=slug, title="P", visibility=Visibility.PUBLIC))
        await session.flush()
        session.add(
            CodeProblemVersion(
                **LIMITS,
                id=version_id,
                problem_id=problem_id,
                number=1,
                package_sha256="0" * 64,
                data_hash="",
                title="P",
                kinds=["pass-fail"],
                output_bytes=1,
                source_bytes=1,
                case_total=1,
            )
        )
        await session.flush()
        session.add(
            EventProblem(
                **LIMITS,
                event_id=made.event_id,
                problem_id=problem_id,
                version_id=version_id,
                label=chr(65 + number),
                position=number,
                points=Decimal(100),
                # The last one gives scores.
                scoring=number == len(made.problems) - 1,
                max_score=Decimal(10) if number == len(made.problems) - 1 else None,
            )
        )
