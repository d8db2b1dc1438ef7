"""Reading boards: the top, somebody's own rank, rooms and guilds; never more than a page.

PostgreSQL writes rows and cells as JSON, so that a page costs two statements and no objects.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Numeric, Text, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import BoardGuild

# Cells without a trace of the jury's side: which of the two is asked for is all they depend on.
_CELLS = """(
    SELECT coalesce(jsonb_object_agg(c.problem_id, jsonb_build_object(
        'attempts', c.attempts, 'pending', c.pending, 'solved', c.solved_us IS NOT NULL,
        'score', c.score + c.bonus, 'penalty', c.penalty, 'at_us', c.at_us,
        'solved_us', c.solved_us, 'first', c.first
    )), '{}') FROM codebattle.board_cells AS c
    WHERE c.event_id = r.event_id AND c.public = r.public AND c.entry_id = r.entry_id
        AND (c.attempts > 0 OR c.pending > 0)
)"""
_ROW = f"""
    r.entry_id, r.room_id, r.guild_id, r.lost, r.penalty, r.last, e.name, {_CELLS} AS cells
    FROM codebattle.board_rows AS r
    JOIN codebattle.event_entries AS e ON e.id = r.entry_id
    WHERE r.event_id = :event_id AND r.public = :public
"""
_IN_ROOM = "AND (cast(:room_id AS uuid) IS NULL OR r.room_id = :room_id)"
_ORDER = "ORDER BY r.lost, r.penalty, r.last, r.entry_id LIMIT :most"
_TYPES = (bindparam("event_id", type_=Uuid), bindparam("public", type_=Boolean))
_COLUMNS = {
    **dict.fromkeys(("entry_id", "room_id", "guild_id"), Uuid),
    "lost": Numeric,
    "penalty": BigInteger,
    "last": BigInteger,
    "name": Text,
    "cells": JSONB,
}
_TOP = (
    text(f"SELECT {_ROW} {_IN_ROOM} {_ORDER}")
    .bindparams(*_TYPES, bindparam("room_id", type_=Uuid))
    .columns(**_COLUMNS)
)
_AFTER = (
    text(
        f"SELECT {_ROW} {_IN_ROOM} AND (r.lost, r.penalty, r.last, r.entry_id) > ("  # noqa: S608
        "    SELECT a.lost, a.penalty, a.last, a.entry_id FROM codebattle.board_rows AS a"
        "    WHERE a.event_id = :event_id AND a.public = :public AND a.entry_id = :after"
        f") {_ORDER}"
    )
    .bindparams(*_TYPES, bindparam("room_id", type_=Uuid), bindparam("after", type_=Uuid))
    .columns(**_COLUMNS)
)
_ONE = (
    text(f"SELECT {_ROW} AND r.entry_id = :entry_id")
    .bindparams(*_TYPES, bindparam("entry_id", type_=Uuid))
    .columns(**_COLUMNS)
)
# How many are ahead of a row, and how many come before it in order.
_BEFORE = text(f"""
SELECT
    count(*) FILTER (WHERE (r.lost, r.penalty, r.last) < (own.lost, own.penalty, own.last))
        AS ahead,
    count(*) AS before
FROM codebattle.board_rows AS own
JOIN codebattle.board_rows AS r ON r.event_id = own.event_id AND r.public = own.public
    AND (r.lost, r.penalty, r.last, r.entry_id)
        < (own.lost, own.penalty, own.last, own.entry_id)
WHERE own.event_id = :event_id AND own.public = :public AND own.entry_id = :entry_id {_IN_ROOM}
""").bindparams(*_TYPES, bindparam("room_id", type_=Uuid), bindparam("entry_id", type_=Uuid))  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An entry with its rank, and its cells by problem id as plain values."""

    rank: int
    entry_id: UUID
    name: str
    room_id: UUID | None
    guild_id: UUID | None
    score: float
    penalty: int
    last: int
    cells: dict[str, dict[str, Any]]


async def page(
    session: AsyncSession,
    event_id: UUID,
    *,
    public: bool,
    limit: int,
    after: UUID | None = None,
    room_id: UUID | None = None,
) -> list[Ranked]:
    """Return rows in order of rank, after some entry's; equals share a rank."""
    values = {"event_id": event_id, "public": public, "most": limit, "room_id": room_id}
    if after is None:
        rows = (await session.execute(_TOP, values)).all()
    else:
        rows = (await session.execute(_AFTER, values | {"after": after})).all()
    if not rows:
        return []
    rank, before = 1, 0
    if after is not None:
        rank, before = await _places(session, values, rows[0].entry_id)
    ranked: list[Ranked] = []
    key = None
    for place, row in enumerate(rows, start=before + 1):
        own = (row.lost, row.penalty, row.last)
        if ranked and own != key:
            rank = place
        key = own
        ranked.append(_ranked(row, rank))
    return ranked


async def one(
    session: AsyncSession,
    event_id: UUID,
    entry_id: UUID,
    *,
    public: bool,
    room_id: UUID | None = None,
) -> Ranked | None:
    """Return one entry with its rank."""
    values = {"event_id": event_id, "public": public, "room_id": room_id}
    row = (
        await session.execute(_ONE, {"event_id": event_id, "public": public, "entry_id": entry_id})
    ).first()
    if row is None:
        return None
    rank, _ = await _places(session, values, entry_id)
    return _ranked(row, rank)


async def guilds(session: AsyncSession, event_id: UUID, *, public: bool) -> list[tuple[int, Any]]:
    """Return all guilds of an event with their ranks, in order."""
    rank = func.rank().over(order_by=(BoardGuild.lost, BoardGuild.penalty, BoardGuild.last))
    rows = await session.execute(
        select(rank, BoardGuild)
        .where(BoardGuild.event_id == event_id, BoardGuild.public.is_(public))
        .order_by(rank, BoardGuild.guild_id)
    )
    return [(place, row) for place, row in rows]


async def _places(session: AsyncSession, values: dict[str, Any], entry_id: UUID) -> tuple[int, int]:
    """Return an entry's rank, and how many rows come before it."""
    found = (
        await session.execute(
            _BEFORE,
            {
                "event_id": values["event_id"],
                "public": values["public"],
                "room_id": values["room_id"],
                "entry_id": entry_id,
            },
        )
    ).one()
    return found.ahead + 1, found.before


def _ranked(row: Any, rank: int) -> Ranked:
    return Ranked(
        rank=rank,
        entry_id=row.entry_id,
        name=row.name,
        room_id=row.room_id,
        guild_id=row.guild_id,
        score=float(-row.lost) or 0.0,
        penalty=row.penalty,
        last=row.last,
        cells=row.cells,
    )
