"""Reading a virtual board of a moment, whatever its size: a page, a row, or the guilds.

Official rows are as they stood then, virtual ones as at the same moment of their own clocks.
Ranks are the official ones; a virtual row has the rank it would have had, and comes after the
official rows it equals. Standings come from `board_moments`, the cells of a page from the log of
its entries.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.models import EntryKind, Event, EventEntry, EventProblem
from api.leaderboards import apart, cells, moments, queries, scoring, timelines
from api.leaderboards.queries import Among, First, Ranked
from api.leaderboards.scoring import Rules
from judge.scoring import EventProblem as Problem
from judge.scoring import Standing
from judge.scoring.guilds import Combining

SECOND_US = 1_000_000
# $1 event; $2, $3 official and virtual time; $4 room and $5 guild, null for all.
_NOW = """
WITH now AS MATERIALIZED (
    SELECT m.entry_id, m.virtual, m.lost, m.penalty, m.last
    FROM codebattle.board_moments AS m
    WHERE m.event_id = $1::uuid AND (
        NOT m.virtual AND m.since_us <= $2::bigint AND m.until_us > $2::bigint
        OR m.virtual AND m.since_us <= $3::bigint AND m.until_us > $3::bigint
    ) {among}
)"""
_AMONG = """AND m.entry_id IN (
    SELECT id FROM codebattle.event_entries WHERE event_id = $1::uuid
        AND ($4::uuid IS NULL OR room_id = $4::uuid)
        AND ($5::uuid IS NULL OR guild_id = $5::uuid)
)"""
# Without a room or a guild nobody's entry is looked up for it.
_ALL = "AND $4::uuid IS NULL AND $5::uuid IS NULL"
_ORDER = "lost, penalty, last, virtual, entry_id"
# $6 after which entry, null for none; $7 how many.
_PAGE = f"""{{now}}, page AS (
    SELECT * FROM now WHERE $6::uuid IS NULL OR ({_ORDER}) > (
        SELECT {_ORDER} FROM now WHERE entry_id = $6::uuid
    ) ORDER BY {_ORDER} LIMIT $7::bigint
), top AS (SELECT * FROM page ORDER BY {_ORDER} LIMIT 1)
SELECT json_build_object(
    'entries', (SELECT count(*) FROM now),
    'before', (
        SELECT json_build_array(
            count(*) FILTER (
                WHERE (n.lost, n.penalty, n.last) < (t.lost, t.penalty, t.last)
            ), count(*)
        ) FROM now AS n CROSS JOIN top AS t WHERE NOT n.virtual
            AND (n.lost, n.penalty, n.last, n.entry_id) < (t.lost, t.penalty, t.last, CASE
                WHEN t.virtual THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' ELSE t.entry_id END)
    ),
    'rows', (SELECT json_agg(r) FROM (
        SELECT p.*, p.lost::text AS exactly, e.name, e.room_id, e.guild_id, e.starts_at
        FROM page AS p JOIN codebattle.event_entries AS e ON e.id = p.entry_id
        ORDER BY p.lost, p.penalty, p.last, p.virtual, p.entry_id
    ) AS r)
)::text
"""  # noqa: S608 - of our own parts
_COUNT = "{now} SELECT count(*)::text FROM now"
# $6 the entry.
_ONE = """{now}
SELECT json_build_array(own, (
    SELECT count(*) FROM now AS n WHERE NOT n.virtual
        AND (n.lost, n.penalty, n.last) < (own.lost, own.penalty, own.last)
))::text FROM (
    SELECT m.*, m.lost::text AS exactly, e.name, e.room_id, e.guild_id, e.starts_at
    FROM now AS m JOIN codebattle.event_entries AS e ON e.id = m.entry_id
    WHERE m.entry_id = $6::uuid
) AS own
"""
# $6 how many members of a guild count, 0 for all.
_GUILDS = """{now}, members AS (
    SELECT e.guild_id, n.*, row_number() OVER (
        PARTITION BY e.guild_id, n.virtual ORDER BY n.lost, n.penalty, n.last, n.entry_id
    ) AS place
    FROM now AS n JOIN codebattle.event_entries AS e ON e.id = n.entry_id
    WHERE e.guild_id IS NOT NULL
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
    """What every moment of an event has in common; `firsts` who solved what first in the end."""

    event: Event
    rules: Rules
    tasks: Sequence[EventProblem]
    problems: Mapping[UUID, Problem]
    firsts: Mapping[UUID, First]

    @property
    def all(self) -> Among:
        """Return that all rows are meant."""
        return Among(event_id=self.event.id, public=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows in order, and how many there are of which these are some."""

    rows: Sequence[Ranked]
    entries: int


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
    return Ground(
        event=event,
        rules=scoring.rules(event),
        tasks=tasks,
        problems={task.problem_id: scoring.problem(task) for task in tasks},
        firsts=await queries.firsts(session, among, [task.problem_id for task in tasks]),
    )


async def page(
    session: AsyncSession,
    on: Ground,
    among: Among,
    then: Then,
    *,
    limit: int,
    after: UUID | None = None,
) -> Page:
    """Return rows in order, after some entry's."""
    found = await _asked(session, _PAGE, among, then, after, limit)
    ahead, before = found["before"]
    ranked: list[Ranked] = []
    for each in found["rows"] or ():
        row = _ranked(each, before + 1)
        if not ranked:
            row = _ranked(each, ahead + 1)
        elif row.key == ranked[-1].key:
            row = _ranked(each, ranked[-1].rank)
        before += row.kind is EntryKind.OFFICIAL
        ranked.append(row)
    rows = await _filled(session, on, ranked, found["rows"] or (), then)
    return Page(rows=rows, entries=found["entries"])


async def one(
    session: AsyncSession, on: Ground, among: Among, then: Then, entry_id: UUID
) -> Sequence[Ranked]:
    """Return one entry with its rank, if it is among those that are meant."""
    found = await _asked(session, _ONE, among, then, entry_id)
    if found is None:
        return []
    own, ahead = found
    return await _filled(session, on, [_ranked(own, ahead + 1)], [own], then)


async def count(session: AsyncSession, among: Among, then: Then) -> int:
    """Return how many rows there are."""
    return int(await _asked(session, _COUNT, among, then))


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
    now = _NOW.format(among=_AMONG if among.filters else _ALL)
    found = await direct.ask(
        session,
        form.replace("{now}", now),
        among.event_id,
        then.official_us,
        then.virtual_us,
        among.room_id,
        among.guild_id,
        *more,
    )
    return None if found is None else from_json(found)


async def _filled(
    session: AsyncSession,
    on: Ground,
    ranked: Sequence[Ranked],
    found: Sequence[Mapping[str, Any]],
    then: Then,
) -> Sequence[Ranked]:
    """Return rows with their cells."""
    entries = {row.entry_id: _entry(row, each) for row, each in zip(ranked, found, strict=True)}
    log = await timelines.read(session, on.event, entries)

    def filled() -> Sequence[Ranked]:
        made: dict[UUID, dict[str, cells.Shown]] = {who: {} for who in entries}
        for (who, task), bundle in log.items():
            if task not in on.problems:
                continue
            entry, problem = entries[who], on.problems[task]
            cell = apart.cell(on.rules, problem, entry, bundle, until_us=then.of(entry.kind))
            if cell.solved and task in on.firsts and on.firsts[task].entry_id == who:
                cell = cell.awarded(on.rules.format.bonus(problem))
            if cell.touched:
                made[who][problem.id] = cells.shown(cell)
        return [replace(row, cells=made[row.entry_id]) for row in ranked]

    # Somebody may have tried very often.
    return await asyncio.to_thread(filled)


def _entry(row: Ranked, found: Mapping[str, Any]) -> EventEntry:
    """Return what scoring needs of a row's entry."""
    starts_at = found["starts_at"]
    return EventEntry(
        id=row.entry_id,
        kind=row.kind,
        starts_at=None if starts_at is None else datetime.fromisoformat(starts_at),
    )


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
        cells={},
    )
