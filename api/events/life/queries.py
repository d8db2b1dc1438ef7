"""What is read of events, and how rows become what a caller may see."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from api import paging
from api.auth import CurrentUser
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    EntryKind,
    Event,
    EventEntry,
    EventGuild,
    EventParticipant,
    EventProblem,
    EventState,
)
from api.errors import BadRequestError, ConflictError, InvalidError
from api.events import revisions
from api.events.attending import Attendance
from api.events.choosing import Choice
from api.events.life import schemas
from api.events.machine import ENROLLING, RUNNING, STARTED, allowed
from api.leaderboards import scoring
from api.live import event_state

_JURY = ("seed", "reason", "requested_by", "decided_by")


async def page(
    session: AsyncSession,
    user: CurrentUser,
    *,
    cursor: str | None,
    limit: int,
    states: Collection[EventState],
    mine: bool,
) -> schemas.EventPage:
    """Return a page of the events somebody may know of, the latest start first."""
    query = select(Event).order_by(Event.starts_at.desc(), Event.id.desc()).limit(limit + 1)
    if not user.jury:
        query = query.where(
            or_(
                and_(
                    Event.state.not_in(event_state.UNKNOWN),
                    or_(Event.private.is_(False), _plays(user)),
                ),
                Event.requested_by == user.id,
            )
        )
    if states:
        query = query.where(Event.state.in_(states))
    if mine:
        query = query.where(or_(Event.requested_by == user.id, _plays(user)))
    if cursor is not None:
        query = query.where(tuple_(Event.starts_at, Event.id) < _after(cursor))
    rows = list(await session.scalars(query))
    shown = rows[:limit]
    return schemas.EventPage(
        items=[schemas.EventSummary(**_summary(each)) for each in shown],
        next_cursor=paging.encode(shown[-1].starts_at.isoformat(), str(shown[-1].id))
        if len(rows) > limit
        else None,
    )


def shown(who: Attendance, event: Event | None = None) -> schemas.EventShown:
    """Return an event as somebody may see it."""
    event = event or who.event
    clock = scoring.schedule(event)
    inside = who.jury or event.requested_by == who.user.id
    official = who.official
    plain = {
        name: getattr(event, name)
        for name in schemas.EventShown.model_fields
        if name in Event.__table__.columns and name not in _JURY
    }
    kept = {name: getattr(event, name) for name in _JURY} if who.jury else {}
    if inside:
        kept |= {"reason": event.reason, "requested_by": event.requested_by}
    if who.jury:
        # To nobody else: whoever knows the rest finds the seed that it is made of by trying all.
        kept["revision"] = revisions.revision(event)
    return schemas.EventShown(
        **plain | _summary(event) | kept,
        # A pause that has no end yet is the one that holds.
        paused=event.state in RUNNING and any(each.get("end") is None for each in event.removed),
        ends_at=clock.end,
        entry_id=official.entry.id if official is not None else None,
        team_key=official.entry.join_key if official and event.state in ENROLLING else None,
        allowed=[each.value for each in allowed(event.state)] if who.jury else [],
        stuck=event.extra.get("stuck") if who.jury else None,
    )


async def problems(session: AsyncSession, who: Attendance) -> schemas.Problems:
    """Return an event's problems: the jury's at any time, everybody's from the start on."""
    if who.event.state not in STARTED and not who.jury:
        raise ConflictError(
            "the event has not started", slug="event-state", state=who.event.state.value, allowed=[]
        )
    found = await session.execute(
        select(EventProblem, CodeProblem.slug, CodeProblemVersion.title)
        .join(CodeProblem, CodeProblem.id == EventProblem.problem_id)
        .join(CodeProblemVersion, CodeProblemVersion.id == EventProblem.version_id)
        .where(EventProblem.event_id == who.event.id)
        .order_by(EventProblem.position)
    )
    items = [
        schemas.ProblemShown(
            problem_id=row.problem_id,
            slug=slug,
            label=row.label,
            position=row.position,
            title=title,
            points=float(row.points),
            scoring=row.scoring,
            max_score=None if row.max_score is None else float(row.max_score),
            cpu_ms=row.cpu_ms,
            memory_bytes=row.memory_bytes,
        )
        for row, slug, title in found
    ]
    return schemas.Problems(items=items)


async def choices(session: AsyncSession, wanted: Sequence[schemas.Chosen]) -> list[Choice]:
    """Return what somebody chose by slug or id; raises `InvalidError` naming what there is not."""
    ids = {each.problem: _uuid(each.problem) for each in wanted}
    found = await session.execute(
        select(CodeProblem.id, CodeProblem.slug).where(
            or_(
                CodeProblem.slug.in_(ids),
                CodeProblem.id.in_([each for each in ids.values() if each is not None]),
            )
        )
    )
    rows = found.all()
    known: dict[str, UUID] = {slug: identity for identity, slug in rows}
    known |= {str(identity): identity for identity, _ in rows}
    missing = [name for name in ids if name not in known and str(ids[name]) not in known]
    if missing:
        raise InvalidError(f"there is no problem {missing[0]}", slug="event-problems")
    return [
        Choice(
            problem_id=known.get(each.problem) or known[str(ids[each.problem])],
            label=each.label,
            points=each.points,
            cpu_ms=each.cpu_ms,
            memory_bytes=each.memory_bytes,
        )
        for each in wanted
    ]


async def entries(
    session: AsyncSession, who: Attendance, *, cursor: str | None, limit: int
) -> schemas.EntryPage:
    """Return a page of the official entries."""
    query = (
        select(EventEntry)
        .where(EventEntry.event_id == who.event.id, EventEntry.kind == EntryKind.OFFICIAL)
        .order_by(EventEntry.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(EventEntry.id > _id(paging.decode(cursor)[0]))
    rows = list(await session.scalars(query))
    shown_rows = rows[:limit]
    people: dict[UUID, list[schemas.MemberShown]] = {}
    for each in await session.scalars(
        select(EventParticipant)
        .where(EventParticipant.entry_id.in_([row.id for row in shown_rows]))
        .order_by(EventParticipant.user_id)
    ):
        member = schemas.MemberShown(user_id=each.user_id, name=each.name)
        people.setdefault(each.entry_id, []).append(member)
    return schemas.EntryPage(
        items=[entry(who, row, people.get(row.id, [])) for row in shown_rows],
        next_cursor=paging.encode(str(shown_rows[-1].id)) if len(rows) > limit else None,
    )


def entry(
    who: Attendance, row: EventEntry, members: Sequence[schemas.MemberShown]
) -> schemas.EntryShown:
    """Return an entry; its extra time is nobody else's business."""
    own = any(each.user_id == who.user.id for each in members)
    return schemas.EntryShown(
        id=row.id,
        kind=row.kind,
        name=row.name,
        guild_id=row.guild_id,
        room_id=row.room_id,
        extra_s=row.extra_s if own or who.jury else None,
        members=list(members),
    )


async def guilds(session: AsyncSession, event_id: UUID) -> schemas.Guilds:
    """Return the guilds that registered."""
    rows = await session.scalars(
        select(EventGuild)
        .where(EventGuild.event_id == event_id)
        .order_by(EventGuild.name, EventGuild.guild_id)
    )
    members: dict[UUID | None, list[UUID]] = {}
    for guild_id, user_id in await session.execute(
        select(EventEntry.guild_id, EventParticipant.user_id)
        .join(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .where(
            EventEntry.event_id == event_id,
            EventEntry.kind == EntryKind.OFFICIAL,
            EventEntry.guild_id.is_not(None),
        )
        .order_by(EventEntry.id, EventParticipant.user_id)
    ):
        members.setdefault(guild_id, []).append(user_id)
    return schemas.Guilds(
        items=[
            schemas.GuildShown(
                guild_id=row.guild_id,
                name=row.name,
                registered_by=row.registered_by,
                members=members.get(row.guild_id, []),
            )
            for row in rows
        ]
    )


def _summary(event: Event) -> dict[str, Any]:
    names = ("id", "slug", "title", "state", "format", "starts_at", "duration_s")
    found = {name: getattr(event, name) for name in names}
    return found | {
        "starts_at": event.started_at or event.starts_at,
        "url": f"/v1/events/{event.id}",
    }


def _plays(user: CurrentUser) -> ColumnElement[bool]:
    return exists().where(
        and_(EventParticipant.event_id == Event.id, EventParticipant.user_id == user.id)
    )


def _after(cursor: str) -> tuple[datetime, UUID]:
    moment, identity = paging.decode(cursor, 2)
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
    if at.tzinfo is None:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return at, _id(identity)


def _id(text: str) -> UUID:
    found = _uuid(text)
    if found is None:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
