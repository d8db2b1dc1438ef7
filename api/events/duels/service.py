"""Challenging and answering.

    offered ─→ accepted (an event starts after the countdown)
       └─────→ declined | withdrawn | expired

Whoever answers locks the challenge, so that it is answered once. Problems are drawn when it is
accepted, by chance that nobody knows before, from public ones that are in no event to come and that
neither of the two wrote, those first that neither has solved.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import (
    CodeProblem,
    Duel,
    DuelState,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    Visibility,
)
from api.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from api.events import acting, choosing, drawing
from api.events.choosing import Choice
from api.events.drawing import Candidate, TooFewError, Wish
from api.events.duels import schemas
from api.events.machine import OVER, Act
from api.events.rooms.presence import Said
from api.live import Kind, Topic, Update

FORMAT = "duel"
_chance = random.SystemRandom()
OFFERED_MAX = 10
_GOING = (EventState.APPROVED, EventState.ASSIGNED, EventState.LOBBY, EventState.LIVE)
_SOLVED = text("""
SELECT s.problem_id, count(DISTINCT s.user_id) AS people
FROM codebattle.code_submissions AS s
JOIN codebattle.judgings AS j ON j.submission_id = s.id AND j.is_current AND j.verdict = 'AC'
WHERE s.user_id = ANY(:users) GROUP BY s.problem_id
""")


async def challenge(
    session: AsyncSession, user: CurrentUser, new: schemas.NewDuel, *, now: datetime
) -> Duel:
    """Challenge somebody; the caller commits."""
    if new.opponent_id == user.id:
        raise InvalidError("challenge somebody else", slug="duel-with-oneself")
    # One at a time, so that they can be counted.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"codebattle.duels:{user.id}"},
    )
    offered = await session.scalar(
        select(func.count()).where(
            Duel.challenger_id == user.id,
            Duel.state == DuelState.OFFERED,
            Duel.expires_at > now,
        )
    )
    if int(offered or 0) >= OFFERED_MAX:
        raise ConflictError(f"{offered} of your challenges are open", slug="duels-max")
    made = Duel(
        id=new_id(),
        challenger_id=user.id,
        opponent_id=new.opponent_id,
        terms={**new.terms.model_dump(), "challenger": user.name[:100]},
        expires_at=now + timedelta(seconds=new.expires_in_s),
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    return made


async def one(session: AsyncSession, user: CurrentUser, duel_id: UUID) -> Duel:
    """Return a duel of the caller; raises `NotFoundError` for those of others."""
    found = await session.get(Duel, duel_id)
    if found is None or not (
        user.id in {found.challenger_id, found.opponent_id} or Role.GAME_MASTER in user.roles
    ):
        raise NotFoundError("there is no such duel", slug="duel-not-found")
    return found


async def page(
    session: AsyncSession, user: CurrentUser, *, before: UUID | None, limit: int
) -> Sequence[Duel]:
    """Return the caller's duels, latest first."""
    wanted = select(Duel).where(or_(Duel.challenger_id == user.id, Duel.opponent_id == user.id))
    if before is not None:
        wanted = wanted.where(Duel.id < before)
    return (await session.scalars(wanted.order_by(Duel.id.desc()).limit(limit))).all()


async def decline(
    session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime
) -> Duel:
    """Say no; the caller commits."""
    return await _answered(session, user, duel_id, DuelState.DECLINED, now=now)


async def withdraw(
    session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime
) -> Duel:
    """Take a challenge back; the caller commits."""
    return await _answered(session, user, duel_id, DuelState.WITHDRAWN, now=now)


async def accept(session: AsyncSession, user: CurrentUser, duel_id: UUID, *, now: datetime) -> Duel:
    """Say yes: make the event, which starts after the countdown. The caller commits."""
    duel = await _answered(session, user, duel_id, DuelState.ACCEPTED, now=now)
    if duel.event_id is None:
        await _nobody_busy(session, duel)
        event = await _event(session, duel, user, now=now)
        duel.event_id = event.id
        await session.flush()
        for what in (Act.ASSIGN, Act.OPEN):
            await acting.act(session, event.id, what, by=acting.CLOCK, now=now)
        audit.record(session, user, "duel.accept", subject=("duel", duel.id))
    return duel


async def expire(session: AsyncSession, *, now: datetime) -> list[Said]:
    """Note which challenges nobody answered; commits, and returns what is to be published."""
    rows = await session.scalars(
        update(Duel)
        .where(Duel.state == DuelState.OFFERED, Duel.expires_at <= now)
        .values(state=DuelState.EXPIRED)
        .returning(Duel)
        .execution_options(populate_existing=True)
    )
    said = [each for row in rows.all() for each in told(row)]
    await session.commit()
    return said


def told(duel: Duel) -> list[Said]:
    """Return what is to be published of a duel that changed: to the two, and nobody else."""
    data = {
        "duel_id": str(duel.id),
        "state": duel.state.value,
        "challenger_id": str(duel.challenger_id),
        "opponent_id": str(duel.opponent_id),
        "event_id": str(duel.event_id) if duel.event_id is not None else None,
        "expires_at": duel.expires_at.isoformat(),
    }
    topics = [Topic.USER.of(duel.challenger_id), Topic.USER.of(duel.opponent_id)]
    return [(topics, Update(kind=Kind.DUEL, data=data))]


async def _answered(
    session: AsyncSession, user: CurrentUser, duel_id: UUID, state: DuelState, *, now: datetime
) -> Duel:
    """Lock a challenge and give it its answer; the same answer again changes nothing."""
    await one(session, user, duel_id)
    duel = await session.get_one(Duel, duel_id, with_for_update=True, populate_existing=True)
    theirs = duel.challenger_id if state is DuelState.WITHDRAWN else duel.opponent_id
    if user.id != theirs:
        raise ForbiddenError("that is for the other one of the two to do")
    if duel.state is state:
        return duel
    if duel.state is not DuelState.OFFERED or duel.expires_at <= now:
        is_now = duel.state if duel.state is not DuelState.OFFERED else DuelState.EXPIRED
        raise ConflictError(f"the challenge is {is_now.value}", slug="duel-state")
    duel.state = state
    await session.flush()
    return duel


async def _nobody_busy(session: AsyncSession, duel: Duel) -> None:
    """Raise `ConflictError` while one of the two is in another duel."""
    people = sorted([duel.challenger_id, duel.opponent_id])
    for each in people:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"),
            {"key": f"codebattle.duels:{each}"},
        )
    busy = await session.scalar(
        select(
            exists().where(
                EventParticipant.user_id.in_(people),
                EventParticipant.event_id == Event.id,
                Event.format == FORMAT,
                Event.state.in_((*_GOING, EventState.FROZEN)),
            )
        )
    )
    if busy:
        raise ConflictError("one of you is in a duel already", slug="duel-busy")


async def _event(session: AsyncSession, duel: Duel, user: CurrentUser, *, now: datetime) -> Event:
    terms = schemas.Terms.model_validate(_of(duel.terms))
    names = (duel.terms.get("challenger") or "Challenger", user.name[:100] or "Opponent")
    event = Event(
        id=new_id(),
        slug=f"duel-{duel.id}",
        title=f"{names[0]} v {names[1]}",
        state=EventState.APPROVED,
        format=FORMAT,
        starts_at=now + timedelta(seconds=terms.countdown_s),
        duration_s=terms.duration_s,
        seed=_chance.randrange(2**31),
        requested_by=duel.challenger_id,
        decided_by=duel.opponent_id,
    )
    session.add(event)
    await session.flush()
    people = (duel.challenger_id, duel.opponent_id)
    for name, person in zip(names, people, strict=True):
        entry = EventEntry(id=new_id(), event_id=event.id, name=name)
        session.add(entry)
        await session.flush()
        session.add(
            EventParticipant(entry_id=entry.id, user_id=person, event_id=event.id, name=name)
        )
    await session.flush()
    await choosing.choose(session, event, await _drawn(session, terms, people, seed=event.seed))
    return event


async def _drawn(
    session: AsyncSession, terms: schemas.Terms, people: Sequence[UUID], *, seed: int
) -> list[Choice]:
    solved = {
        row.problem_id: row.people
        for row in await session.execute(_SOLVED, {"users": list(people)})
    }
    to_come = exists().where(
        and_(
            EventProblem.problem_id == CodeProblem.id,
            Event.id == EventProblem.event_id,
            Event.format != FORMAT,
            Event.state.not_in({*OVER, EventState.CANCELLED}),
        )
    )
    found = await session.scalars(
        select(CodeProblem).where(
            CodeProblem.current_version_id.is_not(None),
            CodeProblem.visibility == Visibility.PUBLIC,
            or_(CodeProblem.owner_id.is_(None), CodeProblem.owner_id.not_in(people)),
            ~to_come,
        )
    )
    candidates = [
        Candidate(
            problem_id=problem.id,
            slug=problem.slug,
            tags=frozenset(problem.keywords),
            difficulty=problem.difficulty,
            solved_by=solved.get(problem.id, 0),
        )
        for problem in found
    ]
    wish = Wish(
        count=terms.rounds,
        points=Decimal(1),
        tag=terms.tag,
        difficulty_min=terms.difficulty_min,
        difficulty_max=terms.difficulty_max,
    )
    try:
        got = drawing.draw(candidates, [wish], seed=seed)
    except TooFewError as error:
        raise ConflictError(str(error), slug="event-problems-too-few") from error
    return [Choice(problem_id=each.candidate.problem_id, points=each.points) for each in got]


def _of(terms: dict[str, Any]) -> dict[str, Any]:
    return {name: terms[name] for name in schemas.Terms.model_fields if name in terms}


def shown(duel: Duel) -> schemas.DuelShown:
    """Return a duel as the two of it see it."""
    return schemas.DuelShown(
        id=duel.id,
        challenger_id=duel.challenger_id,
        opponent_id=duel.opponent_id,
        state=duel.state,
        terms=schemas.Terms.model_validate(_of(duel.terms)),
        expires_at=duel.expires_at,
        event_id=duel.event_id,
        created_at=duel.created_at,
    )
