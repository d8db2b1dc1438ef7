"""The clock of events: does what their plans say by now, however late it comes.

Workers tick several times a second and at the moment something is planned for. Each act is one
transaction with the event's lock; an event that another worker is at is left to it, so any number
may tick. What a worker that died had not committed, the next tick does.
"""

import asyncio
import time
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.engine import Sessions
from api.db.models import Event, EventState
from api.errors import ConflictError
from api.events import acting
from api.logs import logger
from api.wiring import Parts

TICK_S = 0.5
MOVING = (
    EventState.APPROVED,
    EventState.ASSIGNED,
    EventState.LOBBY,
    EventState.LIVE,
    EventState.FROZEN,
)
_log = logger(__name__)


async def tick(parts: Parts) -> float:
    """Do once whatever is due; return after how many seconds to tick again."""
    async with parts.sessions() as session:
        now = await clocks.now(session)
    asked = time.monotonic()
    following = await act_due(parts.sessions, now)
    if following is None:
        return TICK_S
    left = (following - now).total_seconds() - (time.monotonic() - asked)
    return min(TICK_S, max(0.0, left))


async def keep_ticking(parts: Parts) -> None:
    """Tick and rest until something is away."""
    while True:
        rest_s = await tick(parts)
        await asyncio.sleep(rest_s)


async def act_due(sessions: Sessions, now: datetime) -> datetime | None:
    """Let the clock act on every event; return the next moment that something is planned for."""
    async with sessions() as session:
        moving = (await session.scalars(_moving())).all()
        plans = [(event.id, event.state, await acting.plan(session, event)) for event in moving]
    following = []
    for event_id, state, plan in plans:
        if next(plan.due(state, now), None) is not None:
            async with sessions() as session:
                await _act(session, event_id, now)
        if (moment := plan.next_moment(state, now)) is not None:
            following.append(moment)
    return min(following, default=None)


async def _act(session: AsyncSession, event_id: UUID, now: datetime) -> None:
    """Do all that is due for an event nobody else is at; commits each act by itself."""
    while (event := await _mine(session, event_id)) is not None:
        what = next((await acting.plan(session, event)).due(event.state, now), None)
        if what is None:
            return
        try:
            await acting.act(session, event_id, what, by=acting.CLOCK, now=now)
        except ConflictError as error:
            # Only people can help: too few problems, none at all. It is tried with every tick.
            await session.rollback()
            await _stuck(session, event_id, f"{what.value}: {error.detail}")
            return
        event.extra = {key: each for key, each in event.extra.items() if key != "stuck"}
        await session.commit()
        _log.info("event.acted", event_id=str(event_id), act=what.value, state=event.state.value)


async def _stuck(session: AsyncSession, event_id: UUID, why: str) -> None:
    """Note what keeps the clock from acting, once; its game masters see it."""
    event = await _mine(session, event_id)
    if event is None or event.extra.get("stuck") == why:
        return
    event.extra = {**event.extra, "stuck": why}
    await session.commit()
    _log.warning("event.stuck", event_id=str(event_id), why=why)


async def _mine(session: AsyncSession, event_id: UUID) -> Event | None:
    """Lock an event, unless somebody else has it."""
    return await session.scalar(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )


def _moving() -> Select[Event]:
    finished = (Event.state == EventState.FINISHED) & Event.auto_thaw
    return select(Event).where(or_(Event.state.in_(MOVING), finished)).order_by(Event.starts_at)
