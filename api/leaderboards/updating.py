"""Bringing a board up to date: what became known of attempts, in the transaction that says so.

Rows of the log, a cell for each entry and problem they speak of, who was first on those problems,
rows and guilds. One writer at a time has an event's board, by the lock on the event's row;
whoever changes the event itself (a freeze, a thaw) takes the same lock. A submission only leaves
its row in the log, without a lock; `catch_up` shows it as pending a moment later.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event, EventAttempt
from api.leaderboards import apart, cells, scoring
from api.leaderboards.cells import Place
from api.leaderboards.scoring import Rules
from judge.scoring import Cell, Standing
from judge.scoring import EventProblem as Problem
from judge.scoring.guilds import Combining, Totals
from judge.verdicts import Verdict

CATCH_UP_MAX = 1000
# Statements are made once: making one costs more than asking it. This one is for the connection,
# since the object mapper has nothing to add to a row of the log.
_NOTE = insert(EventAttempt)
_LOCKED = (
    select(Event)
    .where(Event.id == bindparam("locked"))
    # Others may still refer to it: the log's rows do, and wait for nobody.
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_LOG = text("""
SELECT DISTINCT ON (a.entry_id, a.problem_id, a.submission_id)
    a.entry_id, a.problem_id, a.submission_id, a.submitted_at, a.verdict, a.score, a.groups,
    a.cpu_us, a.memory_bytes
FROM unnest(cast(:entries AS uuid[]), cast(:problems AS uuid[])) AS wanted (entry_id, problem_id)
JOIN codebattle.event_attempts AS a USING (entry_id, problem_id)
WHERE a.event_id = :event_id
ORDER BY a.entry_id, a.problem_id, a.submission_id, a.id DESC
""")
_ENTRIES = text("""
SELECT id, room_id, guild_id FROM codebattle.event_entries
WHERE event_id = :event_id AND id = ANY(:wanted) AND kind = 'official'
""")
_CELLS = text("""
SELECT * FROM codebattle.board_cells
WHERE event_id = :event_id AND public IN (true, false) AND entry_id = ANY(:entries)
""")
# On each problem: who solved it first among those we do not hold, and who counts as first.
_FIRSTS = text("""
SELECT c.* FROM unnest(cast(:problems AS uuid[])) AS wanted (problem_id)
CROSS JOIN (VALUES (true), (false)) AS side (public)
CROSS JOIN LATERAL (
    (SELECT * FROM codebattle.board_cells
        WHERE event_id = :event_id AND public = side.public AND problem_id = wanted.problem_id
            AND solved_us IS NOT NULL AND NOT entry_id = ANY(:entries)
        ORDER BY solved_us, solved_submission LIMIT 1)
    UNION ALL
    (SELECT * FROM codebattle.board_cells
        WHERE event_id = :event_id AND public = side.public AND problem_id = wanted.problem_id
            AND first AND NOT entry_id = ANY(:entries))
) AS c
""")
# Of guilds' rows that we do not hold: together, and the best of them.
_TOTALS = text("""
SELECT public, guild_id, count(*) AS members, sum(lost) AS lost,
    sum(penalty)::bigint AS penalty, max(last) AS last
FROM codebattle.board_rows
WHERE event_id = :event_id AND public IN (true, false) AND guild_id = ANY(:guilds)
    AND (public, entry_id) NOT IN (
        SELECT * FROM unnest(cast(:sides AS boolean[]), cast(:entries AS uuid[]))
    )
GROUP BY public, guild_id
""")
_BEST = text("""
SELECT public, guild_id, entry_id, lost, penalty, last FROM (
    SELECT *, row_number() OVER (
        PARTITION BY public, guild_id ORDER BY lost, penalty, last, entry_id
    ) AS place FROM codebattle.board_rows
    WHERE event_id = :event_id AND public IN (true, false) AND guild_id = ANY(:guilds)
        AND (public, entry_id) NOT IN (
            SELECT * FROM unnest(cast(:sides AS boolean[]), cast(:entries AS uuid[]))
        )
) AS others WHERE place <= :best
""")
_UNSHOWN = text("""
UPDATE codebattle.event_attempts SET shown = true WHERE id IN (
    SELECT id FROM codebattle.event_attempts
    WHERE event_id = :event_id AND NOT shown ORDER BY id LIMIT :most
) RETURNING entry_id, problem_id
""")

Target = tuple[UUID, UUID]
Side = tuple[bool, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What became known of a submission; verdict None is that it was made."""

    event_id: UUID
    entry_id: UUID
    problem_id: UUID
    submission_id: UUID
    submitted_at: datetime
    judging_id: UUID | None = None
    verdict: Verdict | None = None
    score: Fraction | None = None
    groups: Sequence[dict[str, Any]] | None = None
    cpu_us: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Whose cells changed on the board that everybody sees, and on the jury's."""

    event_id: UUID
    public: tuple[Target, ...] = ()
    jury: tuple[Target, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What of a board is on the desk: cells by side, entry and problem, and what changed."""

    event_id: UUID
    entries: dict[UUID, Any]
    cells: dict[Side, dict[str, Cell]] = field(default_factory=dict)
    changed: set[tuple[bool, UUID, str]] = field(default_factory=set)

    def put(self, public: bool, who: UUID, problem: str, cell: Cell) -> None:  # noqa: FBT001
        held = self.cells[public, who]
        if held.get(problem, Cell()) != cell:
            held[problem] = cell
            self.changed.add((public, who, problem))

    def place(self, side: Side) -> Place:
        public, who = side
        entry = self.entries[who]
        return Place(
            event_id=self.event_id,
            public=public,
            entry_id=who,
            room_id=entry.room_id,
            guild_id=entry.guild_id,
        )


async def note(session: AsyncSession, known: Known, *, shown: bool = False) -> None:
    """Add to the log and nothing else; the caller commits."""
    await (await session.connection()).execute(
        _NOTE,
        {
            "event_id": known.event_id,
            "entry_id": known.entry_id,
            "problem_id": known.problem_id,
            "submission_id": known.submission_id,
            "judging_id": known.judging_id,
            "submitted_at": known.submitted_at,
            "verdict": known.verdict,
            "score": None if known.score is None else scoring.decimal(known.score),
            "groups": known.groups,
            "cpu_us": known.cpu_us,
            "memory_bytes": known.memory_bytes,
            "shown": shown,
        },
    )


async def record(session: AsyncSession, known: Known) -> Changed:
    """Add to the log and bring the board up to date; the caller commits.

    Raises `LookupError` when there is no such event.
    """
    return await add(session, await locked(session, known.event_id), known)


async def add(session: AsyncSession, event: Event, known: Known) -> Changed:
    """Do the same for an event that is locked already."""
    await note(session, known, shown=True)
    return await refresh(session, event, {(known.entry_id, known.problem_id)})


async def catch_up(session: AsyncSession, event_id: UUID) -> Changed:
    """Bring onto the board what is in the log alone; the caller commits."""
    event = await locked(session, event_id)
    rows = await session.execute(_UNSHOWN, {"event_id": event_id, "most": CATCH_UP_MAX})
    targets = {(row.entry_id, row.problem_id) for row in rows}
    return await refresh(session, event, targets)


async def behind(session: AsyncSession) -> Sequence[UUID]:
    """Return the events whose log has something that the board does not show."""
    found = await session.execute(
        select(EventAttempt.event_id).where(~EventAttempt.shown).distinct()
    )
    return found.scalars().all()


async def locked(session: AsyncSession, event_id: UUID) -> Event:
    """Return an event whose board is ours until the transaction ends."""
    event = (await session.execute(_LOCKED, {"locked": event_id})).scalar_one_or_none()
    if event is None:
        raise LookupError(f"there is no event {event_id}")
    return event


async def refresh(session: AsyncSession, event: Event, targets: Collection[Target]) -> Changed:
    """Make the cells of some entries and problems anew, and what follows from them.

    The event is locked. Entries apart from the official board change nothing on it; targets that
    are on no board are left out.
    """
    rules = scoring.rules(event)
    problems = await scoring.problems(session, event.id, only={task for _, task in targets})
    wanted = {who for who, _ in targets}
    entries = await _entries(session, event.id, wanted)
    # Boards that were written down stay so, whatever becomes known later.
    closed = scoring.log_end(event) is not None
    await apart.refresh(session, rules, wanted - entries.keys())
    kept = [(who, task) for who, task in targets if who in entries and task in problems]
    if closed or not kept:
        return Changed(event_id=event.id)
    desk = _Desk(event_id=event.id, entries=entries)
    await _load(session, desk, {who for who, _ in kept})
    log = await _log(session, event.id, kept)
    for who, task in kept:
        for public in (False, True):
            made = scoring.cell(rules, problems[task], log.get((who, task), ()), public=public)
            before = desk.cells[public, who].get(str(task), Cell())
            # Being first is decided below, by comparing with everybody.
            desk.put(public, who, str(task), replace(made, first=before.first, bonus=before.bonus))
    await _award(session, rules, [problems[task] for task in {task for _, task in kept}], desk)
    await _store(session, rules, desk)
    return Changed(
        event_id=event.id,
        public=tuple((who, UUID(task)) for public, who, task in desk.changed if public),
        jury=tuple((who, UUID(task)) for public, who, task in desk.changed if not public),
    )


async def _entries(
    session: AsyncSession, event_id: UUID, wanted: Collection[UUID]
) -> dict[UUID, Any]:
    found = await session.execute(_ENTRIES, {"event_id": event_id, "wanted": list(wanted)})
    return {entry.id: entry for entry in found}


async def _load(session: AsyncSession, desk: _Desk, wanted: Collection[UUID]) -> None:
    for who in wanted:
        desk.cells[False, who] = {}
        desk.cells[True, who] = {}
    found = await session.execute(_CELLS, {"event_id": desk.event_id, "entries": list(wanted)})
    for row in found:
        desk.cells[row.public, row.entry_id][str(row.problem_id)] = cells.cell_of(row)


async def _log(
    session: AsyncSession, event_id: UUID, targets: Sequence[Target]
) -> dict[Target, list[Any]]:
    rows = await session.execute(
        _LOG,
        {
            "event_id": event_id,
            "entries": [who for who, _ in targets],
            "problems": [task for _, task in targets],
        },
    )
    log: dict[Target, list[Any]] = {}
    for row in rows:
        log.setdefault((row.entry_id, row.problem_id), []).append(row)
    return log


async def _award(
    session: AsyncSession, rules: Rules, problems: Sequence[Problem], desk: _Desk
) -> None:
    """Find out who is first now, and take the bonus from whoever was."""
    held = [who for public, who in desk.cells if public]
    others = (
        await session.execute(
            _FIRSTS,
            {
                "event_id": desk.event_id,
                "problems": [UUID(problem.id) for problem in problems],
                "entries": held,
            },
        )
    ).all()
    strangers: dict[tuple[bool, str], dict[UUID, Cell]] = {}
    for row in others:
        side = strangers.setdefault((row.public, str(row.problem_id)), {})
        side[row.entry_id] = cells.cell_of(row)
    changes: list[tuple[bool, UUID, str, Cell]] = []
    for problem in problems:
        for public in (False, True):
            there = strangers.get((public, problem.id), {}) | {
                who: desk.cells[public, who].get(problem.id, Cell()) for who in held
            }
            bonus = rules.format.bonus(problem)
            changes += [
                (public, who, problem.id, cell) for who, cell in _awarded(there, bonus).items()
            ]
    strange = {who for _, who, _, _ in changes} - set(held)
    if strange:
        desk.entries |= await _entries(session, desk.event_id, strange)
        await _load(session, desk, strange)
    for change in changes:
        desk.put(*change)


def _awarded(there: dict[UUID, Cell], bonus: Fraction) -> dict[UUID, Cell]:
    """Return the cells that change when whoever solved the problem first gets the bonus."""
    solved = [(cell.solved_at, who) for who, cell in there.items() if cell.solved_at is not None]
    winner = min(solved)[1] if solved else None
    should = {
        who: cell.awarded(bonus) if who == winner else replace(cell, first=False, bonus=Fraction(0))
        for who, cell in there.items()
    }
    return {who: cell for who, cell in should.items() if cell != there[who]}


async def _store(session: AsyncSession, rules: Rules, desk: _Desk) -> None:
    sides = dict.fromkeys((public, who) for public, who, _ in desk.changed)
    if not sides:
        return
    standings = {
        side: rules.format.standing(cell for cell in desk.cells[side].values() if cell.touched)
        for side in sides
    }
    await cells.store(
        session,
        cells=[
            cells.cell_row(desk.place((public, who)), task, desk.cells[public, who][task])
            for public, who, task in desk.changed
        ],
        rows=[
            cells.board_row(desk.place(side), standing, desk.cells[side])
            for side, standing in standings.items()
        ],
        guilds=await _guilds(session, rules, desk, standings),
    )


async def _guilds(
    session: AsyncSession, rules: Rules, desk: _Desk, standings: dict[Side, Standing]
) -> list[dict[str, Any]]:
    """Return the rows of guilds whose members' rows change."""
    members: dict[Side, dict[UUID, Standing]] = {}
    for (public, who), standing in standings.items():
        guild = desk.entries[who].guild_id
        if guild is not None:
            members.setdefault((public, guild), {})[who] = standing
    if not members:
        return []
    others = {
        "event_id": desk.event_id,
        "guilds": list({guild for _, guild in members}),
        "sides": [public for public, _ in standings],
        "entries": [who for _, who in standings],
    }
    together: dict[Side, Standing] = {}
    if rules.combining is Combining.BEST:
        for row in await session.execute(_BEST, others | {"best": rules.best}):
            if (row.public, row.guild_id) in members:
                members[row.public, row.guild_id][row.entry_id] = cells.standing_of(row)
        together = {side: scoring.guild_standing(rules, theirs) for side, theirs in members.items()}
    else:
        found = await session.execute(_TOTALS, others)
        totals = {(row.public, row.guild_id): cells.totals_of(row) for row in found}
        for side, theirs in members.items():
            totalled = totals.get(side, Totals()).plus(theirs.values())
            together[side] = totalled.standing(rules.combining)
    return [
        cells.guild_row(desk.event_id, guild, made, public=public)
        for (public, guild), made in together.items()
    ]


async def close(session: AsyncSession, event: Event) -> None:
    """Let the boards of an event stay as they are from now on; it is locked."""
    end = select(func.max(EventAttempt.id)).where(EventAttempt.event_id == event.id)
    event.extra = {**event.extra, "log_end": await session.scalar(end) or 0}
