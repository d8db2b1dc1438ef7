"""Cells, rows and guilds between scoring's form and PostgreSQL's.

Rows travel as one JSON document: PostgreSQL reads its numbers exactly, and any number of rows
costs one statement. A whole board is copied into its tables instead.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import JSON, Table
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.base import Base, document
from api.leaderboards import tallies
from api.leaderboards.scoring import decimal
from judge.scoring import Cell, Standing
from judge.scoring.guilds import Totals

_PARTS = """cells AS (
    INSERT INTO codebattle.board_cells
    SELECT cell.* FROM {having},
        jsonb_populate_recordset(null::codebattle.board_cells, {cells}::jsonb) AS cell
    ON CONFLICT (event_id, public, entry_id, problem_id) DO UPDATE SET
        attempts = excluded.attempts, pending = excluded.pending,
        pending_since_us = excluded.pending_since_us, score = excluded.score,
        penalty = excluded.penalty, at_us = excluded.at_us,
        submission_id = excluded.submission_id, solved_us = excluded.solved_us,
        solved_submission = excluded.solved_submission, first = excluded.first,
        bonus = excluded.bonus
), guilds AS (
    INSERT INTO codebattle.board_guilds
    SELECT guild.* FROM {having},
        jsonb_populate_recordset(null::codebattle.board_guilds, {guilds}::jsonb) AS guild
    ON CONFLICT (event_id, public, guild_id) DO UPDATE SET
        lost = excluded.lost, penalty = excluded.penalty, last = excluded.last
), made_rows AS (
    SELECT made.* FROM {having},
        jsonb_populate_recordset(null::codebattle.board_rows, {rows}::jsonb) AS made
), tallies AS (
    INSERT INTO codebattle.board_tallies AS tally (event_id, public, step, part, entries)
    SELECT event_id, public, step, part, sum(more) FROM (
        SELECT event_id, public, {made}, 1 FROM made_rows
        UNION ALL
        SELECT event_id, public, {kept}, -1
        FROM made_rows JOIN codebattle.board_rows AS kept USING (event_id, public, entry_id)
    ) AS moved (event_id, public, step, part, more)
    GROUP BY event_id, public, step, part HAVING sum(more) <> 0
    ON CONFLICT (event_id, public, step, part) DO UPDATE SET
        entries = tally.entries + excluded.entries
), kept_rows AS (
    INSERT INTO codebattle.board_rows SELECT * FROM made_rows
    ON CONFLICT (event_id, public, entry_id) DO UPDATE SET
        room_id = excluded.room_id, guild_id = excluded.guild_id,
        lost = excluded.lost, penalty = excluded.penalty, last = excluded.last,
        cells = excluded.cells
)"""


def stored_by(having: str, *, after: int) -> str:
    """Return parts of a statement that store cells, rows and guilds, when `having` has a row.

    They take what `documents` returns, as the parameters that come `after` so many others.
    """
    return _PARTS.format(
        having=having,
        cells=f"${after + 1}",
        rows=f"${after + 2}",
        guilds=f"${after + 3}",
        made=tallies.sql("made_rows"),
        kept=tallies.sql("kept"),
    )


_STORE = f"WITH given AS (SELECT), {stored_by('given', after=0)} SELECT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row belongs."""

    event_id: UUID
    public: bool
    entry_id: UUID
    room_id: UUID | None = None
    guild_id: UUID | None = None


class Shown(NamedTuple):
    """What is shown of a cell; kept as an array, since a page of a board has a thousand of them."""

    attempts: int
    pending: int
    score: float
    penalty: int
    at_us: int | None
    solved_us: int | None
    first: bool

    @property
    def solved(self) -> bool:
        """Tell whether the problem is solved."""
        return self.solved_us is not None


def cell_of(row: Mapping[str, Any]) -> Cell:
    """Return the cell a row keeps."""
    solved = row["solved_us"]
    return Cell(
        attempts=row["attempts"],
        pending=row["pending"],
        pending_since_us=row["pending_since_us"],
        score=Fraction(row["score"]),
        penalty=row["penalty"],
        at_us=row["at_us"],
        submission=row["submission_id"] or "",
        solved_at=None if solved is None else (solved, row["solved_submission"]),
        first=row["first"],
        bonus=Fraction(row["bonus"]),
    )


def cell_row(place: Place, problem_id: UUID | str, cell: Cell) -> dict[str, Any]:
    """Return a cell as its row."""
    return {
        "event_id": place.event_id,
        "public": place.public,
        "entry_id": place.entry_id,
        "problem_id": problem_id,
        "attempts": cell.attempts,
        "pending": cell.pending,
        "pending_since_us": cell.pending_since_us,
        "score": decimal(cell.score),
        "penalty": cell.penalty,
        "at_us": cell.at_us,
        "submission_id": cell.submission or None,
        "solved_us": cell.solved_at[0] if cell.solved_at else None,
        "solved_submission": cell.solved_at[1] if cell.solved_at else None,
        "first": cell.first,
        "bonus": decimal(cell.bonus),
    }


def shown(cell: Cell) -> Shown:
    """Return what is shown of a cell, without a trace of the jury's side."""
    return Shown(
        attempts=cell.attempts,
        pending=cell.pending,
        score=float(cell.total),
        penalty=cell.penalty,
        at_us=cell.at_us,
        solved_us=cell.solved_at[0] if cell.solved_at else None,
        first=cell.first,
    )


def standing_of(row: Mapping[str, Any]) -> Standing:
    """Return the standing a row keeps."""
    return Standing(score=-Fraction(row["lost"]), penalty=row["penalty"], last=row["last"])


def totals_of(row: Mapping[str, Any]) -> Totals:
    """Return what several rows add up to, from the row that says so."""
    return Totals(
        members=row["members"],
        score=-Fraction(row["lost"]),
        penalty=row["penalty"],
        last=row["last"],
    )


def board_row(place: Place, standing: Standing, held: Mapping[str, Cell]) -> dict[str, Any]:
    """Return an entry's standing and cells, by problem, as its row."""
    return {
        "event_id": place.event_id,
        "public": place.public,
        "entry_id": place.entry_id,
        "room_id": place.room_id,
        "guild_id": place.guild_id,
        **columns(standing),
        "cells": {problem: shown(cell) for problem, cell in held.items() if cell.touched},
    }


def guild_row(
    event_id: UUID, guild_id: UUID, standing: Standing, *, public: bool
) -> dict[str, Any]:
    """Return a guild's standing as its row."""
    return {
        "event_id": event_id,
        "public": public,
        "guild_id": guild_id,
        **columns(standing),
    }


class Rows(NamedTuple):
    """Cells, rows and guilds of a board that are to be stored."""

    cells: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    guilds: Sequence[Mapping[str, Any]] = ()

    def documents(self) -> tuple[str, str, str]:
        """Return them as `stored_by` takes them."""
        # Decimals go as text: PostgreSQL makes numbers of it without a detour over doubles.
        return document(self.cells), document(self.rows), document(self.guilds)


async def store(session: AsyncSession, rows: Rows) -> None:
    """Store cells, rows and guilds in one statement."""
    await direct.ask(session, _STORE, *rows.documents())


async def fill(session: AsyncSession, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put rows into a table that has none of them; the transaction has begun."""
    table = cast("Table", model.__table__)
    names = [column.name for column in table.columns]
    texts = {column.name for column in table.columns if isinstance(column.type, JSON)}

    def record(row: Mapping[str, Any]) -> list[Any]:
        return [json.dumps(row[name]) if name in texts else row[name] for name in names]

    await direct.copy(session, table, names, map(record, rows))


def columns(standing: Standing) -> dict[str, Any]:
    """Return what rows keep of a standing."""
    return {
        "lost": decimal(-standing.score),
        "penalty": standing.penalty,
        "last": standing.last,
    }
