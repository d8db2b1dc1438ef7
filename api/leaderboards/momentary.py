"""Reading a virtual board of a moment, whatever its size: a page, a row, or the guilds.

Official rows are as they stood then, virtual ones as at the same moment of their own clocks.
Ranks are the official ones; a virtual row has the rank it would have had, and comes after the
official rows it equals. Standings come from `board_moments`, the cells of a page from the log of
its entries.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.models import EntryKind, Event, EventEntry, EventProblem
from api.leaderboards import cells, logs, moments, queries, scoring
from api.leaderboards.queries import Among, First, Ranked
from api.leaderboards.scoring import Rules
from judge.scoring import Cell, Standing, ordered
from judge.scoring import EventProblem as Problem
from judge.scoring.guilds import Combining
from judge.scoring.schedule import Schedule

SECOND_US = 1_000_000
# $1 event; $2, $3 official and virtual time; $4 room and $5 guild, null for all.
_OFFICIAL = """
    m.event_id = $1::uuid AND NOT m.virtual
    AND m.since_us <= $2::bigint AND m.until_us > $2::bigint {among}
"""
_VIRTUAL = """
    m.event_id = $1::uuid AND m.virtual
    AND m.since_us <= $3::bigint AND m.until_us > $3::bigint {among}
"""
_AMONG = """AND m.entry_id IN (
    SELECT id FROM codebattle.event_entries WHERE event_id = $1::uuid
        AND ($4::uuid IS NULL OR room_id = $4::uuid)
        AND ($5::uuid IS NULL OR guild_id = $5::uuid)
)"""
# Without a room or a guild nobody's entry is looked up for it.
_ALL = "AND $4::uuid IS NULL AND $5::uuid IS NULL"
_KEY = "m.lost, m.penalty, m.last"
_ROWS = """
SELECT json_agg(r) FROM (
    SELECT p.*, p.lost::text AS exactly, e.name, e.room_id, e.guild_id, e.starts_at
    FROM page AS p JOIN codebattle.event_entries AS e ON e.id = p.entry_id
    ORDER BY p.lost, p.penalty, p.last, p.virtual, p.entry_id
) AS r
"""
# $6 how many. Both kinds in the order of an index, then merged: official rows first of equals.
_TOP = """
WITH page AS MATERIALIZED (
    (SELECT m.* FROM codebattle.board_moments AS m WHERE {official}
        ORDER BY {key}, m.entry_id LIMIT $6::bigint)
    UNION ALL
    (SELECT m.* FROM codebattle.board_moments AS m WHERE {virtual}
        ORDER BY {key}, m.entry_id LIMIT $6::bigint)
    ORDER BY lost, penalty, last, virtual, entry_id LIMIT $6::bigint
)
SELECT json_build_object('before', json_build_array(0, 0), 'rows', ({rows}))::text
"""
# $6 how many, $7 after which entry; `past` has its place among both kinds.
_AFTER = """
WITH past AS MATERIALIZED (
    SELECT {key}, CASE WHEN m.virtual THEN {most} ELSE m.entry_id END AS official,
        CASE WHEN m.virtual THEN m.entry_id ELSE {least} END AS virtual
    FROM codebattle.board_moments AS m WHERE m.entry_id = $7::uuid AND ({official} OR {virtual})
), page AS MATERIALIZED (
    (SELECT m.* FROM past AS a CROSS JOIN LATERAL (
        SELECT * FROM codebattle.board_moments AS m WHERE {official}
            AND ({key}, m.entry_id) > (a.lost, a.penalty, a.last, a.official)
        ORDER BY {key}, m.entry_id LIMIT $6::bigint) AS m)
    UNION ALL
    (SELECT m.* FROM past AS a CROSS JOIN LATERAL (
        SELECT * FROM codebattle.board_moments AS m WHERE {virtual}
            AND ({key}, m.entry_id) > (a.lost, a.penalty, a.last, a.virtual)
        ORDER BY {key}, m.entry_id LIMIT $6::bigint) AS m)
    ORDER BY lost, penalty, last, virtual, entry_id LIMIT $6::bigint
)
SELECT json_build_object(
    -- Official rows that are better than the first of these, and those that come before it.
    'before', (
        SELECT json_build_array(count(*) FILTER (
            WHERE ({key}) < (SELECT p.lost, p.penalty, p.last FROM page AS p LIMIT 1)
        ), count(*))
        FROM codebattle.board_moments AS m WHERE {official} AND ({key}, m.entry_id)
            <= (SELECT a.lost, a.penalty, a.last, a.official FROM past AS a)
    ),
    'rows', ({rows})
)::text
"""
_MOST = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"
_LEAST = "'00000000-0000-0000-0000-000000000000'::uuid"
# $6 the entry.
_ONE = """
WITH page AS MATERIALIZED (
    SELECT m.* FROM codebattle.board_moments AS m
    WHERE m.entry_id = $6::uuid AND ({official} OR {virtual})
)
SELECT json_build_object('before', (
    SELECT count(*) FROM codebattle.board_moments AS m WHERE {official}
        AND ({key}) < (SELECT own.lost, own.penalty, own.last FROM page AS own)
), 'rows', ({rows}))::text
"""
# $6 how many members of a guild count, 0 for all.
_GUILDS = """
WITH members AS (
    SELECT e.guild_id, m.*, row_number() OVER (
        PARTITION BY e.guild_id, m.virtual ORDER BY {key}, m.entry_id
    ) AS place
    FROM codebattle.board_moments AS m JOIN codebattle.event_entries AS e ON e.id = m.entry_id
    WHERE ({official} OR {virtual}) AND e.guild_id IS NOT NULL
)
SELECT json_agg(g)::text FROM (
    SELECT m.guild_id, m.virtual, count(*) AS members, sum(m.lost)::text AS lost,
        sum(m.penalty) AS penalty, max(m.last) AS last
    FROM members AS m WHERE $6::int = 0 OR m.place <= $6::int GROUP BY 1, 2
) AS g
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A moment of an event's own time in seconds; None is the end, with all that was done."""

    elapsed_s: int | None

    @property
    def official_us(self) -> int:
        """Return up to when official entries count."""
        return moments.FOREVER_US - 1 if self.elapsed_s is None else self.elapsed_s * SECOND_US

    @property
    def virtual_us(self) -> int:
        """Return up to when virtual ones do: what was just handed in is in its second."""
        return self.official_us if self.elapsed_s is None else self.official_us + SECOND_US - 1

    def of(self, kind: EntryKind) -> int:
        """Return up to when an entry of a kind counts."""
        return self.virtual_us if kind is EntryKind.VIRTUAL else self.official_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every moment of an event has in common.

    `firsts` is who solved what first in the end, `winners` only who, by a problem's id as text.
    """

    event: Event
    rules: Rules
    tasks: Sequence[EventProblem]
    problems: Mapping[UUID, Problem]
    firsts: Mapping[UUID, First]
    winners: Mapping[str, UUID]

    @property
    def all(self) -> Among:
        """Return that all rows are meant."""
        return Among(event_id=self.event.id, public=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """By which clock an entry is looked at, up to when, and where it is first in the end."""

    clock: Schedule
    until_us: int
    won: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildRanked:
    """A guild with its rank: an official one, or one that plays virtually."""

    rank: int
    guild_id: UUID
    kind: EntryKind
    standing: Standing


async def ground(session: AsyncSession, event: Event) -> Ground:
    """Return what every moment of an event has in common; its moments are made."""
    found = await session.scalars(
        select(EventProblem)
        .where(EventProblem.event_id == event.id)
        .order_by(EventProblem.position, EventProblem.problem_id)
    )
    tasks = found.all()
    among = Among(event_id=event.id, public=True)
    firsts = await queries.firsts(session, among, [task.problem_id for task in tasks])
    return Ground(
        event=event,
        rules=scoring.rules(event),
        tasks=tasks,
        problems={task.problem_id: scoring.problem(task) for task in tasks},
        firsts=firsts,
        winners={str(task): each.entry_id for task, each in firsts.items()},
    )


async def page(
    session: AsyncSession,
    on: Ground,
    among: Among,
    then: Then,
    *,
    limit: int,
    after: UUID | None = None,
) -> Sequence[Ranked]:
    """Return rows in order, after some entry's."""
    found = (
        await _asked(session, _TOP, among, then, limit)
        if after is None
        else await _asked(session, _AFTER, among, then, limit, after)
    )
    # The rank of the first is one more than how many are better, whoever comes before it.
    ahead, before = found["before"]
    rows = found["rows"] or ()
    ranked: list[Ranked] = []
    for each in rows:
        row = _ranked(each, ahead + 1)
        if ranked and row.key != ranked[-1].key:
            ahead = before
            row = replace(row, rank=ahead + 1)
        before += row.kind is EntryKind.OFFICIAL
        ranked.append(row)
    return await _filled(session, on, ranked, rows, then)


async def one(
    session: AsyncSession, on: Ground, among: Among, then: Then, entry_id: UUID
) -> Sequence[Ranked]:
    """Return one entry with its rank, if it is among those that are meant."""
    found = await _asked(session, _ONE, among, then, entry_id)
    rows = found["rows"] or ()
    ranked = [_ranked(each, found["before"] + 1) for each in rows]
    return await _filled(session, on, ranked, rows, then)


async def count(session: AsyncSession, among: Among) -> int:
    """Return how many rows there are: everybody has been there since their own start."""
    wanted = select(func.count()).where(
        EventEntry.event_id == among.event_id, EventEntry.kind != EntryKind.PRACTICE
    )
    if among.room_id is not None:
        wanted = wanted.where(EventEntry.room_id == among.room_id)
    if among.guild_id is not None:
        wanted = wanted.where(EventEntry.guild_id == among.guild_id)
    return int(await session.scalar(wanted) or 0)


async def guilds(session: AsyncSession, on: Ground, then: Then) -> list[GuildRanked]:
    """Return the guilds in order: those of the event, and among them those that play virtually."""
    rules = on.rules
    best = rules.best if rules.combining is Combining.BEST else 0
    found = await _asked(session, _GUILDS, on.all, then, best)
    made = sorted(
        (
            (
                cells.totals_of({**each, "lost": Decimal(each["lost"])}).standing(rules.combining),
                each["virtual"],
                UUID(each["guild_id"]),
            )
            for each in found or ()
        ),
        key=lambda each: (each[0].key, *each[1:]),
    )
    ranked: list[GuildRanked] = []
    before = 0
    for standing, virtual, guild in made:
        shared = bool(ranked) and ranked[-1].standing.key == standing.key
        ranked.append(
            GuildRanked(
                rank=ranked[-1].rank if shared else before + 1,
                guild_id=guild,
                kind=EntryKind.VIRTUAL if virtual else EntryKind.OFFICIAL,
                standing=standing,
            )
        )
        before += not virtual
    return ranked


async def _asked(session: AsyncSession, form: str, among: Among, then: Then, *more: Any) -> Any:
    found = await direct.ask(
        session,
        _written(form, filtered=bool(among.filters)),
        among.event_id,
        then.official_us,
        then.virtual_us,
        among.room_id,
        among.guild_id,
        *more,
    )
    return None if found is None else from_json(found)


@cache
def _written(form: str, *, filtered: bool) -> str:
    """Return a statement; what is not filtered by is not looked up."""
    among = _AMONG if filtered else _ALL
    return form.format(
        official=_OFFICIAL.format(among=among),
        virtual=_VIRTUAL.format(among=among),
        key=_KEY,
        rows=_ROWS,
        most=_MOST,
        least=_LEAST,
    )


async def _filled(
    session: AsyncSession,
    on: Ground,
    ranked: Sequence[Ranked],
    found: Sequence[Mapping[str, Any]],
    then: Then,
) -> Sequence[Ranked]:
    """Return rows with their cells."""
    clocks = {row.entry_id: _clock(on, row, each) for row, each in zip(ranked, found, strict=True)}
    # A second more than it can be: what decides is the time that scoring counts.
    ends = {row.entry_id: _end(clocks[row.entry_id], then.of(row.kind)) for row in ranked}
    official = [row.entry_id for row in ranked if row.kind is EntryKind.OFFICIAL]
    document = await logs.until(
        session, on.event.id, ends, log_end=scoring.log_end(on.event), bound=official
    )

    def filled() -> Sequence[Ranked]:
        problems = {str(task): each for task, each in on.problems.items()}
        made: dict[str, dict[str, cells.Shown]] = {str(row.entry_id): {} for row in ranked}
        timed = {
            who: _Timed(
                clock=clocks[row.entry_id],
                until_us=then.of(row.kind),
                won=frozenset(task for task, first in on.winners.items() if first == row.entry_id),
            )
            for who, row in zip(made, ranked, strict=True)
        }
        for who, task, bundle in logs.read(document):
            if task not in problems:
                continue
            cell = _cell(on, problems[task], bundle, timed[who])
            if cell.touched:
                made[who][task] = cells.shown(cell)
        return [replace(row, kept=held) for row, held in zip(ranked, made.values(), strict=True)]

    # Somebody may have tried very often.
    return await asyncio.to_thread(filled)


def _clock(on: Ground, row: Ranked, found: Mapping[str, Any]) -> Schedule:
    if row.kind is EntryKind.OFFICIAL:
        return on.rules.schedule
    return scoring.virtual(on.rules.schedule, datetime.fromisoformat(found["starts_at"]))


def _end(clock: Schedule, until_us: int) -> datetime | None:
    if until_us >= moments.FOREVER_US - 1:
        return None
    return clock.moment(timedelta(microseconds=until_us + SECOND_US))


def _cell(on: Ground, problem: Problem, bundle: logs.Some, entry: _Timed) -> Cell:
    """Return an entry's cell as it was at a moment of its clock."""
    elapsed_us, until_us = entry.clock.elapsed_us, entry.until_us
    attempts = [
        scoring.attempt(row, at_us, hidden=False)
        for row in bundle
        if (at_us := elapsed_us(row.submitted_at)) <= until_us
    ]
    cell = on.rules.format.cell(problem, ordered(attempts))
    if cell.solved and problem.id in entry.won:
        return cell.awarded(on.rules.format.bonus(problem))
    return cell


def _ranked(row: Mapping[str, Any], rank: int) -> Ranked:
    room, guild = row["room_id"], row["guild_id"]
    return Ranked(
        rank=rank,
        entry_id=UUID(row["entry_id"]),
        kind=EntryKind.VIRTUAL if row["virtual"] else EntryKind.OFFICIAL,
        name=row["name"],
        room_id=None if room is None else UUID(room),
        guild_id=None if guild is None else UUID(guild),
        lost=Decimal(row["exactly"]),
        penalty=row["penalty"],
        last=row["last"],
        kept={},
    )
