"""Teams of an event: several people in one entry, which the board ranks as one.

A guild's are named by its guild master; those of the same name keep their entry, with its extra
time. Others are made by one person, who gives the key of it to those who are to join.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import mates
from api.db.models import Entries, EntryKind, Event, EventEntry, EventParticipant
from api.errors import ConflictError, InvalidError, NotFoundError
from api.events import choosing

KEY_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team as it is to be."""

    name: str
    members: tuple[UUID, ...]


def need(event: Event, wanted: Entries) -> None:
    """Raise `ConflictError` where the places of an event are not such ones."""
    if event.entries is not wanted:
        raise ConflictError(
            f"a place in this event is for one {event.entries.value}",
            slug="event-entries",
            entries=event.entries.value,
        )


def checked(event: Event, teams: Sequence[Team]) -> None:
    """Raise unless every team fits and nobody, nor any name, is in two."""
    names = {each.name for each in teams}
    people = [who for each in teams for who in each.members]
    if len(names) < len(teams) or len(set(people)) < len(people):
        raise InvalidError("a name or somebody is in two teams", slug="event-teams")
    for each in teams:
        _need_room(event, len(each.members))


async def line_up(
    session: AsyncSession,
    event: Event,
    guild_id: UUID,
    teams: Sequence[Team],
    names: Mapping[UUID, str],
) -> None:
    """Make these the teams of a guild, in the place of those it had."""
    found = await session.scalars(
        select(EventEntry).where(
            EventEntry.event_id == event.id,
            EventEntry.kind == EntryKind.OFFICIAL,
            EventEntry.guild_id == guild_id,
        )
    )
    known = {each.name: each for each in found}
    wanted = {each.name: each for each in teams}
    for name, entry in known.items():
        keep = wanted[name].members if name in wanted else ()
        await session.execute(
            delete(EventParticipant)
            .where(EventParticipant.entry_id == entry.id, EventParticipant.user_id.not_in(keep))
            .execution_options(synchronize_session=False)
        )
    await drop_empty(session, [known[name].id for name in known if name not in wanted])
    await need_free(
        session,
        event.id,
        names,
        beside=[known[name].id for name in wanted if name in known],
    )
    for name, team in wanted.items():
        entry_id = known[name].id if name in known else None
        if entry_id is None:
            entry = EventEntry(event_id=event.id, name=name, guild_id=guild_id)
            session.add(entry)
            await session.flush()
            entry_id = entry.id
        there = set(await session.scalars(mates.people(entry_id)))
        for user_id in (each for each in team.members if each not in there):
            _put(session, event.id, entry_id, user_id, names[user_id])
    await session.flush()


async def found_team(
    session: AsyncSession, event: Event, user_id: UUID, user_name: str, name: str
) -> None:
    """Make a team of one that others can join by its key."""
    await need_free(session, event.id, [user_id])
    entry = EventEntry(event_id=event.id, name=name, join_key=new_key())
    session.add(entry)
    await session.flush()
    _put(session, event.id, entry.id, user_id, user_name)
    await session.flush()


def new_key() -> str:
    """Return a key by which others join a team."""
    return secrets.token_urlsafe(KEY_BYTES)


async def join_team(
    session: AsyncSession, event: Event, user_id: UUID, user_name: str, key: str
) -> None:
    """Put somebody into the team of a key; raises `NotFoundError` when there is none."""
    entry = await of_key(session, event, key)
    await need_free(session, event.id, [user_id])
    await need_room_for_one(session, event, entry.id)
    _put(session, event.id, entry.id, user_id, user_name)
    await session.flush()


async def need_room_for_one(session: AsyncSession, event: Event, entry_id: UUID) -> None:
    """Raise `ConflictError` when a team is full."""
    inside = await session.scalar(select(func.count()).where(EventParticipant.entry_id == entry_id))
    _need_room(event, int(inside or 0) + 1)


async def of_key(
    session: AsyncSession, event: Event, key: str, kind: EntryKind = EntryKind.OFFICIAL
) -> EventEntry:
    """Return the team of a key; raises `NotFoundError`."""
    entry = await session.scalar(
        select(EventEntry).where(
            EventEntry.event_id == event.id,
            EventEntry.kind == kind,
            EventEntry.join_key == key,
        )
    )
    if entry is None:
        raise NotFoundError("no team of this event has this key", slug="entry-not-found")
    return entry


async def drop_empty(session: AsyncSession, entries: Collection[UUID]) -> None:
    """Take away those of the entries in which nobody is left."""
    inside = (
        select(EventParticipant.entry_id).where(EventParticipant.entry_id == EventEntry.id).exists()
    )
    await session.execute(
        delete(EventEntry)
        .where(EventEntry.id.in_(entries), ~inside)
        .execution_options(synchronize_session=False)
    )


async def need_free(
    session: AsyncSession,
    event_id: UUID,
    people: Collection[UUID],
    *,
    beside: Collection[UUID] = (),
) -> None:
    """Raise `ConflictError` for authors, and who is in the event, but for `beside` these."""
    taken = (
        await session.scalars(
            select(EventParticipant.user_id).where(
                EventParticipant.event_id == event_id,
                EventParticipant.user_id.in_(people),
                EventParticipant.kind == EntryKind.OFFICIAL,
                EventParticipant.entry_id.not_in(beside),
            )
        )
    ).all()
    if taken:
        raise ConflictError(
            f"{len(taken)} of them are registered already",
            slug="event-registered",
            registered=[str(each) for each in taken[:20]],
        )
    if wrote := await choosing.authors(session, event_id) & set(people):
        raise ConflictError(
            f"{len(wrote)} of them wrote a problem of the event",
            slug="event-author",
            authors=[str(each) for each in sorted(wrote)[:20]],
        )


def _need_room(event: Event, members: int) -> None:
    if members > event.team_members_max:
        raise ConflictError(
            f"a team has at most {event.team_members_max}",
            slug="event-full",
            team_members_max=event.team_members_max,
        )


def _put(session: AsyncSession, event_id: UUID, entry_id: UUID, user_id: UUID, name: str) -> None:
    session.add(EventParticipant(entry_id=entry_id, user_id=user_id, event_id=event_id, name=name))
