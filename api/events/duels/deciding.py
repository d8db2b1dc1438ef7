"""Ending duels: as soon as one is decided, and finally as soon as nothing is pending.

A round is settled when nothing that was handed in before its first solve still waits for a verdict:
submit time decides, whatever is judged first.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.engine import Sessions
from api.db.models import BoardCell, Event, EventProblem, EventState
from api.errors import ConflictError
from api.events import acting
from api.events.duels.making import FORMAT
from api.events.machine import RUNNING, Act
from api.leaderboards import updating
from judge.scoring.duel import Decision, Match, match


async def decide(sessions: Sessions, *, now: datetime) -> int:
    """End and finalise the duels that are ready for it; return how many acts that took.

    All are looked at, and only those are locked that seem to be ready and nobody else is at.
    """
    async with sessions() as session:
        ready = [event.id for event in await _solved(session) if await _is_won(session, event)]
        ready += await _settled(session)
    acts = 0
    for event_id in ready:
        async with sessions() as session:
            acts += await _decide(session, event_id, now=now)
    return acts


async def _solved(session: AsyncSession) -> Sequence[Event]:
    """Return the duels that go on and have a round that somebody solved."""
    solved = exists().where(
        BoardCell.event_id == Event.id, BoardCell.public.is_(False), BoardCell.first
    )
    found = await session.scalars(
        select(Event).where(Event.format == FORMAT, Event.state.in_(RUNNING), solved)
    )
    return found.all()


async def _settled(session: AsyncSession) -> Sequence[UUID]:
    """Return the duels that are over and wait for no verdict that the board knows of."""
    pending = exists().where(
        BoardCell.event_id == Event.id, BoardCell.public.is_(False), BoardCell.pending > 0
    )
    over = Event.state.in_({EventState.FINISHED, EventState.THAWED})
    found = await session.scalars(select(Event.id).where(Event.format == FORMAT, over, ~pending))
    return found.all()


async def _is_won(session: AsyncSession, event: Event) -> bool:
    return (await standing(session, event, over=False)).decision is not Decision.OPEN


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
    # Nobody may be handing in: what came before the first solve counts, also if it is stored later.
    event = await session.scalar(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if event is None:
        return 0
    await updating.catch_up(session, event_id)
    if event.state in RUNNING:
        if not await _is_won(session, event):
            await session.commit()
            return 0
        acting.cut(event, now)
        await acting.act(session, event_id, Act.FINISH, by=acting.CLOCK, now=now)
        await session.commit()
        return 1
    try:
        # What was applied to its board while this waited for it was before.
        at = await clocks.now(session)
        await acting.act(session, event_id, Act.FINALISE, by=acting.CLOCK, now=at)
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
