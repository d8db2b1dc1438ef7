"""Saving drafts: only one's own, only while one may hand in, and nothing that could not be.

They are read by those who play in the same entry, too.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, mates
from api.db.models import CodeProblemVersion, Draft, EntryKind, EventProblem
from api.errors import InvalidError, NotFoundError
from api.events import statements
from api.events.attending import Attendance
from api.events.drafts import growing, schemas, underway
from api.problems.queries import Target
from api.settings import Settings
from api.submissions import service
from api.submissions.schemas import Program
from judge.problem import ProblemKind


async def save(
    session: AsyncSession,
    settings: Settings,
    who: Attendance,
    name: str,
    new: schemas.NewDraft,
) -> tuple[Draft, EventProblem]:
    """Put a draft in the place of the one before; the caller commits."""
    await underway.begin(session, who.event)
    now = await clocks.now(session)
    place = who.active(now)
    problem = await statements.named(session, who.event, name)
    target = await session.get_one(CodeProblemVersion, problem.version_id)
    if ProblemKind.SUBMIT_ANSWER.value in target.kinds:
        raise InvalidError("this problem takes answers, not programs", slug="language-not-allowed")
    program = Program(problem=name[:64], language=new.language, source=new.source)
    checked = service.checked(
        program,
        Target(
            problem_id=problem.problem_id,
            version_id=target.id,
            kinds=target.kinds,
            languages=target.languages,
            source_bytes=target.source_bytes,
        ),
        settings,
    )
    values: dict[str, Any] = {
        "language": checked.language,
        "source": new.source,
        # Practice has no bell.
        "hand_in": new.hand_in and place.entry.kind is not EntryKind.PRACTICE,
        "saved_at": now,
        "submission_id": None,
    }
    key = {
        "event_id": who.event.id,
        "user_id": who.user.id,
        "problem_id": problem.problem_id,
    }
    if who.event.record_writing:
        await growing.note(
            session,
            {
                "entry_id": place.entry.id,
                "user_id": who.user.id,
                "problem_id": problem.problem_id,
            },
            new,
            now=now,
        )
    saved = await session.scalar(
        insert(Draft)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
        .returning(Draft)
        .execution_options(populate_existing=True)
    )
    assert saved is not None
    return saved, problem


async def one(
    session: AsyncSession, who: Attendance, name: str, *, by: UUID | None = None
) -> tuple[Draft, EventProblem]:
    """Return a draft of a problem, one's own or of one's team; raises `NotFoundError`."""
    problem = await statements.named(session, who.event, name)
    user_id = by or who.user.id
    found = await session.get(Draft, (who.event.id, user_id, problem.problem_id))
    if found is None or user_id not in await _us(session, who):
        raise NotFoundError("there is no such draft", slug="draft-not-found")
    return found, problem


async def mine(session: AsyncSession, who: Attendance) -> list[tuple[Draft, EventProblem]]:
    """Return all drafts of one and one's team in an event."""
    found = await session.execute(
        select(Draft, EventProblem)
        .join(
            EventProblem,
            (EventProblem.event_id == Draft.event_id)
            & (EventProblem.problem_id == Draft.problem_id),
        )
        .where(Draft.event_id == who.event.id, Draft.user_id.in_(await _us(session, who)))
        .order_by(EventProblem.position, Draft.user_id)
    )
    return [(draft, problem) for draft, problem in found]


async def _us(session: AsyncSession, who: Attendance) -> Collection[UUID]:
    """Return the caller with those in the same official entry, until it can be played again.

    From then on each may be saving for themselves.
    """
    found = {who.user.id}
    if who.official is not None and not clocks.played(who.event, await clocks.now(session)):
        found |= set(await session.scalars(mates.people(who.official.entry.id)))
    return found
