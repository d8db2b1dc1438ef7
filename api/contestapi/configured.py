"""What a contest is made of: objects that are set before it starts, and its state."""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.contestapi import times
from api.contestapi.kinds import Side
from api.contestapi.viewing import Contest, View
from api.db.models import (
    EntryKind,
    EventEntry,
    EventGuild,
    EventParticipant,
    EventState,
    GuildRef,
    Room,
)
from judge.languages import languages as known_languages
from judge.scoring.icpc import Icpc
from judge.verdicts import Verdict

# `end_of_updates` comes after everything else.
_TICK = timedelta(milliseconds=1)
# Of two languages with the same ending, clients take the first.
_SECOND = frozenset({"pypy3"})
Objects = list[dict[str, Any]]


def contest(of: Contest) -> dict[str, Any]:
    """Return the contest itself."""
    event = of.event
    shown: dict[str, Any] = {
        "id": of.id,
        "name": event.title,
        "formal_name": event.title,
        "start_time": times.moment(event.started_at or event.starts_at),
        "duration": times.span(timedelta(seconds=event.duration_s)),
        "scoreboard_freeze_duration": (
            times.span(timedelta(seconds=event.freeze_s)) if event.freeze_s else None
        ),
        "scoreboard_type": "score" if of.scores else "pass-fail",
    }
    rules = of.rules.format
    if isinstance(rules, Icpc):
        shown["penalty_time"] = rules.penalty_minutes
    return shown


def state(of: Contest) -> dict[str, Any]:
    """Return which moments of a contest's life are past."""
    event = of.event
    ended = event.finished_at if of.started else None
    thawed = event.thawed_at if of.froze_at is not None else None
    over = None
    if event.finalised_at is not None:
        over = max(filter(None, (event.finalised_at, thawed))) + _TICK
    return {
        "started": times.maybe((event.started_at or event.starts_at) if of.started else None),
        "frozen": times.maybe(of.froze_at),
        "ended": times.maybe(ended),
        "thawed": times.maybe(thawed),
        "finalized": times.maybe(event.finalised_at),
        "end_of_updates": times.maybe(over),
    }


def judgement_types(of: Contest) -> Objects:
    """Return the verdicts there are, and which of them cost time."""
    rules = of.rules.format
    shown: Objects = []
    for verdict in Verdict:
        solved = verdict is Verdict.AC
        each: dict[str, Any] = {"id": verdict.value, "name": verdict.label, "solved": solved}
        if isinstance(rules, Icpc):
            each["penalty"] = not solved and verdict not in rules.free_verdicts | {Verdict.JE}
        shown.append(each)
    return shown


def languages() -> Objects:
    """Return the languages; where to start is found out, so no client has to say it."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "entry_point_required": False,
            "extensions": [extension.removeprefix(".") for extension in each.extensions],
        }
        for each in sorted(known_languages().values(), key=lambda each: each.id in _SECOND)
    ]


def problems(view: View) -> Objects:
    """Return the problems; there are none for players until the contest starts."""
    if not view.sees_problems:
        return []
    shown: Objects = []
    for ordinal, task in enumerate(view.contest.tasks):
        each = {
            "id": task.id,
            "label": task.row.label,
            "name": task.name,
            "ordinal": ordinal,
            "time_limit": task.row.cpu_ms / 1000,
            "test_data_count": task.case_total,
        }
        if view.contest.scores:
            each["max_score"] = float(task.row.points)
        shown.append(each)
    return shown


async def groups(session: AsyncSession, of: Contest) -> Objects:
    """Return the rooms."""
    rooms = await session.scalars(
        select(Room).where(Room.event_id == of.event.id).order_by(Room.position)
    )
    return [{"id": room_name(each.position), "name": each.name, "type": "room"} for each in rooms]


def room_name(position: int) -> str:
    """Return what a room is called as a group; short, since awards are called after it."""
    return f"room-{position + 1}"


async def organizations(session: AsyncSession, of: Contest) -> Objects:
    """Return the guilds that registered or have somebody in it."""
    event_id = of.event.id
    registered = await session.execute(
        select(EventGuild.guild_id, EventGuild.name).where(EventGuild.event_id == event_id)
    )
    present = await session.execute(
        select(EventEntry.guild_id, GuildRef.name)
        .outerjoin(GuildRef, GuildRef.guild_id == EventEntry.guild_id)
        .where(EventEntry.event_id == event_id, EventEntry.guild_id.is_not(None))
        .distinct()
    )
    names = {str(row[0]): row[1] for row in chain(present, registered)}
    return [{"id": guild, "name": names[guild] or guild} for guild in sorted(names)]


async def teams(session: AsyncSession, of: Contest, only: Collection[UUID] | None) -> Objects:
    """Return the entries that are ranked."""
    query = (
        select(EventEntry.id, EventEntry.name, EventEntry.guild_id, Room.position)
        .outerjoin(Room, Room.id == EventEntry.room_id)
        .where(EventEntry.event_id == of.event.id, EventEntry.kind == EntryKind.OFFICIAL)
        .order_by(EventEntry.id)
    )
    if only is not None:
        query = query.where(EventEntry.id == any_(cast([*only], ARRAY(Uuid()))))
    return [
        {
            "id": str(entry.id),
            "label": entry.name,
            "name": entry.name,
            "organization_id": str(entry.guild_id) if entry.guild_id else None,
            "group_ids": [] if entry.position is None else [room_name(entry.position)],
        }
        for entry in await session.execute(query)
    ]


async def persons(session: AsyncSession, view: View, only: Collection[UUID] | None) -> Objects:
    """Return who takes part: all for the jury, their own for a team."""
    if view.side is Side.PUBLIC:
        return []
    query = (
        select(EventParticipant)
        .where(
            EventParticipant.event_id == view.contest.event.id,
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
        .order_by(EventParticipant.user_id)
    )
    if view.side is Side.TEAM:
        query = query.where(EventParticipant.entry_id == view.entry_id)
    if only is not None:
        query = query.where(EventParticipant.user_id.in_(only))
    return [
        {
            "id": str(each.user_id),
            "name": each.name,
            "role": "contestant",
            "team_ids": [str(each.entry_id)],
        }
        for each in await session.scalars(query)
    ]


def account(view: View) -> dict[str, Any] | None:
    """Return the account of the caller, as far as it is one of this contest."""
    user = view.user
    if user is None or view.side is Side.PUBLIC:
        return None
    shown: dict[str, Any] = {
        "id": str(user.id),
        "username": user.name or str(user.id),
        "name": user.name,
        "type": "admin",
        "team_id": None,
        "person_id": None,
    }
    if view.side is Side.TEAM:
        shown |= {"type": "team", "team_id": str(view.entry_id), "person_id": str(user.id)}
    return shown


def ended_at(of: Contest) -> datetime:
    """Return the moment a scoreboard is of: now, or the end."""
    if of.event.state is EventState.FINALISED and of.event.finalised_at is not None:
        return of.event.finalised_at
    return of.now
