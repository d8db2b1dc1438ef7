"""The moments of whole events that are over, made by whichever worker comes by first.

The log of a large event takes seconds to read, so it is read once: afterwards a virtual board of
any moment is one statement (`api.leaderboards.moments`). Whoever asks before a worker came by
waits for it. A few entries are made at a time: neither memory nor who else is served here has to
bear a whole event.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.engine import Sessions
from api.db.models import BoardMoment, EntryKind, Event, EventEntry
from api.events.machine import OVER
from api.leaderboards import logs, moments, scoring
from api.wiring import Parts

EVERY_S = 2.0
EVENTS_AT_ONCE = 20
ENTRIES_AT_ONCE = 50


async def keep(parts: Parts) -> None:
    """Make what is missing of events that are over."""
    async with parts.sessions() as session:
        now = await clocks.now(session)
        found = await session.scalars(_missing())
        wanted = [event.id for event in found if clocks.played(event, now)]
    for event_id in wanted[:EVENTS_AT_ONCE]:
        await ensure(parts.sessions, event_id, wait=False)


async def ensure(sessions: Sessions, event_id: UUID, *, wait: bool = True) -> None:
    """Make the moments of an event unless they are there.

    One that another is at is waited for, or left to it.
    """
    async with sessions() as session:
        if await moments.made_of(session, event_id):
            return
        locked = await session.scalar(
            select(Event)
            .where(Event.id == event_id)
            .with_for_update(key_share=True, skip_locked=not wait)
        )
        if locked is not None and not await moments.made_of(session, event_id):
            await make(session, locked)
            await session.commit()


async def make(session: AsyncSession, event: Event) -> None:
    """Make the moments of all official and virtual entries anew; the event is locked."""
    await session.execute(
        delete(BoardMoment)
        .where(BoardMoment.event_id == event.id)
        .execution_options(synchronize_session=False)
    )
    async for some in rows(session, event, await moments.first(session, event.id)):
        await moments.put(session, some)


async def rows(
    session: AsyncSession, event: Event, firsts: moments.Firsts
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Return the rows that make the moments of an event, some at a time."""
    rules = scoring.rules(event)
    problems = await scoring.problems(session, event.id)
    last = None
    while some := await _some(session, event.id, last):
        last = some[-1].id
        entries = {entry.id: entry for entry in some}
        log = await read(session, event, entries)
        yield await asyncio.to_thread(moments.rows_of, rules, problems, entries, log, firsts=firsts)


async def read(session: AsyncSession, event: Event, entries: Mapping[UUID, EventEntry]) -> logs.Log:
    """Return the log of entries, of official ones up to where a finalised event's board ends."""
    return await logs.of(
        session,
        event.id,
        entries,
        log_end=scoring.log_end(event),
        unbound=[who for who, each in entries.items() if each.kind is not EntryKind.OFFICIAL],
    )


async def _some(session: AsyncSession, event_id: UUID, last: UUID | None) -> Sequence[EventEntry]:
    query = (
        select(EventEntry)
        .where(EventEntry.event_id == event_id, EventEntry.kind != EntryKind.PRACTICE)
        .order_by(EventEntry.id)
        .limit(ENTRIES_AT_ONCE)
    )
    if last is not None:
        query = query.where(EventEntry.id > last)
    return (await session.scalars(query)).all()


def _missing() -> Select[Event]:
    """Return the events that are over and have official entries without moments."""
    plays = exists().where(EventEntry.event_id == Event.id, EventEntry.kind == EntryKind.OFFICIAL)
    made = exists().where(BoardMoment.event_id == Event.id, BoardMoment.virtual.is_(False))
    return select(Event).where(Event.state.in_(OVER), plays, ~made).order_by(Event.id)
