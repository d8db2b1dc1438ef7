"""Saving drafts: only one's own, only while one may hand in, and nothing that could not be."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeProblemVersion, Draft, EntryKind, EventProblem
from api.errors import InvalidError, NotFoundError
from api.events import statements
from api.events.attending import Attendance
from api.events.drafts import schemas
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
    *,
    now: datetime,
) -> tuple[Draft, EventProblem]:
    """Put a draft in the place of the one before; the caller commits."""
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
    saved = await session.scalar(
        insert(Draft)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
        .returning(Draft)
        .execution_options(populate_existing=True)
    )
    assert saved is not None
    return saved, problem


async def one(session: AsyncSession, who: Attendance, name: str) -> tuple[Draft, EventProblem]:
    """Return one's draft of a problem; raises `NotFoundError`."""
    problem = await statements.named(session, who.event, name)
    found = await session.get(Draft, (who.event.id, who.user.id, problem.problem_id))
    if found is None:
        raise NotFoundError("there is no such draft", slug="draft-not-found")
    return found, problem


async def mine(session: AsyncSession, who: Attendance) -> list[tuple[Draft, EventProblem]]:
    """Return all of one's drafts in an event."""
    found = await session.execute(
        select(Draft, EventProblem)
        .join(
            EventProblem,
            (EventProblem.event_id == Draft.event_id)
            & (EventProblem.problem_id == Draft.problem_id),
        )
        .where(Draft.event_id == who.event.id, Draft.user_id == who.user.id)
        .order_by(EventProblem.position)
    )
    return [(draft, problem) for draft, problem in found]
