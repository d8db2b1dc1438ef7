"""A contest of two problems, two rooms, a guild and four teams, put straight into the tables."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    Event,
    EventEntry,
    EventGuild,
    EventParticipant,
    EventProblem,
    EventState,
    Judging,
    JudgingState,
    Queue,
    Room,
    Run,
    SubmissionFile,
)
from api.events import acting
from api.leaderboards import updating
from api.leaderboards.updating import Known
from api.settings import Settings
from api.wiring import Parts
from judge.verdicts import Verdict
from tests.api.conftest import PROBLEMS, imported, token_for

BASE = "/v1/clics/api"
SOURCE = b"print('42')  # the source of somebody\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A contest that began an hour ago, or will; entries by their number, one person in each."""

    parts: Parts
    settings: Settings
    event_id: UUID
    slug: str
    start: datetime
    problems: list[UUID]
    versions: list[UUID]
    rooms: list[UUID]
    entries: list[UUID]
    people: list[UUID]
    jury: UUID = field(default_factory=new_id)

    def at(self, minutes: float) -> datetime:
        return self.start + timedelta(minutes=minutes)

    def token(self, who: int | str) -> str | None:
        """Return a bearer token: of a team's person, of the `jury`, or none for the public."""
        if who == "public":
            return None
        if who == "jury":
            return token_for(self.settings, Role.GAME_MASTER, user_id=self.jury)
        assert isinstance(who, int)
        return token_for(self.settings, user_id=self.people[who])

    async def submit(self, who: int, problem: int, minutes: float, language: str = "cpp") -> UUID:
        """Store a submission that waits to be judged."""
        identity, version = new_id(), self.versions[problem]
        async with self.parts.sessions() as session:
            session.add(
                CodeSubmission(
                    id=identity,
                    user_id=self.people[who],
                    problem_id=self.problems[problem],
                    version_id=version,
                    event_id=self.event_id,
                    room_id=self.rooms[who % 2],
                    entry_id=self.entries[who],
                    language=language,
                    entry_point="main" if language != "java" else None,
                    source_hash="0" * 64,
                    source_bytes=len(SOURCE),
                    submitted_at=self.at(minutes),
                    request_hash="",
                )
            )
            await session.flush()
            session.add(SubmissionFile(submission_id=identity, name="main.cpp", content=SOURCE))
            session.add(self._judging(identity, who, problem, minutes))
            await updating.record(session, self._known(identity, who, problem, minutes))
            await session.commit()
        return identity

    async def judge(self, submission_id: UUID, verdict: Verdict, *, seconds: float = 5) -> UUID:
        """Store how its current judging ends, with two runs, as a worker does."""
        async with self.parts.sessions() as session:
            row = await session.get_one(CodeSubmission, submission_id)
            judging = (
                await session.scalars(
                    select(Judging).where(Judging.submission_id == row.id, Judging.is_current)
                )
            ).one()
            judging.state, judging.verdict = JudgingState.DONE, verdict
            judging.started_at = row.submitted_at + timedelta(seconds=1)
            judging.finished_at = row.submitted_at + timedelta(seconds=seconds)
            judging.cpu_us = 123_456
            session.add_all(_run(judging.id, position, verdict) for position in (1, 2))
            who = self.people.index(row.user_id)
            minutes = (row.submitted_at - self.start) / timedelta(minutes=1)
            problem = self.problems.index(row.problem_id)
            known = self._known(row.id, who, problem, minutes, verdict)
            await updating.record(session, known)
            await session.commit()
            return judging.id

    async def rejudge(self, submission_id: UUID, verdict: Verdict) -> UUID:
        """Put another judging in the place of the one that counts."""
        async with self.parts.sessions() as session:
            row = await session.get_one(CodeSubmission, submission_id)
            await session.execute(
                update(Judging)
                .where(Judging.submission_id == submission_id)
                .values(is_current=False)
            )
            who = self.people.index(row.user_id)
            session.add(self._judging(row.id, who, self.problems.index(row.problem_id), 0))
            await session.commit()
        return await self.judge(submission_id, verdict)

    async def change(self, **values: Any) -> None:
        """Change the event."""
        async with self.parts.sessions() as session:
            await session.execute(update(Event).where(Event.id == self.event_id).values(**values))
            await session.commit()

    def _judging(self, identity: UUID, who: int, problem: int, minutes: float) -> Judging:
        return Judging(
            id=new_id(),
            submission_id=identity,
            version_id=self.versions[problem],
            user_id=self.people[who],
            is_current=True,
            state=JudgingState.QUEUED,
            queue=Queue.INTERACTIVE,
            due_at=self.at(minutes),
        )

    def _known(
        self, identity: UUID, who: int, problem: int, minutes: float, verdict: Verdict | None = None
    ) -> Known:
        return Known(
            event_id=self.event_id,
            entry_id=self.entries[who],
            problem_id=self.problems[problem],
            submission_id=identity,
            submitted_at=self.at(minutes),
            verdict=verdict,
        )


Worlds = Callable[..., Awaitable[World]]


@pytest.fixture
def world(parts: Parts, settings: Settings) -> Worlds:
    """Return a function that makes a contest: `world(format=…, state=…, freeze_s=…)`."""

    async def make(**event: Any) -> World:
        return await contest(parts, settings, **event)

    return make


async def contest(parts: Parts, settings: Settings, **event: Any) -> World:
    """Make a contest in the database of these parts."""
    start = datetime.now(UTC).replace(microsecond=123_000) - timedelta(hours=1)
    made = World(
        parts=parts,
        settings=settings,
        event_id=new_id(),
        slug="finals",
        start=event.pop("starts_at", start),
        problems=[],
        versions=[],
        rooms=[new_id(), new_id()],
        entries=sorted(new_id() for _ in range(4)),
        people=[new_id() for _ in range(4)],
    )
    await _stored(made, event)
    return made


async def _stored(made: World, event: dict[str, Any]) -> None:
    await imported(made.parts, PROBLEMS / "hello")
    state = event.get("state", EventState.LIVE)
    values = {
        "id": made.event_id,
        "slug": made.slug,
        "title": "The finals",
        "state": state,
        "format": "icpc",
        "starts_at": made.start,
        "started_at": None if state is EventState.LOBBY else made.start,
        "duration_s": 5 * 3600,
        "seed": 1,
        "requested_by": new_id(),
    }
    async with made.parts.sessions() as session:
        session.add(Event(**(values | event)))
        guild = new_id()
        await session.flush()
        session.add(
            EventGuild(event_id=made.event_id, guild_id=guild, name="Guild", registered_by=guild)
        )
        for number, room in enumerate(made.rooms):
            name = f"Room {number + 1}"
            session.add(Room(id=room, event_id=made.event_id, name=name, position=number))
        await session.flush()
        await _problems(session, made)
        for number, (entry, person) in enumerate(zip(made.entries, made.people, strict=True)):
            session.add(
                EventEntry(
                    id=entry,
                    event_id=made.event_id,
                    name=f"Team {number}",
                    guild_id=guild if number < 2 else None,
                    room_id=made.rooms[number % 2],
                )
            )
            await session.flush()
            session.add(
                EventParticipant(
                    event_id=made.event_id, entry_id=entry, user_id=person, name=f"Person {number}"
                )
            )
        await session.flush()
        await acting.add_rows(session, await session.get_one(Event, made.event_id))
        await session.commit()


async def _problems(session: Any, made: World) -> None:
    """Add `hello`, and a copy of it with a name that is too long for an id."""
    first = (await session.scalars(select(CodeProblem))).one()
    version = await session.get_one(CodeProblemVersion, first.current_version_id)
    second = CodeProblem(
        id=new_id(), slug="a-problem-with-a-name-that-goes-on", title="B", visibility="public"
    )
    session.add(second)
    await session.flush()
    columns = {
        name: getattr(version, name)
        for name in (
            *("number", "package_sha256", "data_hash", "title", "kinds", "languages", "cpu_ms"),
            *("memory_bytes", "output_bytes", "source_bytes", "case_total"),
        )
    }
    copy = CodeProblemVersion(id=new_id(), problem_id=second.id, **columns)
    session.add(copy)
    await session.flush()
    second.current_version_id = copy.id
    made.problems.extend((first.id, second.id))
    made.versions.extend((version.id, copy.id))
    for number, (problem, chosen) in enumerate(zip(made.problems, made.versions, strict=True)):
        session.add(
            EventProblem(
                event_id=made.event_id,
                problem_id=problem,
                version_id=chosen,
                label="AB"[number],
                position=number,
                points=Decimal(100),
                scoring=False,
                cpu_ms=1000,
                memory_bytes=1 << 28,
            )
        )


def _run(judging_id: UUID, position: int, verdict: Verdict) -> Run:
    return Run(
        judging_id=judging_id,
        position=position,
        case_name=f"secret/{position}",
        sample=False,
        verdict=verdict if position == 2 else Verdict.AC,
        cpu_us=123_456,
        wall_us=200_000,
        memory_bytes=1 << 20,
        team_message="",
        record={"judge_message": "HIDDEN"},
    )
