"""Acting on an event: people and the clock, one at a time, each act in one transaction.

An act locks the event, asks the machine, does what belongs to it, leaves a row in the audit log
and a message for other services. Doing again what is done changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, cast, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import (
    BoardCell,
    BoardGuild,
    BoardRow,
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    Rating,
    Room,
)
from api.errors import ConflictError, InvalidError
from api.events import assigning, choosing, finalising
from api.events.drafts import handing_in
from api.events.machine import RUNNING, Act, IllegalActError, Plan, after
from api.leaderboards import cells, rebuilding, scoring, updating
from api.leaderboards.cells import Place
from api.neighbours import outbox
from judge.scoring import rating

CHANGED = "event.changed"
LATE = timedelta(minutes=1)
EXTENSION_MAX_S = 86400
# Acts that are nobody's but the clock's leave no actor in the audit log.
CLOCK: CurrentUser | None = None
_LONGEST_EXTRA = text("""
SELECT coalesce(max(extra_s), 0) FROM codebattle.event_entries
WHERE event_id = :event_id AND kind = 'official'
""")
_TO_PUBLIC = {
    "board_cells": text("""
        INSERT INTO codebattle.board_cells SELECT
            event_id, true, entry_id, problem_id, attempts, pending, pending_since_us, score,
            penalty, at_us, submission_id, solved_us, solved_submission, first, bonus
        FROM codebattle.board_cells WHERE event_id = :event_id AND NOT public
    """),
    "board_rows": text("""
        INSERT INTO codebattle.board_rows SELECT
            event_id, true, entry_id, room_id, guild_id, lost, penalty, last, cells
        FROM codebattle.board_rows WHERE event_id = :event_id AND NOT public
    """),
    "board_guilds": text("""
        INSERT INTO codebattle.board_guilds SELECT
            event_id, true, guild_id, lost, penalty, last
        FROM codebattle.board_guilds WHERE event_id = :event_id AND NOT public
    """),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An event after an act; `changed` is False when there was nothing to do."""

    event: Event
    changed: bool


async def act(
    session: AsyncSession,
    event_id: UUID,
    what: Act,
    *,
    by: CurrentUser | None,
    now: datetime,
    reason: str = "",
) -> Done:
    """Act on an event; the caller commits.

    Raises `ConflictError` naming the acts that are allowed, `LookupError` without such an event.
    """
    event = await updating.locked(session, event_id)
    before = event.state
    try:
        state = after(before, what)
    except IllegalActError as error:
        raise ConflictError(
            f"the event is {before.value}; it cannot be acted on with {what.value}",
            slug="event-state",
            allowed=[each.value for each in error.allowed],
        ) from error
    if state is before:
        return Done(event=event, changed=False)
    event.state = state
    if by is not None and what in {Act.APPROVE, Act.REJECT, Act.CANCEL}:
        event.decided_by, event.reason = by.id, reason
    await _consequences(session, event, what, by=by, now=now)
    await _told(session, event, what, by=by, before=before, reason=reason)
    return Done(event=event, changed=True)


async def pause(
    session: AsyncSession, event_id: UUID, *, by: CurrentUser, now: datetime, reason: str
) -> Done:
    """Stop an event's clock; the time until it goes on is removed."""
    event = await _running(session, event_id)
    if scoring.schedule(event).paused(now):
        return Done(event=event, changed=False)
    event.removed = [*event.removed, {"start": now.isoformat(), "end": None}]
    await _told(session, event, "pause", by=by, before=event.state, reason=reason)
    return Done(event=event, changed=True)


async def resume(
    session: AsyncSession, event_id: UUID, *, by: CurrentUser, now: datetime, reason: str
) -> Done:
    """Let an event's clock go on."""
    event = await _running(session, event_id)
    if not scoring.schedule(event).paused(now):
        return Done(event=event, changed=False)
    *others, last = event.removed
    event.removed = [*others, {**last, "end": now.isoformat()}]
    await _told(session, event, "resume", by=by, before=event.state, reason=reason)
    return Done(event=event, changed=True)


async def extend(
    session: AsyncSession,
    event_id: UUID,
    *,
    by: CurrentUser,
    seconds: int | None = None,
    ends_at: datetime | None = None,
    reason: str,
) -> Done:
    """Give everybody more time, so much or up to a moment; the freeze stays where it was."""
    event = await _running(session, event_id)
    if ends_at is not None:
        seconds = _missing(event, ends_at)
    if not seconds:
        return Done(event=event, changed=False)
    event.duration_s += seconds
    if event.freeze_s is not None:
        event.freeze_s += seconds
    await _told(session, event, "extend", by=by, before=event.state, reason=reason, seconds=seconds)
    return Done(event=event, changed=True)


def _missing(event: Event, ends_at: datetime) -> int:
    """Return how many seconds an event needs to go on until then; none when it does."""
    end = scoring.schedule(event).end
    if end is None:
        raise ConflictError(
            "it is paused: nobody knows when it ends", slug="event-state", allowed=["resume"]
        )
    missing = -(-(ends_at - end) // timedelta(seconds=1))
    if missing > EXTENSION_MAX_S:
        raise InvalidError(f"ends_at: at most {EXTENSION_MAX_S} seconds more")
    return max(0, missing)


async def plan(session: AsyncSession, event: Event) -> Plan:
    """Return when the clock acts on an event."""
    longest = await session.scalar(_LONGEST_EXTRA, {"event_id": event.id})
    return Plan(
        schedule=scoring.schedule(event),
        assign_before=timedelta(seconds=event.assign_s),
        lobby_before=timedelta(seconds=event.lobby_s),
        longest_extra=timedelta(seconds=int(longest or 0)),
        auto_thaw=event.auto_thaw,
    )


async def add_rows(session: AsyncSession, event: Event) -> None:
    """Put every entry on the boards, with nothing yet; entries that are there stay."""
    entries = await session.scalars(
        select(EventEntry)
        .where(EventEntry.event_id == event.id, EventEntry.kind == EntryKind.OFFICIAL)
        .where(EventEntry.id.not_in(select(BoardRow.entry_id).where(BoardRow.event_id == event.id)))
    )
    rules = scoring.rules(event)
    empty = rules.format.standing(())
    new = entries.all()
    await cells.store(
        session,
        rows=[
            cells.board_row(
                Place(
                    event_id=event.id,
                    public=public,
                    entry_id=entry.id,
                    room_id=entry.room_id,
                    guild_id=entry.guild_id,
                ),
                empty,
                {},
            )
            for entry in new
            for public in (False, True)
        ],
        guilds=[
            cells.guild_row(event.id, guild, empty, public=public)
            for guild in {entry.guild_id for entry in new if entry.guild_id is not None}
            for public in (False, True)
        ],
    )


async def _consequences(
    session: AsyncSession, event: Event, what: Act, *, by: CurrentUser | None, now: datetime
) -> None:
    if what is Act.ASSIGN:
        await choosing.draw_missing(session, event)
        await _assign_rooms(session, event)
    elif what is Act.START:
        await _start(session, event, by=by, now=now)
    elif what is Act.FREEZE and by is not None:
        # By the clock it is the planned freeze, which nothing has to remember.
        event.frozen_at = now
        await rebuilding.rebuild(session, event)
    elif what is Act.FINISH:
        event.finished_at = now if by is not None else (scoring.schedule(event).end or now)
        if by is not None:
            cut(event, now)
    elif what is Act.THAW:
        event.thawed_at = now
        await _show_all(session, event)
    elif what is Act.FINALISE:
        await _finalise(session, event, now=now)


async def _assign_rooms(session: AsyncSession, event: Event) -> None:
    # A team plays with the mean of its members' ratings.
    strength_of = func.round(func.avg(func.coalesce(Rating.rating, rating.START)))
    found = await session.execute(
        select(EventEntry, cast(strength_of, Integer))
        .outerjoin(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .outerjoin(Rating, Rating.user_id == EventParticipant.user_id)
        .where(EventEntry.event_id == event.id, EventEntry.kind == EntryKind.OFFICIAL)
        .group_by(EventEntry.id)
    )
    entries = {entry.id: (entry, strength) for entry, strength in found}
    rooms = assigning.assign(
        [
            assigning.Contender(
                entry_id=entry.id,
                guild_id=entry.guild_id,
                rating=strength,
            )
            for entry, strength in entries.values()
        ],
        room_entries=event.room_entries,
        seed=event.seed,
    )
    for number, members in enumerate(rooms):
        room = Room(event_id=event.id, name=f"Room {number + 1}", position=number)
        session.add(room)
        await session.flush()
        for who in members:
            entries[who][0].room_id = room.id
    await session.flush()
    await add_rows(session, event)


async def _start(
    session: AsyncSession, event: Event, *, by: CurrentUser | None, now: datetime
) -> None:
    # The clock is late by a moment, and the event starts when it was to start. When nobody ticked
    # for longer, or people had to help, it starts now: its time is the players' to use.
    late = now - event.starts_at > LATE
    event.started_at = now if by is not None or late else event.starts_at
    chosen = await session.scalar(select(func.count()).where(EventProblem.event_id == event.id))
    if not chosen:
        raise ConflictError("the event has no problems", slug="event-without-problems")
    await add_rows(session, event)


def cut(event: Event, now: datetime) -> None:
    """End an event early: what is left of its time is taken away."""
    clock = scoring.schedule(event)
    # Rounded up: what was handed in up to now is inside, and before a freeze that never came.
    elapsed = -(-clock.elapsed(now) // timedelta(seconds=1))
    if 0 < elapsed < event.duration_s:
        if event.freeze_s is not None:
            # The freeze keeps its moment, or is the end when that had not come.
            event.freeze_s = max(0, event.freeze_s - (event.duration_s - elapsed))
        event.duration_s = elapsed


async def _show_all(session: AsyncSession, event: Event) -> None:
    """Put the jury's board in the place of the public one."""
    for model in (BoardCell, BoardRow, BoardGuild):
        await session.execute(
            delete(model)
            .where(model.event_id == event.id, model.public)
            .execution_options(synchronize_session=False)
        )
        await session.execute(_TO_PUBLIC[model.__tablename__], {"event_id": event.id})


async def _finalise(session: AsyncSession, event: Event, *, now: datetime) -> None:
    await updating.catch_up(session, event.id)
    if waiting := await handing_in.outstanding(session, event):
        raise ConflictError(
            f"{waiting} drafts are still to be handed in", slug="event-pending", pending=waiting
        )
    pending = await session.scalar(
        select(func.coalesce(func.sum(BoardCell.pending), 0)).where(
            BoardCell.event_id == event.id, BoardCell.public.is_(False)
        )
    )
    if pending:
        raise ConflictError(
            f"{pending} submissions have no verdict yet", slug="event-pending", pending=int(pending)
        )
    if event.thawed_at is None:
        event.thawed_at = now
        await _show_all(session, event)
    event.finalised_at = now
    await finalising.snapshot(session, event)
    await updating.close(session, event)


async def _running(session: AsyncSession, event_id: UUID) -> Event:
    event = await updating.locked(session, event_id)
    if event.state not in RUNNING:
        raise ConflictError(
            f"the event is {event.state.value}, not live",
            slug="event-state",
            allowed=[],
        )
    return event


async def _told(
    session: AsyncSession,
    event: Event,
    what: str,
    *,
    by: CurrentUser | None,
    before: EventState,
    reason: str,
    **detail: Any,
) -> None:
    said: dict[str, Any] = {
        "from": before.value,
        "to": event.state.value,
        **({"reason": reason} if reason else {}),
        **detail,
    }
    audit.record(session, by, f"event.{what}", subject=("event", event.id), detail=said)
    await session.flush()
    key = f"{event.id}:{what}:{event.state.value}:{len(event.removed)}:{event.duration_s}"
    await outbox.announce(
        session,
        CHANGED,
        {"event_id": str(event.id), "slug": event.slug, "act": what, "state": event.state.value},
        key=key,
    )
