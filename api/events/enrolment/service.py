"""Who takes part: guilds with the members that were selected, and individuals.

That may change while the event is approved and its rooms are not assigned. Every member gets an
entry of their own, under their guild, or a place in one of its teams; nobody is in two. The event's
row is locked, so that bounds hold whoever registers at the same moment.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser, Role
from api.db.models import (
    Entries,
    EntryKind,
    Event,
    EventEntry,
    EventGuild,
    EventParticipant,
    GuildMemberRef,
    GuildRef,
    UserProfileRef,
)
from api.errors import ConflictError, ForbiddenError, InvalidError
from api.events.enrolment import teams
from api.events.enrolment.schemas import NewGuild, NewRegistration
from api.events.enrolment.teams import Team
from api.events.machine import ENROLLING, allowed
from api.leaderboards import updating


async def enrol_guild(
    session: AsyncSession,
    user: CurrentUser,
    event_id: UUID,
    guild_id: UUID,
    new: NewGuild,
) -> Event:
    """Register a guild with these members, in the place of those it had; the caller commits."""
    event = await _enrolling(session, event_id)
    name = await need_master(session, user, guild_id)
    together = teams_of(event, name, new)
    named = [who for team in together for who in team.members] or new.members
    wanted = list(dict.fromkeys(named))
    if event.guild_members_max is not None and len(wanted) > event.guild_members_max:
        raise ConflictError(
            f"a guild sends at most {event.guild_members_max}",
            slug="event-full",
            guild_members_max=event.guild_members_max,
        )
    names = await members_of(session, guild_id, wanted)
    known = await session.get(EventGuild, (event.id, guild_id))
    if known is None:
        await _room_for_guild(session, event)
        session.add(
            EventGuild(event_id=event.id, guild_id=guild_id, name=name, registered_by=user.id)
        )
        await session.flush()
    before = await _playing_for(session, event.id, guild_id)
    if event.entries is Entries.TEAM:
        await teams.line_up(session, event, guild_id, together, names)
    else:
        await _leave(session, event.id, set(before) - set(wanted))
        fresh = [each for each in wanted if each not in before]
        await _join(session, event.id, {each: names[each] for each in fresh}, guild_id)
    if known is None or before != await _playing_for(session, event.id, guild_id):
        named_teams = [each.name for each in together]
        _noted(
            session,
            user,
            event,
            "guild_registered",
            guild_id=guild_id,
            members=wanted,
            teams=named_teams or None,
        )
    return event


async def withdraw_guild(
    session: AsyncSession, user: CurrentUser, event_id: UUID, guild_id: UUID
) -> Event:
    """Take a guild and its members out; again is no error. The caller commits."""
    event = await _enrolling(session, event_id)
    await need_master(session, user, guild_id)
    known = await session.get(EventGuild, (event.id, guild_id))
    if known is not None:
        await _leave(session, event.id, await _playing_for(session, event.id, guild_id))
        await session.delete(known)
        _noted(session, user, event, "guild_withdrawn", guild_id=guild_id)
    return event


async def enrol(
    session: AsyncSession, user: CurrentUser, event_id: UUID, new: NewRegistration
) -> Event:
    """Register the caller by themselves; again is no error. The caller commits."""
    event = await _enrolling(session, event_id)
    if not event.individuals:
        raise ForbiddenError("only guilds register for this event", slug="event-guilds-only")
    if new.team is not None or new.key is not None:
        teams.need(event, Entries.TEAM)
    mine = await _entry_of(session, event.id, user.id)
    if mine is not None:
        await _need_same(session, event, mine, new)
        return event
    name = user.name or str(user.id)
    if new.team is not None:
        await teams.found_team(session, event, user.id, name, new.team)
    elif new.key is not None:
        await teams.join_team(session, event, user.id, name, new.key)
    else:
        await _join(session, event.id, {user.id: name}, None)
    _noted(session, user, event, "registered", team=new.team)
    return event


async def withdraw(session: AsyncSession, user: CurrentUser, event_id: UUID) -> Event:
    """Take the caller out, whoever registered them; again is no error. The caller commits."""
    event = await _enrolling(session, event_id)
    if await _entry_of(session, event.id, user.id) is not None:
        await _leave(session, event.id, {user.id})
        _noted(session, user, event, "withdrawn")
    return event


async def give_time(
    session: AsyncSession,
    user: CurrentUser,
    event_id: UUID,
    entry_id: UUID,
    *,
    extra_s: int,
    reason: str,
) -> EventEntry | None:
    """Give an entry so much extra time; None when it is not there. The caller commits."""
    event = await updating.locked(session, event_id)
    entry = await session.get(EventEntry, entry_id, populate_existing=True)
    if entry is None or entry.event_id != event.id:
        return None
    if event.finished_at is not None and entry.kind is not EntryKind.VIRTUAL:
        raise _state(event, "the event is over")
    if entry.extra_s != extra_s:
        detail = {"entry_id": entry_id, "before": entry.extra_s, "extra_s": extra_s}
        entry.extra_s = extra_s
        _noted(session, user, event, "extra_time", reason=reason, **detail)
    return entry


async def _enrolling(session: AsyncSession, event_id: UUID) -> Event:
    event = await updating.locked(session, event_id)
    if event.state not in ENROLLING:
        raise _state(event, f"the event is {event.state.value}; nobody registers or withdraws now")
    return event


async def _need_same(session: AsyncSession, event: Event, mine: UUID, new: NewRegistration) -> None:
    """Raise `ConflictError` when somebody who is registered asks for another place."""
    entry = await session.get_one(EventEntry, mine)
    other = new.team is not None and new.team != entry.name
    if other or (new.key is not None and (await teams.of_key(session, event, new.key)) != entry):
        raise ConflictError("you are registered already", slug="event-registered")


def teams_of(event: Event, guild: str, new: NewGuild) -> list[Team]:
    """Return a guild's teams as they are to be; none where everybody plays alone."""
    if event.entries is Entries.INDIVIDUAL:
        if new.teams:
            teams.need(event, Entries.TEAM)
        return []
    wanted = [Team(name=each.name, members=tuple(each.members)) for each in new.teams]
    if new.members:
        wanted = [Team(name=guild, members=tuple(dict.fromkeys(new.members)))]
    teams.checked(event, wanted)
    return wanted


def _state(event: Event, detail: str) -> ConflictError:
    acts = [each.value for each in allowed(event.state)]
    return ConflictError(detail, slug="event-state", state=event.state.value, allowed=acts)


async def need_master(session: AsyncSession, user: CurrentUser, guild_id: UUID) -> str:
    """Return a guild's name; raises unless the caller may act for it."""
    profile = await session.get(UserProfileRef, user.id)
    own = profile is not None and profile.deleted_at is None and profile.guild_id == guild_id
    if not (user.has(Role.GAME_MASTER) or (user.has(Role.GUILD_MASTER) and own)):
        raise ForbiddenError("only its guild master acts for a guild", slug="guild-not-yours")
    guild = await session.get(GuildRef, guild_id)
    if guild is None or guild.deleted_at is not None:
        raise InvalidError("there is no such guild", slug="guild-unknown")
    return guild.name


async def members_of(
    session: AsyncSession, guild_id: UUID, wanted: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return the names of members; raises for who is none."""
    rows = await session.execute(
        select(GuildMemberRef.user_id, UserProfileRef.name)
        .join(UserProfileRef, UserProfileRef.user_id == GuildMemberRef.user_id)
        .where(
            GuildMemberRef.guild_id == guild_id,
            GuildMemberRef.user_id.in_(wanted),
            GuildMemberRef.left_at.is_(None),
            UserProfileRef.deleted_at.is_(None),
        )
    )
    names: dict[UUID, str] = {row.user_id: row.name for row in rows}
    strangers = [str(each) for each in wanted if each not in names]
    if strangers:
        raise InvalidError(
            f"{len(strangers)} of them are no members of the guild",
            slug="guild-members",
            strangers=strangers[:20],
        )
    return names


async def _room_for_guild(session: AsyncSession, event: Event) -> None:
    count = await session.scalar(select(func.count()).where(EventGuild.event_id == event.id))
    if event.guilds_max is not None and (count or 0) >= event.guilds_max:
        raise ConflictError(
            f"the event takes {event.guilds_max} guilds",
            slug="event-full",
            guilds_max=event.guilds_max,
        )


async def _playing_for(
    session: AsyncSession, event_id: UUID, guild_id: UUID
) -> Mapping[UUID, UUID]:
    """Return who plays for a guild, with their entries."""
    found = await session.execute(
        select(EventParticipant.user_id, EventParticipant.entry_id)
        .join(EventEntry, EventEntry.id == EventParticipant.entry_id)
        .where(
            EventParticipant.event_id == event_id,
            EventParticipant.kind == EntryKind.OFFICIAL,
            EventEntry.guild_id == guild_id,
        )
    )
    return {row.user_id: row.entry_id for row in found}


async def _entry_of(session: AsyncSession, event_id: UUID, user_id: UUID) -> UUID | None:
    return await session.scalar(
        select(EventParticipant.entry_id).where(
            EventParticipant.event_id == event_id,
            EventParticipant.user_id == user_id,
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
    )


async def _join(
    session: AsyncSession, event_id: UUID, names: Mapping[UUID, str], guild_id: UUID | None
) -> None:
    await teams.need_free(session, event_id, names)
    for user_id, name in names.items():
        entry = EventEntry(event_id=event_id, name=name, guild_id=guild_id)
        session.add(entry)
        await session.flush()
        session.add(
            EventParticipant(entry_id=entry.id, user_id=user_id, event_id=event_id, name=name)
        )
    await session.flush()


async def _leave(session: AsyncSession, event_id: UUID, users: Collection[UUID]) -> None:
    """Take people out, and the entries in which nobody is left."""
    left = await session.scalars(
        delete(EventParticipant)
        .where(
            EventParticipant.event_id == event_id,
            EventParticipant.user_id.in_(users),
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
        .returning(EventParticipant.entry_id)
        .execution_options(synchronize_session=False)
    )
    await teams.drop_empty(session, set(left))


def _noted(
    session: AsyncSession, user: CurrentUser, event: Event, action: str, **detail: Any
) -> None:
    said = {
        name: [str(one) for one in each] if isinstance(each, list) else _plain(each)
        for name, each in detail.items()
        if each not in ("", None)
    }
    audit.record(session, user, f"event.{action}", subject=("event", event.id), detail=said)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
