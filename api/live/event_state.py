"""What PostgreSQL says of the topics of events and rooms: who may follow them, and their state.

Everything on these topics is for whoever may know of the event: players, opponents, spectators.
What only some may see is told on topics of people instead, or to the jury alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser
from api.db.models import Event, EventEntry, EventParticipant, EventState, Room
from api.live.following import View
from api.live.updates import Kind
from api.redaction import Audience

# Of a crowd nobody follows who comes and goes; telling everybody of everybody costs its square.
ROOM_TOLD_MAX = 100
# Before these there is nothing but somebody's wish.
UNKNOWN = frozenset({EventState.REQUESTED, EventState.REJECTED})
BEFORE = frozenset({EventState.APPROVED, EventState.ASSIGNED, EventState.LOBBY})
STARTED = frozenset(EventState) - UNKNOWN - BEFORE - {EventState.CANCELLED}


def may_know(user: CurrentUser, event: Event, *, plays: bool) -> bool:
    """Tell whether there is such an event for somebody, who `plays` there or does not."""
    if user.jury or event.requested_by == user.id:
        return True
    return event.state not in UNKNOWN and (plays or not event.private)


async def _played(session: AsyncSession, user: CurrentUser, events: Iterable[Event]) -> set[UUID]:
    """Return those of the private events in which somebody takes part."""
    private = {event.id for event in events if event.private}
    if not private:
        return private
    found = await session.scalars(
        select(EventParticipant.event_id).where(
            EventParticipant.user_id == user.id, EventParticipant.event_id.in_(private)
        )
    )
    return set(found)


async def of_events(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    """Return those of the events that the caller may follow."""
    found = (await session.scalars(select(Event).where(Event.id.in_(named)))).all()
    played = await _played(session, user, found)
    return {
        named[event.id]: View(audience=_audience(user), phase=None, state=(told(event),))
        for event in found
        if may_know(user, event, plays=event.id in played)
    }


async def of_rooms(
    session: AsyncSession, user: CurrentUser, named: Mapping[UUID, str]
) -> dict[str, View]:
    """Return those of the rooms whose event the caller may follow."""
    views: dict[str, View] = {}
    found = await session.execute(
        select(Room, Event).join(Event, Event.id == Room.event_id).where(Room.id.in_(named))
    )
    rows = found.all()
    played = await _played(session, user, [event for _, event in rows])
    for room, event in rows:
        if may_know(user, event, plays=event.id in played):
            present = await _inside(session, room.id)
            views[named[room.id]] = View(
                audience=_audience(user), phase=None, state=(told(event), *present)
            )
    return views


def told(event: Event) -> dict[str, Any]:
    """Return an event as its followers get it; statements are pointed at once it has started."""
    started = event.state in STARTED
    return {
        "update": Kind.EVENT.value,
        "event_id": str(event.id),
        "slug": event.slug,
        "state": event.state.value,
        "starts_at": (event.started_at or event.starts_at).isoformat(),
        "duration_s": event.duration_s,
        "paused": bool(event.removed) and event.removed[-1].get("end") is None,
        "revealed": event.revealed,
        "clock_url": f"/v1/events/{event.id}/clock",
        "statements_url": f"/v1/events/{event.id}/statements" if started else None,
    }


def presence_told(participant: EventParticipant, room_id: UUID | None) -> dict[str, Any]:
    """Return where somebody is, as the others in the room get it."""
    return {
        "update": Kind.PRESENCE.value,
        "event_id": str(participant.event_id),
        "room_id": str(room_id) if room_id is not None else None,
        "entry_id": str(participant.entry_id),
        "user_id": str(participant.user_id),
        "name": participant.name,
        "presence": participant.presence.value,
        "ready": participant.ready_at is not None,
    }


async def crowded(session: AsyncSession, room_id: UUID) -> bool:
    """Tell whether a room has too many for each to be told of each."""
    inside = await session.scalar(
        select(func.count()).select_from(EventEntry).where(EventEntry.room_id == room_id)
    )
    return int(inside or 0) > ROOM_TOLD_MAX


async def _inside(session: AsyncSession, room_id: UUID) -> list[dict[str, Any]]:
    if await crowded(session, room_id):
        return []
    found = await session.scalars(
        select(EventParticipant)
        .join(EventEntry, EventEntry.id == EventParticipant.entry_id)
        .where(EventEntry.room_id == room_id)
        .order_by(EventParticipant.entry_id, EventParticipant.user_id)
    )
    return [presence_told(each, room_id) for each in found]


def _audience(user: CurrentUser) -> Audience:
    return Audience.JURY if user.jury else Audience.PUBLIC
