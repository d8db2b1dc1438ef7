"""Who may hand something in inside an event: asked once for all submissions of a moment.

Somebody in an official entry submits to the event's problems, by the versions it was given, while
the event goes on and their own time lasts; when it is over and nothing of it is hidden, in a
virtual entry while its time lasts, and in one of practice. Before the start there are no problems
for them, not even public ones, so the time is looked at first. Only batches that name an event
come here.

When something came is decided here, once, by the database's clock: what is compared with the bell
is what is stored. A clock that has finished the event meanwhile takes nothing away from what was
in time and waited at the desk; an event that is finalised takes nothing any more. In which state it
was found is stored with it: when that has changed until then, it is looked at once more.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from api import clocks
from api.db.models import EntryKind, Event, EventState
from api.errors import ConflictError, NotFoundError
from api.events.attending import ORDER
from api.leaderboards import scoring
from api.problems.queries import Target

_EVENTS = """
SELECT
    id, state, starts_at, started_at, finished_at, duration_s, freeze_s, frozen_at, thawed_at,
    removed, record_writing, record_network, clock_timestamp() AS now
FROM codebattle.events WHERE id = ANY($1::uuid[])
"""
_ENTRIES = """
SELECT
    part.event_id, part.user_id, entry.kind, entry.id, entry.room_id, entry.extra_s, entry.starts_at
FROM unnest($1::uuid[], $2::uuid[]) AS given (event_id, user_id)
JOIN codebattle.event_participants AS part USING (event_id, user_id)
JOIN codebattle.event_entries AS entry ON entry.id = part.entry_id
"""
_PROBLEMS = """
SELECT
    chosen.event_id, chosen.label, problem.slug, problem.id, version.id AS version_id,
    version.kinds, version.languages, version.source_bytes
FROM codebattle.event_code_problems AS chosen
JOIN codebattle.code_problems AS problem ON problem.id = chosen.problem_id
JOIN codebattle.code_problem_versions AS version ON version.id = chosen.version_id
WHERE chosen.event_id = ANY($1::uuid[])
"""
_OPEN = frozenset({EventState.LIVE, EventState.FROZEN})
_ENDED = frozenset({EventState.FINISHED, EventState.THAWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody's place in an event, and the problem as it is there.

    What its rules say is kept beside a submission (`api.traces`) comes with it; `network_of` is
    the event, if that is to know from where something came.
    """

    entry_id: UUID
    room_id: UUID | None
    arrived_at: datetime
    event_state: EventState
    record_writing: bool
    network_of: UUID | None
    target: Target


class Admission:
    """The events that some requests name, as they are now."""

    def __init__(
        self,
        events: Collection[asyncpg.Record] = (),
        entries: Collection[asyncpg.Record] = (),
        problems: Collection[asyncpg.Record] = (),
        *,
        read_at: float = 0.0,
    ) -> None:
        self._read_at = read_at
        self._now = {row["id"]: row["now"] for row in events}
        self._events = {row["id"]: _event(row) for row in events}
        self._entries = {
            (row["event_id"], row["user_id"], EntryKind(row["kind"])): row for row in entries
        }
        self._problems: dict[tuple[UUID, Any], asyncpg.Record] = {}
        for name in ("label", "slug", "id"):
            # The later names win: a label may be somebody else's slug.
            self._problems |= {(row["event_id"], row[name]): row for row in problems}

    def find(
        self,
        event_id: UUID | None,
        user_id: UUID,
        name: str,
        *,
        room_id: UUID | None,
        arrived: float,
    ) -> Admitted | None:
        """Return the place of who takes part; None for anybody else.

        Raises what keeps them from handing in what came when this process's clock said `arrived`.
        """
        found = [self._entries.get((event_id, user_id, kind)) for kind in ORDER]
        entries = [entry for entry in found if entry is not None]
        if event_id is None or not entries:
            return None
        event = self._events[event_id]
        arrived_at = self._now[event_id] - timedelta(seconds=self._read_at - arrived)
        entry = next((each for each in entries if _open(event, each, arrived_at)), None)
        if entry is None:
            raise _closed(event, entries, arrived_at)
        if room_id not in {None, entry["room_id"]}:
            raise NotFoundError("you are in another room", slug="event-not-found")
        row = self._problems.get((event_id, _uuid(name))) or self._problems.get((event_id, name))
        if row is None:
            raise NotFoundError("the event has no such problem", slug="problem-not-found")
        return Admitted(
            entry_id=entry["id"],
            room_id=entry["room_id"],
            arrived_at=arrived_at,
            event_state=event.state,
            record_writing=event.record_writing,
            network_of=event_id if event.record_network else None,
            target=Target(
                problem_id=row["id"],
                version_id=row["version_id"],
                kinds=row["kinds"],
                languages=row["languages"],
                source_bytes=row["source_bytes"],
            ),
        )


async def admission(
    connection: asyncpg.Connection, wanted: Collection[tuple[UUID, UUID]]
) -> Admission:
    """Read what is needed of pairs of an event and somebody who submits there."""
    if not wanted:
        return Admission()
    ids = list({event_id for event_id, _ in wanted})
    events = await connection.fetch(_EVENTS, ids)
    read_at = time.monotonic()
    return Admission(
        events,
        await connection.fetch(
            _ENTRIES, [event_id for event_id, _ in wanted], [user_id for _, user_id in wanted]
        ),
        await connection.fetch(_PROBLEMS, ids),
        read_at=read_at,
    )


def _open(event: Event, entry: asyncpg.Record, arrived: datetime) -> bool:
    """Tell whether something that arrived then is taken for an entry."""
    clock, extra = clocks.schedule(event), timedelta(seconds=entry["extra_s"])
    if entry["kind"] == EntryKind.OFFICIAL:
        return _going(event, arrived) and clock.open(arrived, extra=extra)
    if not clocks.played(event, arrived):
        return False
    if entry["kind"] == EntryKind.PRACTICE:
        return True
    return scoring.virtual(clock, entry["starts_at"]).open(arrived, extra=extra)


def _closed(event: Event, entries: Sequence[asyncpg.Record], arrived: datetime) -> ConflictError:
    """Return what is answered to somebody none of whose entries is open."""
    clock = clocks.schedule(event)
    waiting = [each["starts_at"] for each in entries if each["kind"] == EntryKind.VIRTUAL]
    if event.state is EventState.CANCELLED:
        why = "the event was cancelled"
    elif clock.paused(arrived) and event.state in _OPEN:
        why = "the event is paused"
    elif event.started_at is None or clock.elapsed(arrived) < timedelta():
        why = "the event has not started"
    elif waiting and arrived < waiting[0]:
        why = "your virtual participation has not begun"
    elif clocks.played(event, arrived):
        why = "your time in this event is over; begin practice to go on without a clock"
    else:
        why = "your time in this event is over"
    return ConflictError(why, slug="event-closed", state=event.state.value)


def _going(event: Event, arrived: datetime) -> bool:
    """Tell whether the event went on when something arrived, as far as people have a say in it."""
    if event.state not in _ENDED or event.finished_at is None:
        return event.state in _OPEN
    # The clock finishes an event when everybody's time is over; people do it when they like.
    return event.finished_at == clocks.schedule(event).end or arrived < event.finished_at


def _event(row: asyncpg.Record) -> Event:
    return Event(
        id=row["id"],
        state=EventState(row["state"]),
        starts_at=row["starts_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration_s=row["duration_s"],
        freeze_s=row["freeze_s"],
        frozen_at=row["frozen_at"],
        thawed_at=row["thawed_at"],
        removed=row["removed"],
        record_writing=row["record_writing"],
        record_network=row["record_network"],
    )


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
