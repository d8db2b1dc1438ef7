"""What an accepted duel becomes: an event, with an entry for each side and problems drawn for it.

Problems are drawn by chance that nobody knows before, from public ones that are in no event to come
and that nobody of it wrote, those first that fewest of them have solved.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import (
    CodeProblem,
    Duel,
    DuelMember,
    DuelSide,
    Entries,
    Event,
    EventEntry,
    EventParticipant,
    EventState,
    Visibility,
)
from api.errors import ConflictError
from api.events import acting, choosing, drawing
from api.events.choosing import Choice
from api.events.drawing import Candidate, TooFewError, Wish
from api.events.duels import schemas, sides
from api.events.machine import Act

FORMAT = "duel"
_chance = random.SystemRandom()
_GOING = (EventState.APPROVED, EventState.ASSIGNED, EventState.LOBBY, EventState.LIVE)
_SOLVED = text("""
SELECT s.problem_id, count(DISTINCT s.user_id) AS people
FROM codebattle.code_submissions AS s
JOIN codebattle.judgings AS j ON j.submission_id = s.id AND j.is_current AND j.verdict = 'AC'
WHERE s.user_id = ANY(:users) GROUP BY s.problem_id
""")


async def make(
    session: AsyncSession, duel: Duel, people: Sequence[DuelMember], *, now: datetime
) -> None:
    """Make the event, which starts after the countdown; raises `ConflictError`.

    What hinders it may pass while the challenge lasts: the caller rolls back, and it is as it was.
    """
    await _nobody_busy(session, sorted(each.user_id for each in people))
    event = await _event(session, duel, people, now=now)
    duel.event_id = event.id
    await session.flush()
    for what in (Act.ASSIGN, Act.OPEN):
        await acting.act(session, event.id, what, by=acting.CLOCK, now=now)


async def _nobody_busy(session: AsyncSession, people: Sequence[UUID]) -> None:
    """Raise `ConflictError` while one of them is in another duel; locked in order."""
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


async def _event(
    session: AsyncSession, duel: Duel, people: Sequence[DuelMember], *, now: datetime
) -> Event:
    terms = schemas.Terms.model_validate(sides.plain(duel.terms))
    title = " v ".join(sides.name(duel, side) for side in DuelSide)
    most = max(sum(each.side is side for each in people) for side in DuelSide)
    event = Event(
        id=new_id(),
        slug=f"duel-{duel.id}",
        title=title,
        state=EventState.APPROVED,
        format=FORMAT,
        entries=Entries.TEAM if most > 1 else Entries.INDIVIDUAL,
        team_members_max=most,
        starts_at=now + timedelta(seconds=terms.countdown_s),
        duration_s=terms.duration_s,
        start_when_ready=terms.start_when_ready,
        seed=_chance.randrange(2**31),
        requested_by=duel.challenger_id,
        decided_by=duel.opponent_id,
    )
    session.add(event)
    await session.flush()
    for side in DuelSide:
        entry = EventEntry(id=new_id(), event_id=event.id, name=sides.name(duel, side))
        session.add(entry)
        await session.flush()
        for each in people:
            if each.side is side:
                who = EventParticipant(
                    entry_id=entry.id, user_id=each.user_id, event_id=event.id, name=each.name
                )
                session.add(who)
    await session.flush()
    everybody = [each.user_id for each in people]
    await choosing.choose(session, event, await _drawn(session, terms, everybody, seed=event.seed))
    return event


async def _drawn(
    session: AsyncSession, terms: schemas.Terms, people: Sequence[UUID], *, seed: int
) -> list[Choice]:
    solved = {
        row.problem_id: row.people
        for row in await session.execute(_SOLVED, {"users": list(people)})
    }
    found = await session.scalars(
        select(CodeProblem).where(
            CodeProblem.current_version_id.is_not(None),
            CodeProblem.visibility == Visibility.PUBLIC,
            or_(CodeProblem.owner_id.is_(None), CodeProblem.owner_id.not_in(people)),
            ~choosing.planned(Event.format != FORMAT),
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
