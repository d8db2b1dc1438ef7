"""The feed of one reader, out of the marks.

First comes all there is, in an order in which nothing refers to what comes later, then what
changes, in the order in which it does.

A token says how far a reader is, and of which side's feed: `j120` has all up to number 120,
`j120-6-95` is on the way there, in the kind 6 at number 95. Inside the lines of one judgement
`.130.4` is added: of the mark numbered 130, four were sent. It ends in the life of the database
and the looks in it that were taken by then, as in `j120_1f0c92ab44d0.57`: where those are lost,
what the token stands for is as well.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.contestapi import epochs, happening, objects
from api.contestapi.epochs import Standing
from api.contestapi.kinds import OF_RANK, Kind, Side
from api.contestapi.viewing import View
from api.errors import BadRequestError

MARKS_MAX = 500
# Others have their turn after so many.
TURN = 100
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
# Beyond what numbers can be.
_TOKEN = re.compile(
    r"([ptj])(\d{1,18})(?:-(\d{1,2})-(\d{1,18}))?(?:\.(\d{1,18})\.(\d{1,9}))?"
    r"_([0-9a-f]{12})\.(\d{1,18})"
)
_RANKS = "(VALUES " + ", ".join(f"({rank})" for rank in OF_RANK) + ") AS kinds (rank)"
_JURY = ("mark.seq", "true")
_OTHERS = ("mark.public_seq", "mark.public_seq IS NOT NULL")
_NOT_OWN = ("mark.public_seq", "mark.public_seq IS NOT NULL AND mark.entry_id IS DISTINCT FROM :me")
_OWN = ("mark.seq", "mark.entry_id = :me")
_SOURCES = {Side.JURY: (_JURY,), Side.PUBLIC: (_OTHERS,), Side.TEAM: (_NOT_OWN, _OWN)}
_TYPES: dict[str, Any] = {
    "event_id": Uuid(),
    "me": Uuid(),
    "upto": BigInteger(),
    "rank": SmallInteger(),
    "seq": BigInteger(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a reader is; with a rank it is still getting what there was at `upto`."""

    side: Side
    epoch: str
    # Looks that were taken when what was sent last was read.
    looks: int
    upto: int
    rank: int | None = None
    seq: int = 0
    # Of the mark with this number, so many lines were sent.
    part: int = 0
    lines: int = 0

    def __str__(self) -> str:
        """Return it as a token."""
        said = f"{self.side}{self.upto}"
        if self.rank is not None:
            said += f"-{self.rank}-{self.seq}"
        if self.lines:
            said += f".{self.part}.{self.lines}"
        return f"{said}_{self.epoch}.{self.looks}"

    @classmethod
    def parse(cls, token: str, side: Side, now: Standing | None) -> "Position":
        """Read a token; raises `BadRequestError` for one that may not be gone on by."""
        found = _TOKEN.fullmatch(token)
        if found is None or found[1] != side or now is None:
            raise BadRequestError("the token is not one of this feed", slug="bad-token")
        if not now.knows(found[7], int(found[8])) or int(found[2]) > now.seq:
            raise BadRequestError(
                "the token is of a database that was put back since: read the feed anew",
                slug="bad-token",
            )
        return cls(
            side=side,
            epoch=now.epoch,
            looks=now.looks,
            upto=int(found[2]),
            rank=None if found[3] is None else int(found[3]),
            seq=int(found[4] or 0),
            part=int(found[5] or 0),
            lines=int(found[6] or 0),
        )

    def past(self, rank: int, seq: int) -> "Position":
        """Return the position after a mark."""
        if self.rank is None:
            return replace(self, upto=seq, part=0, lines=0)
        return replace(self, rank=rank, seq=seq, part=0, lines=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Lines to send, and where the reader is after them; `whole`: there is more at once."""

    lines: Sequence[bytes]
    position: Position
    more: bool


def beginning(side: Side, epoch: str, reached: int) -> Position:
    """Return where a reader without a token is."""
    return Position(side=side, epoch=epoch, looks=0, upto=reached, rank=-1)


async def batch(session: AsyncSession, view: View, position: Position) -> Batch | None:
    """Return what comes next for a reader; None if the database is in another life by now."""
    marks = await _marks(session, view, position)
    lines: list[bytes] = []
    told = await _told(session, view, marks)
    # After all that was read: the look that comes next comes after it.
    now = await epochs.standing(session, view.contest.event.id)
    if now is None or not now.here or now.epoch != position.epoch:
        return None
    position = replace(position, looks=now.looks)
    for number, mark in enumerate(marks):
        if number % TURN == TURN - 1:
            await asyncio.sleep(0)
        kind = OF_RANK[mark.rank]
        after = position.past(mark.rank, mark.seq)
        sent = position.lines if position.part == mark.seq else 0
        if position.lines:
            position = replace(position, part=0, lines=0)
        lines += _lines(told[kind], kind, mark, position, after, sent)
        position = after
    more = len(marks) >= MARKS_MAX
    if not more and position.rank is not None:
        # All there was is sent; what changed meanwhile is next.
        position, more = replace(position, rank=None, seq=0), True
    return Batch(lines=lines, position=position, more=more)


def _lines(
    told: dict[str, list[tuple[Kind, dict[str, Any]]]],
    kind: Kind,
    mark: Any,
    before: Position,
    after: Position,
    sent: int,
) -> Iterator[bytes]:
    """Write the lines of a mark: its object, or that it is gone, and the runs of a judgement."""
    found = told.get(mark.object_id)
    if found is None:
        # Who is still getting what there was has not heard of it.
        if before.rank is None:
            yield _line(kind, None if kind.single else mark.object_id, None, after)
        return
    for number, (of_kind, data) in enumerate(found, start=1):
        if number <= sent:
            continue
        token = replace(before, part=mark.seq, lines=number) if number < len(found) else after
        yield _line(of_kind, None if kind.single else data["id"], data, token)


def _line(kind: Kind, name: str | None, data: dict[str, Any] | None, token: Position) -> bytes:
    said = {"type": kind.value, "id": name, "data": data, "token": str(token)}
    return _ENCODER.encode(said).encode() + b"\n"


async def _told(
    session: AsyncSession, view: View, marks: Sequence[Any]
) -> dict[Kind, dict[str, list[tuple[Kind, dict[str, Any]]]]]:
    """Read the objects that marks speak of, as they are now."""
    wanted: dict[Kind, list[str]] = {}
    for mark in marks:
        wanted.setdefault(OF_RANK[mark.rank], []).append(mark.object_id)
    told: dict[Kind, dict[str, list[tuple[Kind, dict[str, Any]]]]] = {}
    for kind, names in wanted.items():
        found = await objects.some(session, view, kind, None if kind.single else names)
        told[kind] = {names[0] if kind.single else each["id"]: [(kind, each)] for each in found}
    judged = told.get(Kind.JUDGEMENTS, {})
    for judging_id, runs in (await happening.runs(session, view, [*map(UUID, judged)])).items():
        judged[str(judging_id)] += [(Kind.RUNS, run) for run in runs]
    return told


async def _marks(session: AsyncSession, view: View, position: Position) -> Sequence[Any]:
    whole = position.rank is not None
    parts = [_select(place, where, whole=whole) for place, where in _SOURCES[view.side]]
    order = "rank, seq" if whole else "seq"
    statement = f"{' UNION ALL '.join(parts)} ORDER BY {order} LIMIT {MARKS_MAX}"
    values: dict[str, Any] = {"event_id": view.contest.event.id, "upto": position.upto}
    if whole:
        values |= {"rank": position.rank, "seq": position.seq}
    if view.side is Side.TEAM:
        values["me"] = view.entry_id
    types = [bindparam(name, type_=_TYPES[name]) for name in values]
    return (await session.execute(text(statement).bindparams(*types), values)).all()


def _select(place: str, where: str, *, whole: bool) -> str:
    """Return the marks after a position: the first of each kind, so that indexes have them."""
    wanted = (
        f"{place} <= :upto AND (kinds.rank > :rank OR (kinds.rank = :rank AND {place} > :seq))"
        if whole
        else f"{place} > :upto"
    )
    # A mark that is gone says nothing to who never heard of it.
    gone = "AND mark.digest <> ''" if whole else ""
    return f"""(
        SELECT found.* FROM {_RANKS} CROSS JOIN LATERAL (
            SELECT mark.rank, mark.object_id, {place} AS seq
            FROM codebattle.contest_marks AS mark
            WHERE mark.event_id = :event_id AND mark.rank = kinds.rank AND {where}
                AND {wanted} {gone}
            ORDER BY {place} LIMIT {MARKS_MAX}
        ) AS found
    )"""  # noqa: S608 - constants of this file
