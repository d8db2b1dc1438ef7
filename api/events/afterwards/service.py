"""Beginning to play an event that is over, once each, without touching what it left.

A virtual participation and a practice are entries of their own kinds. The event's row is locked,
so that two requests at once make one entry, and nobody begins what is being called off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, clocks
from api.auth import CurrentUser
from api.db.models import Entries, EntryKind, Event, EventEntry, EventParticipant
from api.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from api.events.afterwards.schemas import NewGuildVirtual, NewVirtual
from api.events.attending import Attendance, Place, ends_at
from api.events.enrolment import service as enrolment
from api.events.enrolment import teams
from api.leaderboards import apart, scoring, updating

AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Places in an event; `new` unless they were there before."""

    event: Event
    places: tuple[Place, ...]
    new: bool


async def begin(session: AsyncSession, user: CurrentUser, event_id: UUID, new: NewVirtual) -> Begun:
    """Begin a virtual participation; one that was begun stays as it is. The caller commits."""
    event = await updating.locked(session, event_id)
    if new.team is not None or new.key is not None:
        teams.need(event, Entries.TEAM)
    found = await _places(session, event, EntryKind.VIRTUAL, [user.id])
    if found:
        entry = found[0].entry
        if new.team not in {None, entry.name} or new.key not in {None, entry.join_key}:
            raise ConflictError("you play or played it already", slug="event-registered")
        return Begun(event=event, places=found, new=False)
    now = await _need_over(session, event)
    if not event.individuals:
        raise ForbiddenError("only guilds play in this event", slug="event-guilds-only")
    name = _name(user)
    if new.key is not None:
        place = await _join_team(session, event, user.id, name, new.key, now)
        _noted(session, user, event, "virtual_joined", entry_id=str(place.entry.id))
        return Begun(event=event, places=(place,), new=True)
    start = _start(new.starts_at, now)
    made = await _join(
        session,
        event,
        EntryKind.VIRTUAL,
        [(new.team or name, {user.id: name})],
        starts_at=start,
        join_key=teams.new_key() if new.team is not None else None,
    )
    detail = {} if new.team is None else {"team": new.team}
    _noted(session, user, event, "virtual_begun", starts_at=start.isoformat(), **detail)
    return Begun(event=event, places=made, new=True)


async def begin_guild(
    session: AsyncSession, user: CurrentUser, event_id: UUID, guild_id: UUID, new: NewGuildVirtual
) -> Begun:
    """Begin one for people of a guild, on one clock; again: what there is. The caller commits."""
    event = await updating.locked(session, event_id)
    guild = await enrolment.need_master(session, user, guild_id)
    found = await _places(session, event, EntryKind.VIRTUAL, guild_id=guild_id)
    if found:
        return Begun(event=event, places=found, new=False)
    now = await _need_over(session, event)
    together = enrolment.teams_of(event, guild, new)
    named = [who for team in together for who in team.members] or new.members
    wanted = list(dict.fromkeys(named))
    if event.guild_members_max is not None and len(wanted) > event.guild_members_max:
        raise ConflictError(
            f"a guild sends at most {event.guild_members_max}",
            slug="event-full",
            guild_members_max=event.guild_members_max,
        )
    names = await enrolment.members_of(session, guild_id, wanted)
    taken = await _places(session, event, EntryKind.VIRTUAL, wanted)
    if taken:
        raise ConflictError(
            f"{len(taken)} of them play or played it already",
            slug="event-registered",
            registered=[str(each.participant.user_id) for each in taken[:20]],
        )
    lines = [(team.name, {who: names[who] for who in team.members}) for team in together]
    start = _start(new.starts_at, now)
    made = await _join(
        session,
        event,
        EntryKind.VIRTUAL,
        lines or [(names[who], {who: names[who]}) for who in wanted],
        starts_at=start,
        guild_id=guild_id,
    )
    detail = {"guild_id": str(guild_id), "members": [str(each) for each in wanted]}
    _noted(session, user, event, "virtual_begun", starts_at=start.isoformat(), **detail)
    return Begun(event=event, places=made, new=True)


async def call_off(session: AsyncSession, user: CurrentUser, event_id: UUID) -> None:
    """Take back a virtual participation that has not started; again is no error."""
    event = await updating.locked(session, event_id)
    for place in await _places(session, event, EntryKind.VIRTUAL, [user.id]):
        now = await session.scalar(select(func.clock_timestamp()))
        assert now is not None
        assert place.entry.starts_at is not None
        if place.entry.starts_at <= now:
            raise ConflictError("it has started; it is played once", slug="virtual-started")
        await session.delete(place.participant)
        await session.flush()
        await teams.drop_empty(session, [place.entry.id])
        _noted(session, user, event, "virtual_called_off")


async def practise(session: AsyncSession, user: CurrentUser, event_id: UUID) -> Begun:
    """Begin to practise with an event's problems; again is no error. The caller commits."""
    event = await updating.locked(session, event_id)
    found = await _places(session, event, EntryKind.PRACTICE, [user.id])
    if found:
        return Begun(event=event, places=found, new=False)
    await _need_over(session, event)
    name = _name(user)
    made = await _join(session, event, EntryKind.PRACTICE, [(name, {user.id: name})])
    return Begun(event=event, places=made, new=True)


def own(who: Attendance) -> Place:
    """Return the caller's virtual place; raises `NotFoundError`."""
    place = who.of(EntryKind.VIRTUAL)
    if place is None:
        raise NotFoundError(
            "you have not begun to play this event virtually", slug="entry-not-found"
        )
    return place


async def _need_over(session: AsyncSession, event: Event) -> datetime:
    """Return what time it is; raises while the event goes on or its board hides something."""
    now: datetime | None = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    if not clocks.played(event, now):
        raise ConflictError(
            "it can be played again when it is over and its board shows everything",
            slug="event-not-over",
            state=event.state.value,
        )
    return now


def _start(wanted: datetime | None, now: datetime) -> datetime:
    if wanted is None or wanted <= now:
        return now
    if wanted > now + AHEAD:
        raise InvalidError(f"starts_at: at most {AHEAD.days} days from now")
    return wanted


async def _places(
    session: AsyncSession,
    event: Event,
    kind: EntryKind,
    users: Sequence[UUID] | None = None,
    *,
    guild_id: UUID | None = None,
) -> tuple[Place, ...]:
    """Return the places of people, or of a guild, in the order of their entries."""
    query = (
        select(EventEntry, EventParticipant)
        .join(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .where(EventEntry.event_id == event.id, EventEntry.kind == kind)
        .order_by(EventEntry.id)
    )
    if users is not None:
        query = query.where(EventParticipant.user_id.in_(users))
    if guild_id is not None:
        query = query.where(EventEntry.guild_id == guild_id)
    rows = await session.execute(query)
    return tuple(Place(entry=entry, participant=who) for entry, who in rows.all())


async def _join(
    session: AsyncSession,
    event: Event,
    kind: EntryKind,
    lines: Sequence[tuple[str, Mapping[UUID, str]]],
    *,
    starts_at: datetime | None = None,
    guild_id: UUID | None = None,
    join_key: str | None = None,
) -> tuple[Place, ...]:
    """Make an entry for each line of people, with a row of its own apart from the official board.

    A line is the entry's name, and the names of those in it.
    """
    made = []
    for name, people in lines:
        entry = EventEntry(
            event_id=event.id,
            kind=kind,
            name=name,
            guild_id=guild_id,
            starts_at=starts_at,
            join_key=join_key,
        )
        session.add(entry)
        await session.flush()
        made += [_put(session, entry, user_id, each) for user_id, each in people.items()]
    await session.flush()
    await apart.refresh(session, scoring.rules(event), {place.entry.id for place in made})
    return tuple(made)


async def _join_team(
    session: AsyncSession, event: Event, user_id: UUID, name: str, key: str, now: datetime
) -> Place:
    """Put somebody into the virtual team of a key, until its time is over."""
    entry = await teams.of_key(session, event, key, EntryKind.VIRTUAL)
    assert entry.starts_at is not None
    end = ends_at(scoring.virtual(scoring.schedule(event), entry.starts_at), entry.extra_s)
    if end is None or now >= end:
        raise ConflictError("the time of this team is over", slug="event-closed")
    await teams.need_room_for_one(session, event, entry.id)
    place = _put(session, entry, user_id, name)
    await session.flush()
    return place


def _put(session: AsyncSession, entry: EventEntry, user_id: UUID, name: str) -> Place:
    who = EventParticipant(
        entry_id=entry.id, user_id=user_id, event_id=entry.event_id, kind=entry.kind, name=name
    )
    session.add(who)
    return Place(entry=entry, participant=who)


def _name(user: CurrentUser) -> str:
    return user.name or str(user.id)


def _noted(
    session: AsyncSession, user: CurrentUser, event: Event, action: str, **detail: Any
) -> None:
    audit.record(session, user, f"event.{action}", subject=("event", event.id), detail=detail)
