"""How each entry stood at every moment of its clock, once the event is over.

A row for each standing there was, so that a virtual board of any moment is read as it is and
nobody plays the event again for it. Rows of virtual entries are written with their row apart, in
the transaction that stores a judgement; those of the official entries by a worker when the event
is over (`api.leaderboards.timelines`), and from then on as well in that transaction.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import BoardCell, BoardTimeline, EntryKind, Event, EventEntry
from api.events.machine import OVER
from api.leaderboards import cells, logs, scoring
from api.leaderboards.logs import Log
from api.leaderboards.scoring import Rules
from judge.scoring import EventProblem as Problem
from judge.scoring import ordered
from judge.scoring.moments import Gain, gains, moments

# After every moment of any clock.
FOREVER_US = 2**63 - 1
_DROP = text("""
DELETE FROM codebattle.board_moments WHERE event_id = :event_id AND entry_id = ANY(:entries)
""").bindparams(bindparam("event_id", type_=Uuid))
_STORE = text("""
INSERT INTO codebattle.board_moments
SELECT * FROM jsonb_populate_recordset(null::codebattle.board_moments, cast(:rows AS jsonb))
""")
Firsts = Mapping[str, UUID]
Gained = Mapping[str, Sequence[Gain]]


def gained(rules: Rules, problem: Problem, entry: EventEntry, log: Sequence[Any]) -> list[Gain]:
    """Return the gains of an entry on a problem, given the last row of the log of each attempt."""
    starts_at = entry.starts_at if entry.kind is EntryKind.VIRTUAL else None
    attempts = ordered(
        scoring.attempt(row, rules.elapsed_us(row.submitted_at, starts_at), hidden=False)
        for row in log
    )
    return gains(rules.format, problem, attempts)


def rows(
    rules: Rules,
    problems: Mapping[UUID, Problem],
    entry: EventEntry,
    theirs: Gained,
    firsts: Firsts,
) -> Iterator[dict[str, Any]]:
    """Return the rows of an entry from its gains by problem; nobody virtual is first."""
    won = {task for task, who in firsts.items() if who == entry.id}
    found = moments(rules.format, {each.id: each for each in problems.values()}, theirs, won)
    ends = [later.since_us for _, later in pairwise(found)]
    for each, until_us in zip(found, [*ends, FOREVER_US], strict=True):
        yield {
            "event_id": rules.event_id,
            "entry_id": entry.id,
            "since_us": each.since_us,
            "until_us": until_us,
            "virtual": entry.kind is EntryKind.VIRTUAL,
            **cells.columns(each.standing),
        }


def rows_of(
    rules: Rules,
    problems: Mapping[UUID, Problem],
    entries: Mapping[UUID, EventEntry],
    log: Log,
    *,
    firsts: Firsts | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of some entries from their log."""
    theirs: dict[UUID, dict[str, list[Gain]]] = {who: {} for who in entries}
    for (who, task), bundle in log.items():
        if who in theirs and task in problems:
            theirs[who][str(task)] = gained(rules, problems[task], entries[who], bundle)
    return [
        row
        for who, entry in entries.items()
        for row in rows(rules, problems, entry, theirs[who], firsts or {})
    ]


async def replace(
    session: AsyncSession, event_id: UUID, who: Collection[UUID], made: Sequence[Mapping[str, Any]]
) -> None:
    """Put rows in the place of those that some entries have; the event is locked."""
    if who:
        await drop(session, event_id, who)
        await put(session, made)


async def drop(session: AsyncSession, event_id: UUID, who: Collection[UUID]) -> None:
    """Remove the rows of some entries; the event is locked."""
    await session.execute(_DROP, {"event_id": event_id, "entries": list(who)})


async def put(session: AsyncSession, made: Sequence[Mapping[str, Any]]) -> None:
    """Store rows where there are none."""
    await session.execute(_STORE, {"rows": json.dumps(made, default=str)})


async def follow(session: AsyncSession, event: Event, rules: Rules, who: Collection[UUID]) -> None:
    """Bring the rows of official entries up to date whose cells changed, if the event has any.

    The event is locked.
    """
    if event.state not in OVER or not who or not await begun(session, event.id):
        return
    found = await session.scalars(select(EventEntry).where(EventEntry.id.in_(who)))
    entries = {entry.id: entry for entry in found}
    problems = await scoring.problems(session, event.id)
    log = await logs.of(session, event.id, entries)
    firsts = await first(session, event.id)
    made = rows_of(rules, problems, entries, log, firsts=firsts)
    await replace(session, event.id, entries, made)


async def whole(session: AsyncSession, event_id: UUID) -> bool:
    """Tell whether all official entries of an event have such rows."""
    there = exists().where(BoardTimeline.event_id == event_id, BoardTimeline.whole)
    return bool(await session.scalar(select(there)))


async def begun(session: AsyncSession, event_id: UUID) -> bool:
    """Tell whether some have: whoever writes the others reads what was changed before."""
    there = exists().where(BoardTimeline.event_id == event_id)
    return bool(await session.scalar(select(there)))


async def first(session: AsyncSession, event_id: UUID) -> dict[str, UUID]:
    """Return who counts as the first on each problem of an event that is over."""
    found = await session.execute(
        select(BoardCell.problem_id, BoardCell.entry_id).where(
            BoardCell.event_id == event_id, BoardCell.public.is_(True), BoardCell.first
        )
    )
    return {str(row.problem_id): row.entry_id for row in found}
