"""What is read of rooms."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event, EventEntry, EventParticipant, Presence, Room
from api.errors import NotFoundError
from api.events.rooms import schemas
from api.live import Topic


async def page(
    session: AsyncSession, event: Event, *, after: int, limit: int
) -> list[tuple[Room, int, int, int, int]]:
    """Return rooms in order with how many entries and people they have, are there, are ready."""
    there = EventParticipant.presence == Presence.PRESENT
    found = await session.execute(
        select(
            Room,
            func.count(EventEntry.id.distinct()),
            func.count(EventParticipant.user_id),
            func.count(EventParticipant.user_id).filter(there),
            func.count(EventParticipant.ready_at).filter(there),
        )
        .outerjoin(EventEntry, EventEntry.room_id == Room.id)
        .outerjoin(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .where(Room.event_id == event.id, Room.position > after)
        .group_by(Room.id)
        .order_by(Room.position)
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in found]


async def one(session: AsyncSession, event: Event, room_id: UUID) -> Room:
    """Return a room of an event; raises `NotFoundError`."""
    found = await session.scalar(select(Room).where(Room.id == room_id, Room.event_id == event.id))
    if found is None:
        raise NotFoundError("there is no such room", slug="room-not-found")
    return found


async def inside(
    session: AsyncSession, room: Room, *, after: UUID | None, limit: int
) -> list[schemas.EntryShown]:
    """Return a page of a room's entries with their people."""
    wanted = select(EventEntry).where(EventEntry.room_id == room.id)
    if after is not None:
        wanted = wanted.where(EventEntry.id > after)
    entries = (await session.scalars(wanted.order_by(EventEntry.id).limit(limit))).all()
    people: dict[UUID, list[schemas.PersonShown]] = {each.id: [] for each in entries}
    found = await session.scalars(
        select(EventParticipant)
        .where(EventParticipant.entry_id.in_(people))
        .order_by(EventParticipant.name, EventParticipant.user_id)
    )
    for each in found:
        people[each.entry_id].append(_person(each))
    return [
        schemas.EntryShown(
            id=each.id, name=each.name, guild_id=each.guild_id, people=people[each.id]
        )
        for each in entries
    ]


def detail(room: Room, shown: list[schemas.EntryShown], cursor: str | None) -> schemas.RoomDetail:
    """Return a room with a page of those who play in it."""
    return schemas.RoomDetail(
        id=room.id,
        event_id=room.event_id,
        name=room.name,
        topic=Topic.ROOM.of(room.id),
        items=shown,
        next_cursor=cursor,
    )


def _person(row: Any) -> schemas.PersonShown:
    return schemas.PersonShown(
        user_id=row.user_id,
        name=row.name,
        presence=row.presence,
        ready=row.ready_at is not None,
    )
