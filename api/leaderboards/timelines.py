"""The moments of whole events that are over, made by whichever worker comes by first.

The log of a large event takes seconds to read, so it is read once: afterwards a virtual board of
any moment is one statement (`api.leaderboards.moments`). Whoever asks before a worker came by
does it with them. A few entries are made at a time, in a transaction of their own: neither memory
nor who else is served here, or waits for the event, has to bear a whole event. How far it is done
is written down as well, so whoever comes next goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.db.engine import Sessions
from api.db.models import BoardMoment, BoardTimeline, EntryKind, Event, EventEntry
from api.events.machine import OVER
from api.leaderboards import cells, logs, moments, scoring
from api.leaderboards.scoring import Rules
from api.wiring import Parts
from judge.scoring import EventProblem as Problem

EVERY_S = 2.0
EVENTS_AT_ONCE = 20
ENTRIES_AT_ONCE = 50
# What a session holds of rows that are written past it is nobody's to ask.
_BLIND = {"synchronize_session": False}


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

    One that another is at is made together with them, or left to them.
    """
    more = True
    while more:
        async with sessions() as session:
            if await moments.whole(session, event_id):
                return
            locked = await session.scalar(
                select(Event)
                .where(Event.id == event_id)
                .with_for_update(key_share=True, skip_locked=not wait)
            )
            # Whoever was told to leave it to others has none now.
            wait, more = True, locked is not None and await _go_on(session, locked)
            await session.commit()


async def again(session: AsyncSession, event_id: UUID) -> None:
    """Have the moments of an event made anew, if it has any, by whoever comes by; it is locked.

    An entry keeps those it has until its turn comes, and whoever looks waits for the last one.
    """
    known = update(BoardTimeline).where(BoardTimeline.event_id == event_id)
    await session.execute(known.values(last_entry_id=None, whole=False), execution_options=_BLIND)
    strange = delete(BoardMoment).where(
        BoardMoment.event_id == event_id, BoardMoment.entry_id.not_in(_theirs(event_id))
    )
    await session.execute(strange, execution_options=_BLIND)


async def _go_on(session: AsyncSession, event: Event) -> bool:
    """Make the moments of the next entries; tell whether there are more. The event is locked."""
    before = await session.get(BoardTimeline, event.id, populate_existing=True)
    if before is not None and before.whole:
        return False
    some = await _some(session, event.id, None if before is None else before.last_entry_id)
    if some:
        rules, problems = scoring.rules(event), await scoring.problems(session, event.id)
        firsts = await moments.first(session, event.id)
        made = await _made(session, event, rules, problems, firsts, some)
        # Some may have rows: what became known of them since the first were made.
        await moments.drop(session, event.id, [each.id for each in some])
        await cells.fill(session, BoardMoment, made)
    whole = len(some) < ENTRIES_AT_ONCE
    await _note(session, event.id, last=None if whole else some[-1].id, whole=whole)
    return not whole


async def _note(session: AsyncSession, event_id: UUID, *, last: UUID | None, whole: bool) -> None:
    values = {"last_entry_id": last, "whole": whole}
    await session.execute(
        upsert(BoardTimeline)
        .values(event_id=event_id, **values)
        .on_conflict_do_update(index_elements=[BoardTimeline.event_id], set_=values)
    )


async def rows(
    session: AsyncSession, event: Event, firsts: moments.Firsts
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Return the rows that make the moments of an event, some at a time."""
    rules = scoring.rules(event)
    problems = await scoring.problems(session, event.id)
    last = None
    while some := await _some(session, event.id, last):
        last = some[-1].id
        yield await _made(session, event, rules, problems, firsts, some)


async def _made(
    session: AsyncSession,
    event: Event,
    rules: Rules,
    problems: Mapping[UUID, Problem],
    firsts: moments.Firsts,
    some: Sequence[EventEntry],
) -> Sequence[Mapping[str, Any]]:
    entries = {entry.id: entry for entry in some}
    log = await read(session, event, entries)
    return await asyncio.to_thread(moments.rows_of, rules, problems, entries, log, firsts=firsts)


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
        .where(EventEntry.id.in_(_theirs(event_id)))
        .order_by(EventEntry.id)
        .limit(ENTRIES_AT_ONCE)
    )
    if last is not None:
        query = query.where(EventEntry.id > last)
    return (await session.scalars(query)).all()


def _theirs(event_id: UUID) -> Select[UUID]:
    """Return which entries have moments."""
    return select(EventEntry.id).where(
        EventEntry.event_id == event_id, EventEntry.kind != EntryKind.PRACTICE
    )


def _missing() -> Select[Event]:
    """Return the events that are over and have official entries without moments."""
    plays = exists().where(EventEntry.event_id == Event.id, EventEntry.kind == EntryKind.OFFICIAL)
    made = exists().where(BoardTimeline.event_id == Event.id, BoardTimeline.whole)
    return select(Event).where(Event.state.in_(OVER), plays, ~made).order_by(Event.id)
