"""What of a board is on the desk while it is brought up to date.

Everything is read in one statement, changed by plain functions and written back in another: the
lock on the board is held for as long as all this takes, and round trips take most of it.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.models import EntryKind
from api.leaderboards import cells, scoring
from api.leaderboards.cells import Place, Rows
from api.leaderboards.scoring import Rules
from judge.scoring import Cell, Standing
from judge.scoring import EventProblem as Problem
from judge.scoring.guilds import Combining, Totals

# $1 event; $2 entries that are held; $3, $4 entry and problem of each cell that is made anew; $5
# how many members of a guild count, 0 for all. Numbers come as they are kept, times in UTC.
_FORM = """
WITH held AS MATERIALIZED (
    SELECT id, kind, room_id, guild_id FROM codebattle.event_entries
    WHERE event_id = $1 AND id {held}
), beside AS MATERIALIZED (
    -- The rows of others in the guilds of those.
    SELECT r.public, r.guild_id, r.entry_id, r.lost, r.penalty, r.last
    FROM (SELECT DISTINCT guild_id FROM held WHERE guild_id IS NOT NULL) AS g
    JOIN codebattle.board_rows AS r ON r.guild_id = g.guild_id
    WHERE r.event_id = $1 AND r.public IN (true, false) AND NOT r.entry_id {held}
)
SELECT json_build_object(
    'version', (SELECT xmin::text || ctid::text FROM codebattle.events WHERE id = $1),
    'number', (SELECT number FROM codebattle.board_heads WHERE event_id = $1),
    'held', (SELECT json_agg(h) FROM held AS h),
    'problems', (SELECT json_agg(p) FROM (
        SELECT problem_id, position, points, scoring, max_score, cpu_ms, memory_bytes
        FROM codebattle.event_code_problems WHERE event_id = $1 AND problem_id {problems}
    ) AS p),
    'cells', (SELECT json_agg(c) FROM codebattle.board_cells AS c
        WHERE event_id = $1 AND public IN (true, false) AND entry_id {held}),
    'log', (SELECT json_agg(l) FROM (
        SELECT DISTINCT ON (a.entry_id, a.problem_id, a.submission_id)
            a.entry_id, a.problem_id, a.submission_id, a.submitted_at, a.verdict, a.score,
            a.groups, a.cpu_us, a.memory_bytes
        FROM {targets} AS wanted (entry_id, problem_id)
        JOIN codebattle.event_attempts AS a USING (entry_id, problem_id)
        WHERE a.event_id = $1
        ORDER BY a.entry_id, a.problem_id, a.submission_id, a.id DESC
    ) AS l),
    -- On each problem: who solved it first among those that are not held, and who counts as first.
    'others', (SELECT json_agg(c)
        FROM (SELECT DISTINCT problem_id FROM {targets} AS t (entry_id, problem_id)) AS wanted
        CROSS JOIN (VALUES (true), (false)) AS side (public)
        CROSS JOIN LATERAL (
            (SELECT * FROM codebattle.board_cells
                WHERE event_id = $1 AND public = side.public AND problem_id = wanted.problem_id
                    AND solved_us IS NOT NULL AND NOT entry_id {held}
                ORDER BY solved_us, solved_submission LIMIT 1)
            UNION ALL
            (SELECT * FROM codebattle.board_cells
                WHERE event_id = $1 AND public = side.public AND problem_id = wanted.problem_id
                    AND first AND NOT entry_id {held})
        ) AS c),
    -- Of guilds' rows that are not held: together, or the best of them.
    'totals', (SELECT json_agg(t) FROM (
        SELECT public, guild_id, count(*) AS members, sum(lost) AS lost,
            sum(penalty) AS penalty, max(last) AS last
        FROM beside WHERE $5::int = 0 GROUP BY public, guild_id
    ) AS t),
    'best', (SELECT json_agg(b) FROM (
        SELECT *, row_number() OVER (
            PARTITION BY public, guild_id ORDER BY lost, penalty, last, entry_id
        ) AS place FROM beside WHERE $5::int > 0
    ) AS b WHERE place <= $5::int)
)::text
"""
# PostgreSQL keeps the plan of the first, which every judgement asks; with lists whose length it
# does not know it makes a plan each time.
_READ_ONE = _FORM.format(
    held="= $2::uuid", problems="= $4::uuid", targets="(VALUES ($3::uuid, $4::uuid))"
)
_READ_MANY = _FORM.format(
    held="= ANY($2::uuid[])",
    problems="= ANY($4::uuid[])",
    targets="unnest($3::uuid[], $4::uuid[])",
)

Target = tuple[UUID, UUID]
Side = tuple[bool, UUID]


class Logged(NamedTuple):
    """The last row of the log of a submission."""

    submission_id: str
    submitted_at: datetime
    verdict: str | None
    score: Decimal | int | None
    groups: Sequence[dict[str, Any]] | None
    cpu_us: int
    memory_bytes: int


@dataclass(slots=True, kw_only=True)
class Desk:
    """Cells of the held entries by side, entry and problem, and what else decides about them.

    `version` is that of the event's row and `number` that of the board, when it was read.
    `others` are cells of entries that are not held, `totals` and `best` rows of guilds without
    those that are held, `apart` the entries that are not on the official board.
    """

    rules: Rules
    version: str | None
    number: int
    problems: dict[UUID, Problem]
    entries: dict[UUID, Place]
    apart: set[UUID]
    log: dict[Target, list[Logged]]
    cells: dict[Side, dict[str, Cell]]
    others: dict[tuple[bool, str], dict[UUID, Cell]]
    totals: dict[Side, Totals]
    best: dict[Side, dict[UUID, Standing]]
    changed: set[tuple[bool, UUID, str]] = field(default_factory=set)

    def put(self, public: bool, who: UUID, problem: str, cell: Cell) -> None:  # noqa: FBT001
        """Put a cell in its place; what is the same changes nothing."""
        held = self.cells[public, who]
        if held.get(problem, Cell()) != cell:
            held[problem] = cell
            self.changed.add((public, who, problem))

    def make(self, who: UUID, task: UUID, *, revealed: bool = False) -> None:
        """Make an entry's cells of a problem anew, but for being first.

        A freeze hides nothing of one that is `revealed`.
        """
        log = self.log.get((who, task), ())
        frozen = None if revealed else self.rules.freeze_from
        hides = frozen is not None and any(each.submitted_at >= frozen for each in log)
        made = scoring.cell(self.rules, self.problems[task], log, public=False)
        for public in (False, True):
            if public and hides:
                made = scoring.cell(self.rules, self.problems[task], log, public=True)
            before = self.cells[public, who].get(str(task), Cell())
            # Being first is decided by comparing with everybody.
            cell = replace(made, first=before.first, bonus=before.bonus)
            self.put(public, who, str(task), cell)

    def award(self, problem: Problem) -> set[UUID]:
        """Find out who is first on a problem now, and take the bonus from whoever was.

        Returns whose cells change and are not held; theirs must be before anything is written.
        """
        bonus = self.rules.format.bonus(problem)
        strangers: set[UUID] = set()
        for public in (False, True):
            there = self.others.get((public, problem.id), {}) | {
                who: self.cells[public, who].get(problem.id, Cell()) for who in self.entries
            }
            for who, cell in _awarded(there, bonus).items():
                if who in self.entries:
                    self.put(public, who, problem.id, cell)
                else:
                    strangers.add(who)
        return strangers


async def read(
    session: AsyncSession, rules: Rules, targets: Sequence[Target], held: Collection[UUID]
) -> Desk:
    """Return what is needed to make these cells anew, and of the entries that are held.

    The event is locked, or nothing is to be trusted before it is. A target whose entry or problem
    is not there has nothing on the desk.
    """
    best = rules.best if rules.combining is Combining.BEST else 0
    asked: tuple[Any, ...] = [*held], [who for who, _ in targets], [task for _, task in targets]
    one = all(len(each) == 1 for each in asked)
    if one:
        asked = tuple(each[0] for each in asked)
    found = json.loads(
        await direct.look(session, _READ_ONE if one else _READ_MANY, rules.event_id, *asked, best),
        # Not a float on the way: a board made anew must be equal.
        parse_float=Decimal,
    )
    entries = list(_entries(rules.event_id, found["held"] or ()))
    official = {each.entry_id: each for kind, each in entries if kind == EntryKind.OFFICIAL}
    made = Desk(
        rules=rules,
        version=found["version"],
        number=found["number"] or 0,
        problems={
            UUID(each["problem_id"]): scoring.problem(SimpleNamespace(**each))
            for each in found["problems"] or ()
        },
        entries=official,
        apart={each.entry_id for kind, each in entries if kind != EntryKind.OFFICIAL},
        log=_log(found["log"] or ()),
        cells={(public, who): {} for who in official for public in (False, True)},
        others={},
        totals={_guild(each): cells.totals_of(each) for each in found["totals"] or ()},
        best={},
    )
    for each in found["cells"] or ():
        side = each["public"], UUID(each["entry_id"])
        if side in made.cells:
            made.cells[side][each["problem_id"]] = cells.cell_of(each)
    for each in found["others"] or ():
        there = made.others.setdefault((each["public"], each["problem_id"]), {})
        there[UUID(each["entry_id"])] = cells.cell_of(each)
    for each in found["best"] or ():
        theirs = made.best.setdefault(_guild(each), {})
        theirs[UUID(each["entry_id"])] = cells.standing_of(each)
    return made


def written(desk: Desk) -> Rows:
    """Return the cells that changed, and the rows and guilds that follow from them."""
    sides = dict.fromkeys((public, who) for public, who, _ in desk.changed)
    if not sides:
        return Rows()
    places = {side: replace(desk.entries[side[1]], public=side[0]) for side in sides}
    members: dict[Side, dict[UUID, Standing]] = {}
    standings: dict[Side, Standing] = {}
    for side, held in desk.cells.items():
        public, who = side
        standings[side] = desk.rules.format.standing(each for each in held.values() if each.touched)
        guild = desk.entries[who].guild_id
        if guild is not None:
            members.setdefault((public, guild), {})[who] = standings[side]
    moved = {(public, desk.entries[who].guild_id) for public, who in sides}
    return Rows(
        cells=[
            cells.cell_row(places[public, who], task, desk.cells[public, who][task])
            for public, who, task in desk.changed
        ],
        rows=[
            cells.board_row(place, standings[side], desk.cells[side])
            for side, place in places.items()
        ],
        guilds=[
            cells.guild_row(
                desk.rules.event_id, side[1], _together(desk, side, held), public=side[0]
            )
            for side, held in members.items()
            if side in moved
        ],
    )


def _together(desk: Desk, guild: Side, held: Mapping[UUID, Standing]) -> Standing:
    """Return a guild's standing, given those of its entries that are held."""
    if desk.rules.combining is Combining.BEST:
        return scoring.guild_standing(desk.rules, {**desk.best.get(guild, {}), **held})
    return desk.totals.get(guild, Totals()).plus(held.values()).standing(desk.rules.combining)


def _awarded(there: Mapping[UUID, Cell], bonus: Fraction) -> dict[UUID, Cell]:
    """Return the cells that change when whoever solved the problem first gets the bonus."""
    solved = [(cell.solved_at, who) for who, cell in there.items() if cell.solved_at is not None]
    winner = min(solved)[1] if solved else None
    should = {
        who: cell.awarded(bonus) if who == winner else replace(cell, first=False, bonus=Fraction(0))
        for who, cell in there.items()
    }
    return {who: cell for who, cell in should.items() if cell != there[who]}


def _entries(event_id: UUID, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Place]]:
    for each in rows:
        room, guild = each["room_id"], each["guild_id"]
        yield (
            each["kind"],
            Place(
                event_id=event_id,
                public=False,
                entry_id=UUID(each["id"]),
                room_id=None if room is None else UUID(room),
                guild_id=None if guild is None else UUID(guild),
            ),
        )


def _log(rows: Sequence[Mapping[str, Any]]) -> dict[Target, list[Logged]]:
    log: dict[Target, list[Logged]] = {}
    for each in rows:
        target = UUID(each["entry_id"]), UUID(each["problem_id"])
        values = {name: each[name] for name in Logged._fields}
        values["submitted_at"] = datetime.fromisoformat(each["submitted_at"])
        log.setdefault(target, []).append(Logged(**values))
    return log


def _guild(row: Mapping[str, Any]) -> Side:
    return row["public"], UUID(row["guild_id"])
