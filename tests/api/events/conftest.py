"""An arena: an event with hidden problems and people, played over HTTP and judged by a script."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventState,
    Room,
    Visibility,
)
from api.events import acting, choosing
from api.events.choosing import Choice
from api.problems.cache import PackageCache
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Judgement
from judge.submission import Submission
from tests.api.conftest import PROBLEMS, Client, ClientFor, imported
from tests.api.submissions.conftest import ScriptedJudge


class ArenaJudge(ScriptedJudge):
    """Notes what it is told to judge by, and changes its mind when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.options: list[Options] = []
        self.changes: dict[str, str] = {}

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> Judgement:
        """Judge as the source says, or as it was changed to."""
        self.options.append(options)
        (name, content), *_ = submission.files.items()
        said = self.changes.get(content.decode(), content.decode())
        changed = replace(submission, files={name: said.encode()})
        return await super().judge(problem, changed, options=options, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """An event and who is in it; what tests do in few words."""

    parts: Parts
    client_for: ClientFor
    event_id: UUID
    problem_id: UUID
    room_id: UUID
    ada: UUID = field(default_factory=new_id)
    bob: UUID = field(default_factory=new_id)
    entries: dict[UUID, UUID] = field(default_factory=dict)
    judge: ArenaJudge = field(default_factory=ArenaJudge)

    def client(self, user: UUID | None = None) -> Client:
        """Return a player's client."""
        return self.client_for(user_id=user)

    async def change(self, **values: Any) -> None:
        """Change the event's row."""
        async with self.parts.sessions() as session:
            await session.execute(update(Event).values(values))
            await session.commit()

    async def submit(self, user: UUID, source: str = "AC", **more: Any) -> Any:
        """Hand in to the event; returns the response."""
        new = {
            "problem": "A",
            "language": "python3",
            "source": source,
            "event_id": str(self.event_id),
        }
        return await self.client(user).post("/v1/submissions", json=new | more)

    async def judged(self) -> None:
        """Judge all there is."""
        packages = PackageCache(self.parts.settings.cache_dir, self.parts.blobs, bytes_max=1 << 30)
        jobs = SubmissionJobs(self.parts, self.judge, packages, worker=new_id(), slots=1)
        await jobs.look()

    async def event(self) -> Event:
        """Read the event."""
        async with self.parts.sessions() as session:
            return await session.get_one(Event, self.event_id)


Arenas = Callable[..., Awaitable[Arena]]


@pytest.fixture
def arena(app: FastAPI, parts: Parts, client_for: ClientFor) -> Arenas:
    """Return a maker of arenas: `arena(state=…)`, an hour that began ten minutes ago."""
    del app

    async def make(**event: Any) -> Arena:
        hidden = await imported(parts, PROBLEMS / "hello", visibility=Visibility.HIDDEN)
        made = Arena(
            parts=parts,
            client_for=client_for,
            event_id=new_id(),
            problem_id=hidden.problem_id,
            room_id=new_id(),
        )
        start = datetime.now(UTC) - timedelta(minutes=10)
        values = {
            "id": made.event_id,
            "slug": "autumn",
            "title": "Autumn",
            "state": EventState.LIVE,
            "format": "icpc",
            "starts_at": start,
            "started_at": start,
            "duration_s": 3600,
            "seed": 1,
            "requested_by": new_id(),
        }
        async with parts.sessions() as session:
            row = Event(**values | event | {"state": EventState.APPROVED})
            session.add(row)
            await session.flush()
            await choosing.choose(session, row, [Choice(problem_id=made.problem_id)])
            row.state = event.get("state", EventState.LIVE)
            assigned = row.state is not EventState.APPROVED
            if assigned:
                session.add(Room(id=made.room_id, event_id=row.id, name="Room 1", position=0))
                await session.flush()
            for name, user in (("Ada", made.ada), ("Bob", made.bob)):
                entry = EventEntry(
                    id=new_id(),
                    event_id=row.id,
                    name=name,
                    room_id=made.room_id if assigned else None,
                )
                session.add(entry)
                await session.flush()
                made.entries[user] = entry.id
                session.add(
                    EventParticipant(
                        entry_id=entry.id,
                        user_id=user,
                        event_id=row.id,
                        kind=EntryKind.OFFICIAL,
                        name=name,
                    )
                )
            await session.flush()
            if assigned:
                await acting.add_rows(session, row)
            await session.commit()
        return made

    return make


@pytest.fixture
def master(client_for: ClientFor) -> Client:
    """Return a game master's client."""
    return client_for(Role.GAME_MASTER)
