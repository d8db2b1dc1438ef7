"""Rows apart from the official board: virtual entries, and practice after the end.

A virtual entry is scored by its event's format on a clock of its own, practice by the format
`practice`; neither is ever first, and nothing of them is on the official board. One person makes
few attempts, so a row is always made whole, from the same log as everything else.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import ApartRow, EntryKind, EventEntry
from api.leaderboards import cells, logs, moments, scoring
from api.leaderboards.logs import Log
from api.leaderboards.queries import Ranked
from api.leaderboards.scoring import Rules
from judge.scoring import Cell, make
from judge.scoring import EventProblem as Problem

_STORE = text("""
INSERT INTO codebattle.board_apart
SELECT * FROM jsonb_populate_recordset(null::codebattle.board_apart, cast(:rows AS jsonb))
ON CONFLICT (event_id, entry_id) DO UPDATE SET
    kind = excluded.kind, guild_id = excluded.guild_id, lost = excluded.lost,
    penalty = excluded.penalty, last = excluded.last, cells = excluded.cells
""")
_PAGE = text("""
WITH ranked AS (
    SELECT r.*, e.name, rank() OVER (ORDER BY r.lost, r.penalty, r.last) AS rank
    FROM codebattle.board_apart AS r JOIN codebattle.event_entries AS e ON e.id = r.entry_id
    WHERE r.event_id = :event_id AND r.kind = :kind
        AND (cast(:guild_id AS uuid) IS NULL OR r.guild_id = :guild_id)
)
SELECT * FROM ranked
WHERE (cast(:only AS uuid) IS NULL OR entry_id = :only)
    AND (cast(:after AS uuid) IS NULL OR (lost, penalty, last, entry_id) > (
        SELECT a.lost, a.penalty, a.last, a.entry_id FROM ranked AS a WHERE a.entry_id = :after
    ))
ORDER BY lost, penalty, last, entry_id LIMIT :most
""").bindparams(
    *(bindparam(name, type_=Uuid) for name in ("event_id", "guild_id", "only", "after"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which rows are meant; ranks count among them."""

    event_id: UUID
    kind: EntryKind
    guild_id: UUID | None = None


async def refresh(
    session: AsyncSession,
    rules: Rules,
    wanted: Collection[UUID],
) -> Mapping[UUID, EntryKind]:
    """Make the rows of some entries anew and return which were apart; the event is locked."""
    if not wanted:
        return {}
    found = await session.scalars(
        select(EventEntry).where(
            EventEntry.id.in_(wanted),
            EventEntry.event_id == rules.event_id,
            EventEntry.kind != EntryKind.OFFICIAL,
        )
    )
    entries = {entry.id: entry for entry in found}
    if not entries:
        return {}
    problems = await scoring.problems(session, rules.event_id)
    log = await logs.of(session, rules.event_id, entries)
    made = cells_of(rules, problems, entries, log)
    await store(session, [row(rules, entry, made[who]) for who, entry in entries.items()])
    timed = {who: each for who, each in entries.items() if each.kind is EntryKind.VIRTUAL}
    await moments.replace(
        session, rules.event_id, timed, moments.rows_of(rules, problems, timed, log)
    )
    return {who: entry.kind for who, entry in entries.items()}


def cells_of(
    rules: Rules,
    problems: Mapping[UUID, Problem],
    entries: Mapping[UUID, EventEntry],
    log: Log,
    *,
    until_us: int | None = None,
) -> dict[UUID, dict[str, Cell]]:
    """Return the cells of entries, of attempts made until a moment of each one's own time."""
    made: dict[UUID, dict[str, Cell]] = {who: {} for who in entries}
    for (who, task), bundle in log.items():
        if task in problems:
            made[who][str(task)] = cell(
                rules, problems[task], entries[who], bundle, until_us=until_us
            )
    return made


def cell(
    rules: Rules,
    problem: Problem,
    entry: EventEntry,
    log: Sequence[Any],
    *,
    until_us: int | None = None,
) -> Cell:
    """Return the cell of an entry apart, given the last row of the log of each attempt."""
    own = _rules(rules, entry)
    starts_at = entry.starts_at if entry.kind is EntryKind.VIRTUAL else None
    if until_us is not None:
        log = [each for each in log if own.elapsed_us(each.submitted_at, starts_at) <= until_us]
    return scoring.cell(own, problem, log, public=False, starts_at=starts_at)


def row(rules: Rules, entry: EventEntry, held: Mapping[str, Cell]) -> dict[str, Any]:
    """Return what is kept of an entry."""
    touched = {task: each for task, each in held.items() if each.touched}
    standing = _rules(rules, entry).format.standing(touched.values())
    return {
        "event_id": rules.event_id,
        "entry_id": entry.id,
        "kind": entry.kind.value,
        "guild_id": entry.guild_id,
        **cells.columns(standing),
        "cells": {task: cells.shown(each) for task, each in touched.items()},
    }


async def store(session: AsyncSession, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store rows, in the place of those there are."""
    written = json.dumps(list(rows), default=str)
    await session.execute(_STORE, {"rows": written})


async def page(
    session: AsyncSession,
    which: Which,
    *,
    limit: int,
    after: UUID | None = None,
    only: UUID | None = None,
) -> list[Ranked]:
    """Return kept rows in order of rank, after some entry's, or only one entry's."""
    found = await session.execute(
        _PAGE,
        {
            "event_id": which.event_id,
            "kind": which.kind.value,
            "guild_id": which.guild_id,
            "after": after,
            "only": only,
            "most": limit,
        },
    )
    return [ranked(each, rank=each["rank"]) for each in found.mappings()]


async def count(session: AsyncSession, which: Which) -> int:
    """Return how many rows there are."""
    wanted = select(func.count()).where(
        ApartRow.event_id == which.event_id, ApartRow.kind == which.kind
    )
    if which.guild_id is not None:
        wanted = wanted.where(ApartRow.guild_id == which.guild_id)
    return int(await session.scalar(wanted) or 0)


def ranked(kept: Any, *, rank: int) -> Ranked:
    """Return a kept row, or one that was just made, with its rank and its name."""
    return Ranked(
        rank=rank,
        entry_id=kept["entry_id"],
        kind=EntryKind(kept["kind"]),
        name=kept["name"],
        room_id=None,
        guild_id=kept["guild_id"],
        lost=kept["lost"],
        penalty=kept["penalty"],
        last=kept["last"],
        kept=kept["cells"],
    )


def _rules(rules: Rules, entry: EventEntry) -> Rules:
    """Return by which rules an entry is scored."""
    if entry.kind is EntryKind.PRACTICE:
        return replace(rules, format=make("practice", {}))
    return rules
