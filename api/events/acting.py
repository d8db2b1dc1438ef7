"""Acting on an event: people and the clock, one at a time, each act in one transaction.

An act locks the event, asks the machine, does what belongs to it, leaves a row in the audit log
and a message for other services. Doing again what is done changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, cast, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import (
    BoardCell,
    BoardRow,
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    Rating,
    Room,
    UnshownAttempt,
)
from api.errors import ConflictError, InvalidError
from api.events import assigning, choosing, finalising, revisions, thawing
from api.events.drafts import handing_in
from api.events.machine import RUNNING, Act, IllegalActError, Plan, after, allowed
from api.leaderboards import cells, rebuilding, scoring, updating
from api.leaderboards.cells import Place
from api.leaderboards.updating import Changed
from api.neighbours import outbox
from judge.scoring import rating

CHANGED = "event.changed"
LATE = timedelta(minutes=1)
EXTENSION_MAX_S = 86400
# Acts that are nobody's but the clock's leave no actor in the audit log.
CLOCK: CurrentUser | None = None
# What is handed in waits for these, and they for what is being stored: see `intake.store`.
_CLOSING = frozenset({Act.FINISH, Act.FINALISE, Act.CANCEL})
_ALONE = (
    select(Event)
    .where(Event.id == bindparam("locked"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_LONGEST_EXTRA = text("""
SELECT coalesce(max(extra_s), 0) FROM codebattle.event_entries
WHERE event_id = :event_id AND kind = 'official'
""")


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
    force: bool = False,
    revision: str | None = None,
) -> Done:
    """Act on an event; the caller commits. `force` finalises what still waits for verdicts.

    Whoever approves names the `revision` they read.

    Raises `ConflictError` naming the acts that are allowed, `LookupError` without such an event.
    """
    event = await held(session, event_id, what)
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
    if what is Act.APPROVE and by is not None:
        revisions.need(event, revision)
    event.state = state
    if by is not None and what in {Act.APPROVE, Act.REJECT, Act.CANCEL}:
        event.decided_by, event.reason = by.id, reason
    detail: dict[str, Any] = {}
    if what is Act.FINALISE:
        waiting = await _finalise(session, event, now=now, force=force)
        detail = {"pending": waiting} if waiting else {}
    else:
        await _consequences(session, event, what, by=by, now=now)
    await _told(session, event, what, by=by, before=before, reason=reason, **detail)
    return Done(event=event, changed=True)


async def held(session: AsyncSession, event_id: UUID, what: Act) -> Event:
    """Lock an event for an act; what closes it waits for what is being handed in.

    What is handed in afterwards sees what the act has made of the event.
    """
    if what not in _CLOSING:
        return await updating.locked(session, event_id)
    event = (await session.execute(_ALONE, {"locked": event_id})).scalar_one_or_none()
    if event is None:
        raise LookupError(f"there is no event {event_id}")
    return event


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
    rows = cells.Rows(
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
    await cells.store(session, rows)


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
        await thawing.show_all(session, event)


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
    """End an event early: what is left of its time is taken away, and a pause ends with it.

    While a pause has no end nobody's time is over, so no draft would ever be handed in.
    """
    if scoring.schedule(event).paused(now):
        *others, last = event.removed
        event.removed = [*others, {**last, "end": now.isoformat()}]
    clock = scoring.schedule(event)
    # Rounded up: what was handed in up to now is inside, and before a freeze that never came.
    elapsed = -(-clock.elapsed(now) // timedelta(seconds=1))
    if 0 < elapsed < event.duration_s:
        if event.freeze_s is not None:
            # The freeze keeps its moment, or is the end when that had not come.
            event.freeze_s = max(0, event.freeze_s - (event.duration_s - elapsed))
        event.duration_s = elapsed


async def _finalise(session: AsyncSession, event: Event, *, now: datetime, force: bool) -> int:
    """Write the boards down; returns how much never counts since it was `force`d."""
    await caught_up(session, event)
    missing = await need_verdicts(session, event, force=force)
    await handing_in.give_up(session, event)
    if event.thawed_at is None:
        event.thawed_at = now
        await thawing.show_all(session, event)
    event.finalised_at = now
    await finalising.snapshot(session, event)
    await updating.close(session, event)
    return missing


async def caught_up(session: AsyncSession, event: Event) -> list[Changed]:
    """Bring onto the board all that the log has; the event is locked."""
    changed = []
    unshown = exists().where(UnshownAttempt.event_id == event.id)
    while await session.scalar(select(unshown)):
        changed.append(await updating.catch_up(session, event.id))
    return changed


async def need_verdicts(session: AsyncSession, event: Event, *, force: bool) -> int:
    """Return how many verdicts are missing; raises `ConflictError` if some are, unless `force`d."""
    drafts = await handing_in.outstanding(session, event)
    if drafts and not force:
        raise ConflictError(
            f"{drafts} drafts are still to be handed in", slug="event-pending", pending=drafts
        )
    found = await session.scalar(
        select(func.coalesce(func.sum(BoardCell.pending), 0)).where(
            BoardCell.event_id == event.id, BoardCell.public.is_(False)
        )
    )
    pending = int(found or 0)
    if pending and not force:
        raise ConflictError(
            f"{pending} submissions have no verdict yet", slug="event-pending", pending=pending
        )
    return drafts + pending


async def _running(session: AsyncSession, event_id: UUID) -> Event:
    event = await updating.locked(session, event_id)
    if event.state not in RUNNING:
        raise ConflictError(
            f"the event is {event.state.value}, not live",
            slug="event-state",
            allowed=[each.value for each in allowed(event.state)],
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
