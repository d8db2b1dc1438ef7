"""Asking, answering and announcing; who may know of what, and whom it is told.

A question is its asker's and the jury's. An answer is for the asker or for all; an announcement is
for all. What is for one goes to the topic of that person, never to one that others follow. A team
asks as one: those in the asker's entry know of the question and get the answer, too.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, mates, redaction
from api.db.models import Clarification, EntryKind, EventParticipant, EventState
from api.errors import ConflictError, NotFoundError
from api.events import statements
from api.events.attending import Attendance
from api.events.clarifications import schemas
from api.events.clarifications.schemas import To
from api.events.rooms.presence import Said
from api.live import Kind, Topic, Update
from api.redaction import Audience, Phase

ASKING = frozenset({EventState.LOBBY, EventState.LIVE, EventState.FROZEN, EventState.FINISHED})
CANNED = (
    "No comment.",
    "Read the problem statement.",
    "Yes.",
    "No.",
    "The statement is correct as it stands.",
    "We are looking into it.",
)


async def ask(
    session: AsyncSession, who: Attendance, new: schemas.NewClarification
) -> Clarification:
    """Ask the jury; the caller commits."""
    who.playing()
    if who.event.state not in ASKING:
        raise ConflictError(
            f"the event is {who.event.state.value}: nobody answers",
            slug="event-state",
            allowed=[],
        )
    return await _store(session, who, new, from_user_id=who.user.id)


async def answer(
    session: AsyncSession, who: Attendance, question_id: UUID, new: schemas.NewAnswer
) -> Clarification:
    """Answer a question, to who asked it or to all; the caller commits."""
    who.need_jury()
    question = await session.get(Clarification, question_id)
    if question is None or question.event_id != who.event.id or question.from_user_id is None:
        raise NotFoundError("there is no such question", slug="clarification-not-found")
    made = Clarification(
        event_id=who.event.id,
        problem_id=question.problem_id,
        reply_to_id=question.id,
        to_user_id=None if new.to is To.ALL else question.from_user_id,
        author_id=who.user.id,
        text=new.text,
    )
    return await _added(session, who, made)


async def announce(
    session: AsyncSession, who: Attendance, new: schemas.NewClarification
) -> Clarification:
    """Tell everybody something; the caller commits."""
    who.need_jury()
    return await _store(session, who, new, from_user_id=None)


async def page(
    session: AsyncSession, who: Attendance, *, before: UUID | None, limit: int
) -> Sequence[Clarification]:
    """Return what the caller may know of, latest first."""
    wanted = select(Clarification).where(Clarification.event_id == who.event.id)
    if not who.jury:
        us = [who.user.id]
        if who.official is not None:
            us += await session.scalars(mates.people(who.official.entry.id))
        mine = Clarification.from_user_id.in_(us)
        to_me = Clarification.to_user_id.in_(us)
        to_all = and_(Clarification.from_user_id.is_(None), Clarification.to_user_id.is_(None))
        wanted = wanted.where(or_(mine, to_me, to_all))
    if before is not None:
        wanted = wanted.where(Clarification.id < before)
    return (await session.scalars(_latest(wanted).limit(limit))).all()


def shown(row: Clarification, who: Attendance) -> schemas.ClarificationShown:
    """Return one as the caller may see it."""
    kind = Kind.QUESTION if who.jury else Kind.CLARIFICATION
    audience = Audience.JURY if who.jury else Audience.OWNER
    found = redaction.update(kind, _told(row), audience, Phase.RUNNING)
    assert found is not None
    return schemas.ClarificationShown(**found, own=row.from_user_id == who.user.id)


async def said(session: AsyncSession, row: Clarification) -> list[Said]:
    """Return what is to be published of one that is new, to whom it concerns."""
    data = _told(row)
    everybody = [Topic.EVENT.of(row.event_id)]
    if row.from_user_id is None and row.to_user_id is None:
        return [(everybody, Update(kind=Kind.CLARIFICATION, data=data))]
    # Of what is not for all, only game masters get anything there.
    told: list[Said] = [(everybody, Update(kind=Kind.QUESTION, data=data))]
    if row.to_user_id is not None:
        update = Update(kind=Kind.CLARIFICATION, data=data)
        us = await _with_mates(session, row.event_id, row.to_user_id)
        told.append(([Topic.USER.of(each) for each in us], update))
    return told


async def _with_mates(session: AsyncSession, event_id: UUID, user_id: UUID) -> Sequence[UUID]:
    """Return somebody with those in the same official entry."""
    entry_id = await session.scalar(
        select(EventParticipant.entry_id).where(
            EventParticipant.event_id == event_id,
            EventParticipant.user_id == user_id,
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
    )
    if entry_id is None:
        return [user_id]
    return (await session.scalars(mates.people(entry_id))).all()


def canned(who: Attendance) -> list[str]:
    """Return the answers that are ready."""
    found: list[str] | None = who.event.extra.get("canned_answers")
    return list(CANNED) if found is None else found


def _told(row: Clarification) -> dict[str, Any]:
    answered = To.ALL if row.to_user_id is None else To.ASKER
    to = answered if row.from_user_id is None else To.JURY
    return {
        "event_id": str(row.event_id),
        "clarification_id": str(row.id),
        "problem_id": str(row.problem_id) if row.problem_id is not None else None,
        "reply_to_id": str(row.reply_to_id) if row.reply_to_id is not None else None,
        "from_user_id": str(row.from_user_id) if row.from_user_id is not None else None,
        "text": row.text,
        "to": to.value,
        "at": row.created_at.isoformat(),
    }


async def _store(
    session: AsyncSession,
    who: Attendance,
    new: schemas.NewClarification,
    *,
    from_user_id: UUID | None,
) -> Clarification:
    problem_id = None
    if new.problem is not None:
        problem_id = (await statements.named(session, who.event, new.problem)).problem_id
    made = Clarification(
        event_id=who.event.id,
        problem_id=problem_id,
        from_user_id=from_user_id,
        author_id=who.user.id,
        text=new.text,
    )
    return await _added(session, who, made)


async def _added(session: AsyncSession, who: Attendance, made: Clarification) -> Clarification:
    session.add(made)
    await session.flush()
    await session.refresh(made)
    if made.from_user_id is None:
        what = "event.answer" if made.reply_to_id is not None else "event.announcement"
        detail = {"clarification_id": str(made.id)}
        audit.record(session, who.user, what, subject=("event", who.event.id), detail=detail)
    return made


def _latest(wanted: Select[Clarification]) -> Select[Clarification]:
    return wanted.order_by(Clarification.id.desc())
