"""Where participants are: there, away, gone, or done; and whether they are ready.

    invited ─join─→ present ⇄ disconnected        nothing heard for a while; heard again
                     │  └──leave──→ left ─join─→ present
                     └── their time is over ─→ completed

A participant is heard by joining (again), and through every open stream that follows the event
or their room, for which `keep` speaks in each process. Nothing here needs the client's clock.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventState,
    Presence,
)
from api.errors import ConflictError
from api.events.attending import Attendance, ends_at
from api.leaderboards import scoring
from api.live import Kind, Topic, Update, event_state
from api.logs import logger
from api.wiring import Parts

# Rooms can be entered from the lobby on, until the event is over.
ENTERED = frozenset({EventState.LOBBY, EventState.LIVE, EventState.FROZEN})
SILENT_S = 30
KEEP_S = 5.0
AT_ONCE_MAX = 1000
Said = tuple[Sequence[str], Update]
_log = logger(__name__)
_THERE = (Presence.PRESENT, Presence.DISCONNECTED)
# Everybody in one of these events, or in one of these rooms, whom an open stream speaks for. Other
# processes speak for them as well, and their time may be over: all are locked before any changes,
# in the order in which everybody here locks more than one.
_HEAR = text("""
WITH heard AS (
    SELECT p.entry_id, p.user_id, p.presence
    FROM unnest(cast(:users AS uuid[]), cast(:subjects AS uuid[])) AS said (user_id, subject)
    JOIN codebattle.event_participants AS p USING (user_id)
    JOIN codebattle.event_entries AS n ON n.id = p.entry_id
    JOIN codebattle.events AS e ON e.id = p.event_id
    WHERE said.subject IN (n.event_id, n.room_id) AND n.kind = 'official'
        AND e.state IN ('lobby', 'live', 'frozen') AND p.presence IN ('present', 'disconnected')
    ORDER BY p.event_id, p.entry_id, p.user_id FOR NO KEY UPDATE OF p
), kept AS (
    UPDATE codebattle.event_participants AS p SET presence = 'present', seen_at = now()
    FROM heard WHERE (p.entry_id, p.user_id) = (heard.entry_id, heard.user_id)
    RETURNING p.entry_id, p.user_id, heard.presence
)
SELECT entry_id, user_id FROM kept WHERE presence = 'disconnected'
""")
_AWAY = text("""
UPDATE codebattle.event_participants SET presence = 'disconnected' WHERE ctid IN (
    SELECT p.ctid FROM codebattle.event_participants AS p
    JOIN codebattle.events AS e ON e.id = p.event_id
    WHERE e.state IN ('lobby', 'live', 'frozen') AND p.presence = 'present'
        AND p.seen_at < now() - make_interval(secs => :silent)
    LIMIT :most FOR UPDATE OF p SKIP LOCKED
) RETURNING entry_id, user_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Somebody, and whether anything about them changed."""

    participant: EventParticipant
    changed: bool


async def join(session: AsyncSession, who: Attendance, *, now: datetime) -> Moved:
    """Come into one's room, or be heard there again; the caller commits."""
    found = await _locked(session, who)
    ends = who.playing().ends_at(who.event)
    # Whose time was over may have been given more since.
    if found.presence is Presence.COMPLETED and ends is not None and ends <= now:
        raise ConflictError("your part in this event is over", slug="event-closed")
    found.seen_at = now
    found.came_at = found.came_at or now
    return await _moved(session, found, presence=Presence.PRESENT)


async def leave(session: AsyncSession, who: Attendance) -> Moved:
    """Go out of one's room; one can come back while the event goes on. The caller commits."""
    found = await _locked(session, who)
    if found.presence not in _THERE:
        return Moved(participant=found, changed=False)
    return await _moved(session, found, presence=Presence.LEFT, ready_at=None)


async def ready(session: AsyncSession, who: Attendance, *, yes: bool, now: datetime) -> Moved:
    """Say that one is ready to start, or not any more; the caller commits."""
    found = await _locked(session, who)
    if who.event.state is not EventState.LOBBY:
        raise ConflictError(
            f"the event is {who.event.state.value}: nobody waits for anybody",
            slug="event-state",
            allowed=[],
        )
    if found.presence is not Presence.PRESENT:
        raise ConflictError("join first", slug="room-not-joined")
    if yes is (found.ready_at is not None):
        return Moved(participant=found, changed=False)
    return await _moved(session, found, ready_at=now if yes else None)


async def told(session: AsyncSession, somebody: EventParticipant) -> list[Said]:
    """Return what is to be published of where somebody is; nothing of one in a crowd."""
    room_id = await session.scalar(
        select(EventEntry.room_id).where(EventEntry.id == somebody.entry_id)
    )
    if room_id is None or await event_state.crowded(session, room_id):
        return []
    data = event_state.presence_told(somebody, room_id)
    return [([Topic.ROOM.of(room_id)], Update(kind=Kind.PRESENCE, data=data))]


async def lose(session: AsyncSession) -> list[Said]:
    """Note who was not heard for long; commits, and returns what is to be published."""
    rows = await session.execute(_AWAY, {"silent": SILENT_S, "most": AT_ONCE_MAX})
    return await _all_told(session, [(row.entry_id, row.user_id) for row in rows])


async def complete(session: AsyncSession, *, now: datetime) -> list[Said]:
    """Note whose time is over; commits, and returns what is to be published."""
    said: list[Said] = []
    for event in (await session.scalars(_with_people_after(now))).all():
        over = [
            extra
            for extra in await session.scalars(_extras(event))
            if (end := ends_at(scoring.schedule(event), extra)) is not None and end <= now
        ]
        found = (
            select(EventParticipant.entry_id, EventParticipant.user_id)
            .join(EventEntry, EventEntry.id == EventParticipant.entry_id)
            .where(
                EventParticipant.event_id == event.id,
                EventParticipant.presence.in_(_THERE),
                EventEntry.kind == EntryKind.OFFICIAL,
                EventEntry.extra_s.in_(over),
            )
            .order_by(EventParticipant.entry_id, EventParticipant.user_id)
            .with_for_update(key_share=True, of=EventParticipant)
            .cte("over")
        )
        rows = await session.execute(
            update(EventParticipant)
            .where(
                EventParticipant.entry_id == found.c.entry_id,
                EventParticipant.user_id == found.c.user_id,
            )
            .values(presence=Presence.COMPLETED)
            .returning(EventParticipant.entry_id, EventParticipant.user_id)
            .execution_options(synchronize_session=False)
        )
        done = [(row.entry_id, row.user_id) for row in rows]
        said += await _all_told(session, done, commit=False)
    await session.commit()
    return said


async def hear(session: AsyncSession, followed: Collection[tuple[UUID, UUID]]) -> list[Said]:
    """Note that these people follow these events or rooms; commits, as `lose` does."""
    if not followed:
        return []
    said = {"users": [user for user, _ in followed], "subjects": [what for _, what in followed]}
    rows = await session.execute(_HEAR, said)
    return await _all_told(session, [(row.entry_id, row.user_id) for row in rows])


async def keep(parts: Parts) -> None:
    """Speak for whoever has a stream open in this process, until cancelled."""
    while True:
        await asyncio.sleep(KEEP_S)
        try:
            async with parts.sessions() as session:
                said = await hear(session, parts.hub.followed((Topic.EVENT, Topic.ROOM)))
        except (SQLAlchemyError, OSError) as error:
            # Also when two that speak for the same people got in each other's way.
            _log.warning("presence.unkept", error=type(error).__name__)
            continue
        for topics, each in said:
            parts.announcer.say(topics, each)


@asynccontextmanager
async def kept(parts: Parts) -> AsyncIterator[None]:
    """Speak for them as long as the block lasts."""
    task = asyncio.create_task(keep(parts), name="presence", context=Context())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _with_people_after(now: datetime) -> Select[Event]:
    """Return the events that may be over for somebody who is still there."""
    lasts = func.make_interval(0, 0, 0, 0, 0, 0, Event.duration_s)
    after = select(Event).where(
        Event.state.in_({EventState.LIVE, EventState.FROZEN, EventState.FINISHED}),
        func.coalesce(Event.started_at, Event.starts_at) + lasts <= now,
        exists().where(
            EventParticipant.event_id == Event.id, EventParticipant.presence.in_(_THERE)
        ),
    )
    return after.order_by(Event.id)


def _extras(event: Event) -> Select[int]:
    return select(EventEntry.extra_s).distinct().where(EventEntry.event_id == event.id)


async def _all_told(
    session: AsyncSession, some: Sequence[tuple[UUID, UUID]], *, commit: bool = True
) -> list[Said]:
    said: list[Said] = []
    for entry_id, user_id in some:
        found = await session.get(EventParticipant, (entry_id, user_id), populate_existing=True)
        if found is not None:
            said += await told(session, found)
    if commit:
        await session.commit()
    return said


async def _locked(session: AsyncSession, who: Attendance) -> EventParticipant:
    """Return the caller's row, locked, of an event whose rooms are open."""
    place = who.playing()
    if who.event.state not in ENTERED:
        raise ConflictError(
            f"the event is {who.event.state.value}: its rooms are not open",
            slug="event-state",
            allowed=[],
        )
    return await session.get_one(
        EventParticipant,
        (place.participant.entry_id, who.user.id),
        with_for_update=True,
        populate_existing=True,
    )


async def _moved(session: AsyncSession, found: EventParticipant, **values: Any) -> Moved:
    changed = any(getattr(found, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(found, name, value)
    await session.flush()
    return Moved(participant=found, changed=changed)
