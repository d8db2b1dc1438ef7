"""Reading boards: the top, somebody's own rank, rooms and guilds; never more than a page.

A row holds what is shown of its cells, so that a page is one statement. Its cells come as JSON
text, and those of a page are read as one document.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Boolean, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.models import BoardGuild, BoardRow, BoardTally, EntryKind
from api.leaderboards import tallies
from api.leaderboards.cells import Shown

_ROW = """
    r.entry_id, r.room_id, r.guild_id, r.lost, r.penalty, r.last, e.name, r.cells::text AS cells
    FROM codebattle.board_rows AS r
    JOIN codebattle.event_entries AS e ON e.id = r.entry_id
    WHERE r.event_id = :event_id AND r.public = :public
"""
# What statements take, where it is not an id.
_TYPES = {"public": "boolean", "most": "bigint"}
_NAMED = re.compile(r"(?<!:):([a-z_]+)")
# The next power of two is written out as the bound, so that PostgreSQL keeps a plan: for a limit
# that is only given it makes one each time.
_TOP = """
SELECT * FROM (
    SELECT {row} {among} ORDER BY r.lost, r.penalty, r.last, r.entry_id LIMIT {bound}
) AS first LIMIT :most
"""
_AFTER = """
SELECT * FROM (
    SELECT {row} {among} AND (r.lost, r.penalty, r.last, r.entry_id) > (
        SELECT a.lost, a.penalty, a.last, a.entry_id FROM codebattle.board_rows AS a
        WHERE a.event_id = :event_id AND a.public = :public AND a.entry_id = :after
    ) ORDER BY r.lost, r.penalty, r.last, r.entry_id LIMIT {bound}
) AS next LIMIT :most
"""
# How many are ahead of a row, and how many come before it.
_BEFORE = """
SELECT {tallied} + ahead AS ahead, {tallied} + before AS before
FROM (
    SELECT lost, penalty, last, entry_id FROM codebattle.board_rows
    WHERE event_id = :event_id AND public = :public AND entry_id = :entry_id
) AS own
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE (r.lost, r.penalty, r.last) < (own.lost, own.penalty, own.last)),
        count(*)
    FROM codebattle.board_rows AS r
    WHERE r.event_id = :event_id AND r.public = :public {among} {from}
        AND (r.lost, r.penalty, r.last, r.entry_id)
            < (own.lost, own.penalty, own.last, own.entry_id)
) AS counted (ahead, before)
"""
# A row and how many are ahead of it.
_ONE = """
SELECT own.*, {tallied} + (
    SELECT count(*) FROM codebattle.board_rows AS r
    WHERE r.event_id = :event_id AND r.public = :public {among} {from}
        AND (r.lost, r.penalty, r.last) < (own.lost, own.penalty, own.last)
) AS ahead
FROM (SELECT {row} {among} AND r.entry_id = :entry_id) AS own
"""
# Of a whole board only the rows of one tally are counted, and the tallies ahead of it.
_OWN = tallies.sql("own")
_TALLIED = """(
    SELECT coalesce(sum(entries), 0)::bigint FROM codebattle.board_tallies
    WHERE event_id = :event_id AND public = :public AND (step, part) < ({own})
)""".replace("{own}", _OWN)
_FROM = f"AND (r.lost, r.penalty) >= ({_OWN})"
_FIRSTS = text("""
SELECT wanted.problem_id, f.entry_id, f.solved_us,
    p.since IS NULL OR p.since > f.solved_us AS settled
FROM unnest(cast(:problems AS uuid[])) AS wanted (problem_id)
CROSS JOIN LATERAL (
    SELECT entry_id, solved_us FROM codebattle.board_cells
    WHERE event_id = :event_id AND public = :public AND problem_id = wanted.problem_id
        AND solved_us IS NOT NULL
    ORDER BY solved_us, solved_submission LIMIT 1
) AS f
CROSS JOIN LATERAL (
    SELECT min(pending_since_us) AS since FROM codebattle.board_cells
    WHERE event_id = :event_id AND public = :public AND problem_id = wanted.problem_id
        AND pending > 0
) AS p
""").bindparams(bindparam("event_id", type_=Uuid), bindparam("public", type_=Boolean))


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Which rows of a side of a board are meant; ranks count among them."""

    event_id: UUID
    public: bool
    room_id: UUID | None = None
    guild_id: UUID | None = None

    @property
    def filters(self) -> dict[str, UUID]:
        """Return which columns have one value only."""
        named = {"room_id": self.room_id, "guild_id": self.guild_id}
        return {name: each for name, each in named.items() if each is not None}

    @property
    def values(self) -> dict[str, Any]:
        """Return what statements take."""
        return {"event_id": self.event_id, "public": self.public, **self.filters}

    def has(self, row: "Ranked") -> bool:
        """Tell whether an entry is among them."""
        return self.room_id in {None, row.room_id} and self.guild_id in {None, row.guild_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Who solved a problem first; `settled` unless something earlier has no verdict yet."""

    entry_id: UUID
    solved_us: int
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An entry with its rank, and its cells by problem id.

    `kept` has the values of each `Shown` as a page has them: most are shown as something else.
    """

    rank: int
    entry_id: UUID
    kind: EntryKind = EntryKind.OFFICIAL
    name: str
    room_id: UUID | None
    guild_id: UUID | None
    lost: Decimal
    penalty: int
    last: int
    kept: Mapping[str, Sequence[Any]]

    @property
    def cells(self) -> dict[str, Shown]:
        """Return the cells by problem id."""
        return {task: Shown._make(each) for task, each in self.kept.items()}

    @property
    def score(self) -> float:
        """Return the score, never a negative nothing."""
        return float(-self.lost) or 0.0

    @property
    def key(self) -> tuple[Decimal, int, int]:
        """Return what ranks it; equal keys share a rank."""
        return (self.lost, self.penalty, self.last)


async def page(
    session: AsyncSession, among: Among, *, limit: int, after: UUID | None = None
) -> list[Ranked]:
    """Return rows in order of rank, after some entry's; equals share a rank."""
    form, more = (_TOP, {}) if after is None else (_AFTER, {"after": after})
    form = form.replace("{bound}", str(1 << limit.bit_length()))
    rows = await _asked(session, form, among, most=limit, **more)
    if not rows:
        return []
    rank, before = 1, 0
    if after is not None:
        rank, before = await _places(session, among, rows[0]["entry_id"])
    ranked: list[Ranked] = []
    key = None
    cells = from_json(f"[{','.join([row['cells'] for row in rows])}]", cache_strings="keys")
    for place, (row, kept) in enumerate(zip(rows, cells, strict=True), start=before + 1):
        own = (row["lost"], row["penalty"], row["last"])
        if ranked and own != key:
            rank = place
        key = own
        ranked.append(_ranked(row, rank, kept))
    return ranked


async def one(session: AsyncSession, among: Among, entry_id: UUID) -> Ranked | None:
    """Return one entry with its rank, if it is among those that are meant."""
    for row in await _asked(session, _ONE, among, entry_id=entry_id):
        return _ranked(row, row["ahead"] + 1, from_json(row["cells"]))
    return None


async def count(session: AsyncSession, among: Among) -> int:
    """Return how many rows there are."""
    if not among.filters:
        tallied = select(func.sum(BoardTally.entries)).where(
            BoardTally.event_id == among.event_id, BoardTally.public.is_(among.public)
        )
        return int(await session.scalar(tallied) or 0)
    wanted = select(func.count()).where(
        BoardRow.event_id == among.event_id,
        BoardRow.public.is_(among.public),
        *(getattr(BoardRow, name) == each for name, each in among.filters.items()),
    )
    return int(await session.scalar(wanted) or 0)


async def firsts(
    session: AsyncSession, among: Among, problems: Sequence[UUID]
) -> dict[UUID, First]:
    """Return who solved which problem first, whatever rows are meant."""
    rows = await session.execute(
        _FIRSTS,
        {"event_id": among.event_id, "public": among.public, "problems": list(problems)},
    )
    return {
        row.problem_id: First(entry_id=row.entry_id, solved_us=row.solved_us, settled=row.settled)
        for row in rows
    }


async def guilds(session: AsyncSession, event_id: UUID, *, public: bool) -> list[tuple[int, Any]]:
    """Return all guilds of an event with their ranks, in order."""
    rank = func.rank().over(order_by=(BoardGuild.lost, BoardGuild.penalty, BoardGuild.last))
    rows = await session.execute(
        select(rank, BoardGuild)
        .where(BoardGuild.event_id == event_id, BoardGuild.public.is_(public))
        .order_by(rank, BoardGuild.guild_id)
    )
    return [(place, row) for place, row in rows]


async def _places(session: AsyncSession, among: Among, entry_id: UUID) -> tuple[int, int]:
    """Return an entry's rank, and how many rows come before it."""
    (row,) = await _asked(session, _BEFORE, among, entry_id=entry_id)
    return row["ahead"] + 1, row["before"]


async def _asked(
    session: AsyncSession, form: str, among: Among, **more: Any
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a statement."""
    statement, names = _written(form, *among.filters)
    values = among.values | more
    return await direct.look_through(session, statement, *(values[name] for name in names))


@cache
def _written(form: str, *filters: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement and what it takes, in order.

    What is not filtered by is not in it, so that an index will do.
    """
    among = " ".join(f"AND r.{name} = :{name}" for name in filters)
    tallied = {"tallied": "0", "from": ""} if filters else {"tallied": _TALLIED, "from": _FROM}
    written = form.format(row=_ROW, among=among, **tallied)
    names = tuple(dict.fromkeys(_NAMED.findall(written)))
    numbered = {name: f"${at}::{_TYPES.get(name, 'uuid')}" for at, name in enumerate(names, 1)}
    return _NAMED.sub(lambda found: numbered[found[1]], written), names


def _ranked(row: Mapping[str, Any], rank: int, kept: Mapping[str, Sequence[Any]]) -> Ranked:
    return Ranked(
        rank=rank,
        entry_id=row["entry_id"],
        name=row["name"],
        room_id=row["room_id"],
        guild_id=row["guild_id"],
        lost=row["lost"],
        penalty=row["penalty"],
        last=row["last"],
        kept=kept,
    )
