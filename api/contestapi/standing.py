"""The scoreboard and the awards, from the board that somebody may see."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.contestapi import configured, times
from api.contestapi.configured import Objects, room_name
from api.contestapi.viewing import Contest, View, digest
from api.db.models import BoardCell, BoardRow, EventAttempt, EventEntry, Room
from api.errors import NotFoundError
from api.leaderboards import cells
from api.leaderboards.cells import Shown
from judge.scoring import Cell
from judge.scoring.icpc import Icpc

CHUNK = 200
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
ROWS_MAX = 100_000
_Cells = frozenset[tuple[UUID, UUID]]


async def scoreboard(
    session: AsyncSession, view: View, room_id: UUID | None
) -> AsyncIterator[bytes]:
    """Write the whole board, or that of one room ranked by itself, a chunk of rows at a time.

    Others have their turn in between, so a board of any size stops nobody; the session is one that
    sees a single moment.
    """
    of = view.contest
    ranked = await _ranked(session, view, room_id)
    idle = frozenset() if of.scores else await _idle(session, view)
    at = configured.ended_at(of)
    head = {
        "time": times.moment(at),
        "contest_time": of.time(at),
        "state": configured.state(of),
    }
    yield json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"rows":['
    for start in range(0, len(ranked), CHUNK):
        some = ranked[start : start + CHUNK]
        rows = {row.entry_id: row for row in await _rows(session, view, [one[-1] for one in some])}
        lines = [
            _ENCODER.encode(_row(view, rank, rows[entry_id], idle)) for rank, _, _, entry_id in some
        ]
        yield (b"," if start else b"") + ",".join(lines).encode()
        await asyncio.sleep(0)
    yield b"]}"


async def version(session: AsyncSession, view: View) -> str:
    """Return what a board depends on, short: while that is as it was, the board is."""
    of = view.contest
    # The log only grows; its end alone would not do, since rows appear in another order.
    known = await session.scalar(
        select(func.count()).select_from(EventAttempt).where(EventAttempt.event_id == of.event.id)
    )
    return digest([of.outlook, configured.state(of), known, of.event.revealed])


async def awards(session: AsyncSession, view: View) -> Objects:
    """Return who leads, in the whole and in each room, and who was first on each problem."""
    of = view.contest
    shown = [_award("winner", "Winner", await _leaders(session, view, per_room=False))]
    rooms = await session.scalars(
        select(Room).where(Room.event_id == of.event.id).order_by(Room.position)
    )
    leaders = await _leaders(session, view, per_room=True)
    for room in rooms:
        name = f"group-winner-{room_name(room.position)}"
        shown.append(_award(name, f"Winner of {room.name}", leaders, room.id))
    if not view.sees_problems:
        return shown
    firsts = {
        row.problem_id: row.entry_id
        for row in await session.execute(
            select(BoardCell.problem_id, BoardCell.entry_id).where(
                BoardCell.event_id == of.event.id,
                BoardCell.public.is_(view.public_board),
                BoardCell.first,
            )
        )
    }
    for task in of.tasks:
        first = firsts.get(task.row.problem_id)
        shown.append(
            {
                "id": f"first-to-solve-{task.id}",
                "citation": f"First to solve problem {task.row.label}",
                "team_ids": [] if first is None else [str(first)],
            }
        )
    return shown


def _award(
    name: str, citation: str, leaders: list[tuple[UUID | None, UUID]], room: UUID | None = None
) -> dict[str, Any]:
    teams = [str(who) for where, who in leaders if where == room]
    return {"id": name, "citation": citation, "team_ids": teams}


async def _leaders(
    session: AsyncSession, view: View, *, per_room: bool
) -> list[tuple[UUID | None, UUID]]:
    """Return the first of the board, or of each room's; nobody leads without having scored."""
    order = (BoardRow.lost, BoardRow.penalty, BoardRow.last)
    ranked: Select[Any, Any, Any] = select(
        BoardRow.room_id,
        BoardRow.entry_id,
        func.rank().over(order_by=order, partition_by=BoardRow.room_id if per_room else None),
    ).where(
        BoardRow.event_id == view.contest.event.id,
        BoardRow.public.is_(view.public_board),
        BoardRow.lost < 0,
    )
    found = ranked.subquery()
    rows = await session.execute(select(found).where(found.c[2] == 1).order_by(found.c.entry_id))
    return [(row[0] if per_room else None, row[1]) for row in rows]


async def room(session: AsyncSession, of: Contest, name: str) -> UUID:
    """Return the room that a group is; raises `NotFoundError`."""
    rooms = await session.scalars(select(Room).where(Room.event_id == of.event.id))
    for each in rooms:
        if room_name(each.position) == name:
            return each.id
    raise NotFoundError("there is no such group", slug="event-not-found")


async def _ranked(
    session: AsyncSession, view: View, room_id: UUID | None
) -> list[tuple[int, str, str, UUID]]:
    """Return the entries of a board in its order: rank, then name."""
    rank = func.rank().over(order_by=(BoardRow.lost, BoardRow.penalty, BoardRow.last))
    query = (
        select(rank, EventEntry.name, BoardRow.entry_id)
        .join(EventEntry, EventEntry.id == BoardRow.entry_id)
        .where(*_of_board(view, BoardRow))
        .limit(ROWS_MAX)
    )
    if room_id is not None:
        query = query.where(BoardRow.room_id == room_id)
    rows = await session.execute(query)
    return sorted((place, name.casefold(), name, entry_id) for place, name, entry_id in rows)


async def _rows(session: AsyncSession, view: View, ids: list[UUID]) -> Sequence[Any]:
    query = select(BoardRow.entry_id, BoardRow.lost, BoardRow.penalty, BoardRow.cells).where(
        *_of_board(view, BoardRow), BoardRow.entry_id == any_(cast(ids, ARRAY(Uuid())))
    )
    return (await session.execute(query)).all()


async def _idle(session: AsyncSession, view: View) -> _Cells:
    """Return solved cells whose pending submissions came later: nobody waits for them."""
    rows = await session.execute(
        select(BoardCell.entry_id, BoardCell.problem_id).where(
            *_of_board(view, BoardCell),
            BoardCell.pending > 0,
            BoardCell.pending_since_us >= BoardCell.solved_us,
        )
    )
    return frozenset((row.entry_id, row.problem_id) for row in rows)


def _of_board(view: View, table: type[BoardRow] | type[BoardCell]) -> Iterator[Any]:
    yield table.event_id == view.contest.event.id
    yield table.public.is_(view.public_board)


def _row(view: View, rank: int, row: Any, idle: _Cells) -> dict[str, Any]:
    of = view.contest
    shown = []
    for task in of.tasks:
        kept = row.cells.get(str(task.row.problem_id))
        each = _cell(of, task.id, Shown(*kept) if kept else None)
        if (row.entry_id, task.row.problem_id) in idle:
            each["num_pending"] = 0
        shown.append(each)
    gained = [each["time"] for each in shown if "time" in each]
    gains = float(-row.lost) or 0.0
    score: dict[str, Any]
    rules = of.rules.format
    if isinstance(rules, Icpc):
        minutes = row.penalty // 60 if rules.in_seconds else row.penalty
        score = {"num_solved": int(gains), "total_time": minutes}
    else:
        score = {"score": gains}
    if gained:
        score["time"] = max(gained)
    return {
        "rank": rank,
        "team_id": str(row.entry_id),
        "score": score,
        "problems": shown if view.sees_problems else [],
    }


def _cell(of: Contest, problem_id: str, cell: Shown | None) -> dict[str, Any]:
    held = cell or cells.shown(Cell())
    shown: dict[str, Any] = {
        "problem_id": problem_id,
        "num_judged": held.attempts,
        "num_pending": held.pending,
    }
    if of.scores:
        shown["score"] = max(0, held.score)
        gained = shown["score"] > 0
    else:
        shown["solved"] = gained = held.solved
    if gained:
        shown["time"] = of.minutes(held.at_us or 0)
    return shown
