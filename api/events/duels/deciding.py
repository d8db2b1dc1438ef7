"""Ending duels: as soon as one is decided, and finally as soon as nothing is pending.

A round is settled when nothing that was handed in before its first solve still waits for a verdict:
submit time decides, whatever is judged first.
"""

from collections import Counter
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.engine import Sessions
from api.db.models import BoardCell, Event, EventProblem, EventState
from api.errors import ConflictError
from api.events import acting
from api.events.duels.making import FORMAT
from api.events.machine import RUNNING, Act
from api.leaderboards import updating
from judge.scoring.duel import Decision, Match, match


async def decide(sessions: Sessions, *, now: datetime) -> int:
    """End and finalise the duels that are ready for it; return how many acts that took."""
    async with sessions() as session:
        found = await session.scalars(
            select(Event.id).where(
                Event.format == FORMAT,
                Event.state.in_({*RUNNING, EventState.FINISHED, EventState.THAWED}),
            )
        )
        waiting = found.all()
    acts = 0
    for event_id in waiting:
        async with sessions() as session:
            acts += await _decide(session, event_id, now=now)
    return acts


async def standing(session: AsyncSession, event: Event, *, over: bool) -> Match:
    """Return how a duel stands by what is judged; its board is up to date."""
    problems = set(
        await session.scalars(
            select(EventProblem.problem_id).where(EventProblem.event_id == event.id)
        )
    )
    of_problem: dict[UUID, list[BoardCell]] = {}
    for cell in await session.scalars(
        select(BoardCell).where(BoardCell.event_id == event.id, BoardCell.public.is_(False))
    ):
        of_problem.setdefault(cell.problem_id, []).append(cell)
    won: Counter[str] = Counter()
    for cells in of_problem.values():
        winner = _winner(cells)
        if winner is not None:
            won[str(winner)] += 1
    return match(len(problems), dict(won), won.total(), over=over)


async def _decide(session: AsyncSession, event_id: UUID, *, now: datetime) -> int:
    event = await updating.locked(session, event_id)
    await updating.catch_up(session, event_id)
    if event.state in RUNNING:
        if (await standing(session, event, over=False)).decision is Decision.OPEN:
            await session.commit()
            return 0
        acting.cut(event, now)
        await acting.act(session, event_id, Act.FINISH, by=acting.CLOCK, now=now)
        await session.commit()
        return 1
    try:
        await acting.act(session, event_id, Act.FINALISE, by=acting.CLOCK, now=now)
    except ConflictError:
        # Something is pending: its verdict, or its bell, is still to come.
        await session.rollback()
        return 0
    await session.commit()
    return 1


def _winner(cells: list[BoardCell]) -> UUID | None:
    """Return whose round it is, once nothing earlier can change that."""
    first = next((each for each in cells if each.first and each.solved_us is not None), None)
    if first is None:
        return None
    for each in cells:
        since = each.pending_since_us
        if each is not first and since is not None and since < (first.solved_us or 0):
            return None
    return first.entry_id
