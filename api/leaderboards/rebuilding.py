"""A board made from the log alone: to prove the one that is kept, to repair it, to look back.

Everything here reads the whole log of an event, so it goes past the object mapper: plain rows
from the driver, a row of the log at a time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    ApartRow,
    BoardCell,
    BoardGuild,
    BoardMoment,
    BoardRow,
    BoardTally,
    EntryKind,
    Event,
    EventAttempt,
    EventEntry,
    UnshownAttempt,
)
from api.leaderboards import apart, cells, lines, moments, reveals, scoring, tallies, timelines
from api.leaderboards.cells import Place
from api.leaderboards.desk import Target
from api.leaderboards.scoring import Rules
from judge.scoring import Cell, Standing
from judge.scoring import EventProblem as Problem
from judge.scoring.ranking import first

# After so many rows of the log others have their turn: a request may look back as well.
LOG_AT_ONCE = 1000
DIFFERENCES_SHOWN = 20
_KEPT = (BoardCell, BoardRow, BoardTally, BoardGuild, ApartRow)
_LOG = text("""
SELECT DISTINCT ON (entry_id, problem_id, submission_id)
    entry_id, problem_id, submission_id, submitted_at, verdict, score, groups, cpu_us, memory_bytes
FROM codebattle.event_attempts
WHERE event_id = :event_id AND (cast(:until AS timestamptz) IS NULL OR at <= :until)
    -- What became known after an event was finalised changes rows that are apart alone.
    AND (cast(:log_end AS bigint) IS NULL OR id <= :log_end OR entry_id = ANY(:apart))
ORDER BY entry_id, problem_id, submission_id, id DESC
""")
Side = tuple[bool, UUID]


@dataclass(slots=True, kw_only=True)
class Made:
    """A whole board: cells by side and entry, standings of entries and guilds.

    `apart` are the entries that are not on it, `of_apart` their cells.
    """

    rules: Rules
    entries: Mapping[UUID, EventEntry]
    revealed: frozenset[Target] = reveals.NONE
    cells: dict[Side, dict[str, Cell]] = field(default_factory=dict)
    standings: dict[Side, Standing] = field(default_factory=dict)
    guilds: dict[Side, Standing] = field(default_factory=dict)
    apart: Mapping[UUID, EventEntry] = field(default_factory=dict)
    of_apart: dict[UUID, dict[str, Cell]] = field(default_factory=dict)

    def place(self, side: Side) -> Place:
        """Return where an entry's row belongs."""
        public, who = side
        entry = self.entries[who]
        return Place(
            event_id=self.rules.event_id,
            public=public,
            entry_id=who,
            room_id=entry.room_id,
            guild_id=entry.guild_id,
        )

    def cell_rows(self) -> Iterator[dict[str, Any]]:
        """Return the rows of all cells that were touched."""
        for side, held in self.cells.items():
            place = self.place(side)
            for task, cell in held.items():
                if cell.touched:
                    yield cells.cell_row(place, task, cell)

    def board_rows(self) -> Iterator[dict[str, Any]]:
        """Return the rows of all entries."""
        for side, standing in self.standings.items():
            yield cells.board_row(self.place(side), standing, self.cells[side])

    def tallies(self) -> Iterator[dict[str, Any]]:
        """Return how many entries each tally has."""
        counted = Counter(
            (side, tallies.place(-standing.score, standing.penalty))
            for (side, _), standing in self.standings.items()
        )
        for (public, (step, part)), entries in counted.items():
            yield {
                "event_id": self.rules.event_id,
                "public": public,
                "step": Decimal(step),
                "part": part,
                "entries": entries,
            }

    def guild_rows(self) -> Iterator[dict[str, Any]]:
        """Return the rows of all guilds."""
        for (public, guild), standing in self.guilds.items():
            yield cells.guild_row(self.rules.event_id, guild, standing, public=public)

    def firsts(self) -> dict[str, UUID]:
        """Return who counts as the first on each problem on the public side."""
        return {
            task: who
            for (public, who), held in self.cells.items()
            for task, cell in held.items()
            if public and cell.first
        }

    def apart_rows(self) -> Iterator[dict[str, Any]]:
        """Return the rows of all entries that are apart."""
        for who, entry in self.apart.items():
            yield apart.row(self.rules, entry, self.of_apart[who])


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What comparing a kept board with one made anew found; digests are of all that is in them.

    But for what is `waiting`: cells of which the log has more than the board shows at the moment.
    """

    kept: str
    made: str
    rows: int
    waiting: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Tell whether the boards are the same."""
        return self.kept == self.made


async def make(
    session: AsyncSession,
    event: Event,
    *,
    until: datetime | None = None,
    sides: Iterable[bool] = (False, True),
    frozen: bool = False,
    until_us: int | None = None,
) -> Made:
    """Make a board from what the log says, or said until an instant.

    A `frozen` one hides what the freeze hid even when it is over, but for what was revealed. With
    `until_us` it is made of what was handed in up to then of the event's own time, as it was judged
    in the end.
    """
    rules = scoring.rules(event, frozen=frozen)
    tasks = await scoring.problems(session, event.id)
    # A chunk at a time: who else is served here waits for no whole list of objects.
    entries = await session.stream_scalars(
        select(EventEntry).where(EventEntry.event_id == event.id),
        execution_options={"yield_per": LOG_AT_ONCE},
    )
    found: list[EventEntry] = []
    async for some in entries.partitions():
        found += some
        await asyncio.sleep(0)
    board = Made(
        rules=rules,
        revealed=await reveals.shown(session, event),
        entries={entry.id: entry for entry in found if entry.kind is EntryKind.OFFICIAL},
        apart={entry.id: entry for entry in found if entry.kind is not EntryKind.OFFICIAL},
    )
    board.of_apart = {who: {} for who in board.apart}
    wanted = tuple(sides)
    for public in wanted:
        for who in board.entries:
            board.cells[public, who] = {}
    bounds = {"until": until, "log_end": scoring.log_end(event), "apart": list(board.apart)}
    read = 0
    async for who, task, log in _log(session, event.id, bounds):
        read += len(log)
        if read >= LOG_AT_ONCE:
            # The driver has more than a chunk at hand, and does not pause between them.
            read = 0
            await asyncio.sleep(0)
        if who in board.entries and task in tasks:
            _fill(board, tasks[task], who, _until(rules, log, until_us), wanted)
        elif who in board.apart and task in tasks:
            board.of_apart[who][str(task)] = apart.cell(rules, tasks[task], board.apart[who], log)
    for public in wanted:
        await _finish(board, tasks.values(), public=public)
    return board


async def rebuild(session: AsyncSession, event: Event) -> Made:
    """Put a board made from the log in the place of the kept one; the event is locked.

    How entries stood at every moment is made anew afterwards (`api.leaderboards.timelines`).
    """
    # First, so that only what is read below is called shown: players go on handing in.
    await _mark_all_shown(session, event.id)
    board = await make(session, event)
    for model in _KEPT:
        await session.execute(
            delete(model)
            .where(model.event_id == event.id)
            .execution_options(synchronize_session=False)
        )
    for model, rows in (
        (BoardCell, board.cell_rows()),
        (BoardRow, board.board_rows()),
        (BoardTally, board.tallies()),
        (BoardGuild, board.guild_rows()),
        (ApartRow, board.apart_rows()),
    ):
        await cells.fill(session, model, rows)
    await timelines.again(session, event.id)
    return board


async def check(session: AsyncSession, event: Event) -> Proof:
    """Compare the kept board with one made from the log; nobody writes, or one moment is seen.

    Cells in which nothing happened, and tallies of nobody, may be kept or not.
    """
    waiting = await _waiting(session, event.id)
    board = await make(session, event)
    made = {lines.key(row): lines.line(row) for row in _all(board)}
    timed = await moments.whole(session, event.id)
    if timed:
        async for some in timelines.rows(session, event, board.firsts()):
            made |= {lines.key(row): lines.line(row) for row in some}
    kept: dict[str, str] = {}
    for model in (*_KEPT, BoardMoment):
        if model is BoardMoment and not timed:
            continue
        columns = list(model.__table__.columns)
        rows = await session.stream(select(*columns).where(model.event_id == event.id))
        async for row in rows:
            plain = dict(row._mapping)  # noqa: SLF001 - its public name for a row's mapping
            if model is BoardCell and not (plain["attempts"] or plain["pending"]):
                continue
            if model is BoardTally and not plain["entries"]:
                continue
            kept[lines.key(plain)] = lines.line(plain)
    for key in waiting:
        made.pop(key, None)
        kept.pop(key, None)
    differing = sorted(key for key in made.keys() | kept.keys() if made.get(key) != kept.get(key))
    return Proof(
        kept=lines.digest(kept),
        made=lines.digest(made),
        rows=len(kept),
        waiting=len(waiting),
        differences=tuple(
            f"{key}: kept {kept.get(key, 'nothing')}, made {made.get(key, 'nothing')}"
            for key in differing[:DIFFERENCES_SHOWN]
        ),
    )


async def last_moment(session: AsyncSession, event_id: UUID) -> datetime | None:
    """Return when something last became known."""
    return await session.scalar(
        select(EventAttempt.at)
        .where(EventAttempt.event_id == event_id)
        .order_by(EventAttempt.id.desc())
        .limit(1)
    )


async def _mark_all_shown(session: AsyncSession, event_id: UUID) -> None:
    """Say that the board shows the whole log: it was just made from it."""
    await session.execute(
        delete(UnshownAttempt)
        .where(UnshownAttempt.event_id == event_id)
        .execution_options(synchronize_session=False)
    )


async def _waiting(session: AsyncSession, event_id: UUID) -> set[str]:
    """Return which cells and rows a worker is about to bring up to date."""
    found = await session.execute(
        select(UnshownAttempt.entry_id, UnshownAttempt.problem_id, EventEntry.kind)
        .join(EventEntry, EventEntry.id == UnshownAttempt.entry_id)
        .where(UnshownAttempt.event_id == event_id)
    )
    keys: set[str] = set()
    for who, task, kind in found:
        if kind is not EntryKind.OFFICIAL:
            keys.add(f"{kind.value} row {who}")
            continue
        for side in ("public", "jury"):
            keys |= {f"{side} cell {who} {task}", f"{side} row {who}"}
    return keys


def _fill(board: Made, problem: Problem, who: UUID, log: list[Any], sides: Iterable[bool]) -> None:
    frozen = board.rules.freeze_from
    if board.revealed and (who, UUID(problem.id)) in board.revealed:
        frozen = None
    hides = frozen is not None and any(row.submitted_at >= frozen for row in log)
    made: dict[bool, Cell] = {}
    for public in sides:
        # The same cell serves both sides unless the freeze hides something of it.
        other = made.get(not public)
        cell = other if other is not None and not hides else None
        made[public] = cell or scoring.cell(board.rules, problem, log, public=public and hides)
        board.cells[public, who][problem.id] = made[public]


async def _finish(board: Made, problems: Iterable[Problem], *, public: bool) -> None:
    """Find who was first on each problem, then add up rows and guilds."""
    mine = {who: held for (side, who), held in board.cells.items() if side is public}
    for problem in problems:
        best = first(
            {str(who): held[problem.id] for who, held in mine.items() if problem.id in held}
        )
        if best is not None:
            held = mine[UUID(best.participant)]
            held[problem.id] = held[problem.id].awarded(board.rules.format.bonus(problem))
        await asyncio.sleep(0)
    members: dict[UUID, dict[UUID, Standing]] = {}
    for number, (who, held) in enumerate(mine.items()):
        if number % LOG_AT_ONCE == 0:
            await asyncio.sleep(0)
        standing = board.rules.format.standing(cell for cell in held.values() if cell.touched)
        board.standings[public, who] = standing
        guild = board.entries[who].guild_id
        if guild is not None:
            members.setdefault(guild, {})[who] = standing
    for guild, theirs in members.items():
        board.guilds[public, guild] = scoring.guild_standing(board.rules, theirs)


def _until(rules: Rules, log: list[Any], until_us: int | None) -> list[Any]:
    """Return what was handed in up to a moment of the event's own time."""
    if until_us is None:
        return log
    return [row for row in log if rules.elapsed_us(row.submitted_at, None) <= until_us]


async def _log(
    session: AsyncSession, event_id: UUID, bounds: Mapping[str, Any]
) -> AsyncIterator[tuple[UUID, UUID, list[Any]]]:
    """Return the last row of each submission, in bundles by entry and problem."""
    rows = await session.stream(
        _LOG, {"event_id": event_id, **bounds}, execution_options={"yield_per": LOG_AT_ONCE}
    )
    key: tuple[UUID, UUID] | None = None
    bundle: list[Any] = []
    async for chunk in rows.partitions():
        for their, group in groupby(chunk, key=lambda row: (row.entry_id, row.problem_id)):
            if their != key:
                if key is not None:
                    yield *key, bundle
                key, bundle = their, []
            bundle.extend(group)
    if key is not None:
        yield *key, bundle


def _all(board: Made) -> Iterator[dict[str, Any]]:
    yield from board.cell_rows()
    yield from board.board_rows()
    yield from board.tallies()
    yield from board.guild_rows()
    yield from board.apart_rows()
