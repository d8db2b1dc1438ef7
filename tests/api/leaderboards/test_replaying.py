"""Whatever is done after an event, in whatever order: rows apart are what the format defines.

As `test_interleavings` does for the official board: the definition is asked directly, about a
model that knows nothing of tables. A replayed board is the definition of what had been handed in
up to its moment, and a rebuild is equal to what was kept all along.
"""

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import EntryKind, EventEntry, EventState
from api.leaderboards import apart, instants, momentary, rebuilding, timelines, updating
from api.leaderboards.apart import Which
from api.leaderboards.momentary import Then
from api.leaderboards.queries import Among, Ranked
from api.leaderboards.updating import Known
from api.wiring import Parts
from judge.scoring import Attempt, Cell, make, ordered
from judge.scoring import EventProblem as Problem
from judge.scoring.ranking import board
from judge.verdicts import Verdict

from .conftest import LIMITS, START, Ground, Grounds
from .test_interleavings import FORMATS, VERDICTS, _attempt, _shown

ENTRIES, PROBLEMS, EXAMPLES, HOURS = 3, 2, 6, 5
# A pause of the event, which no virtual clock has.
PAUSE = (START + timedelta(minutes=40), START + timedelta(minutes=55))
LATER = START + timedelta(days=9)
pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Model:
    """What was handed in, by official entries and by others, and what is known of it."""

    made: Ground
    entries: dict[UUID, EventEntry]
    handed_in: list[Known] = field(default_factory=list)
    known: dict[UUID, Known] = field(default_factory=dict)

    @property
    def tasks(self) -> list[Problem]:
        return [
            Problem(
                id=str(task),
                order=number,
                points=Fraction(100),
                scoring=number == PROBLEMS - 1,
                max_score=Fraction(10) if number == PROBLEMS - 1 else None,
                cpu_limit_us=LIMITS["cpu_ms"] * 1000,
                memory_limit_bytes=LIMITS["memory_bytes"],
            )
            for number, task in enumerate(self.made.problems)
        ]

    def elapsed_us(self, who: UUID, moment: datetime) -> int:
        entry = self.entries.get(who)
        if entry is not None and entry.kind is EntryKind.VIRTUAL:
            assert entry.starts_at is not None
            return (moment - entry.starts_at) // timedelta(microseconds=1)
        paused = max(timedelta(), min(PAUSE[1], moment) - PAUSE[0])
        return (moment - START - paused) // timedelta(microseconds=1)

    def attempts(self, who: UUID, task: str, until_us: int | None = None) -> list[Attempt]:
        found = [
            _attempt(self.known[each.submission_id], self.elapsed_us(who, each.submitted_at))
            for each in self.handed_in
            if each.entry_id == who and str(each.problem_id) == task
        ]
        return [each for each in found if until_us is None or each.at_us <= until_us]

    def row(self, form: str, entry: EventEntry, until_us: int | None = None) -> Any:
        """Return the cells that are shown and what ranks an entry apart."""
        practises = entry.kind is EntryKind.PRACTICE
        rules = make("practice", {}) if practises else make(form, FORMATS[form])
        cells: dict[str, Cell] = {}
        for task in self.tasks:
            cell = rules.cell(task, ordered(self.attempts(entry.id, task.id, until_us)))
            if cell.touched:
                cells[task.id] = cell
        return {task: _shown(cell) for task, cell in cells.items()}, rules.standing(cells.values())


@given(seed=st.integers(0, 2**63))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("form", FORMATS)
async def test_any_interleaving_afterwards_gives_what_the_format_defines(
    parts: Parts, ground: Grounds, monkeypatch: pytest.MonkeyPatch, form: str, seed: int
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(timelines, "ENTRIES_AT_ONCE", chance.randrange(1, 4))
    made = await ground(
        entries=ENTRIES,
        problems=PROBLEMS,
        format=form,
        options=FORMATS[form],
        state=EventState.FINISHED,
        started_at=START,
        removed=[{"start": PAUSE[0].isoformat(), "end": PAUSE[1].isoformat()}],
    )
    model = Model(made, await _begun(parts, made, chance))
    for _ in range(chance.randrange(30, 80)):
        await _happen(parts, model, chance)
    for lasts in (2, 2, 100):
        await _written(parts, made, lasts)
        if lasts < 100:
            for _ in range(chance.randrange(15)):
                await _happen(parts, model, chance)
    await _compare(parts, model, form)
    for _ in range(chance.randrange(40)):
        await _happen(parts, model, chance)
    await _compare(parts, model, form)
    for _ in range(3):
        await _compare_replayed(parts, model, form, chance.randrange(HOURS * 3600))


async def _written(parts: Parts, made: Ground, lasts: int) -> None:
    """Write moments down in a process that is killed after so many steps."""
    step = itertools.count(1)

    def until_killed() -> AsyncSession:
        if next(step) > lasts:
            raise ConnectionResetError
        return parts.sessions()

    with suppress(ConnectionResetError):
        await timelines.ensure(cast("Any", until_killed), made.event_id)


async def _begun(parts: Parts, made: Ground, chance: Random) -> dict[UUID, EventEntry]:
    kinds = [EntryKind.VIRTUAL, EntryKind.VIRTUAL, EntryKind.PRACTICE]
    entries = [
        EventEntry(
            id=new_id(),
            event_id=made.event_id,
            kind=kind,
            name=f"Later {number}",
            starts_at=LATER + timedelta(minutes=chance.randrange(600))
            if kind is EntryKind.VIRTUAL
            else None,
        )
        for number, kind in enumerate(kinds)
    ]
    async with parts.sessions() as session:
        session.add_all(entries)
        await session.flush()
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    return {entry.id: entry for entry in entries}


async def _happen(parts: Parts, model: Model, chance: Random) -> None:
    """Hand something in, judge something, perhaps again, or catch up; or fail at the end of it."""
    crashes = chance.random() < 0.15
    learned: Known | None = None
    new = not model.handed_in or chance.random() < 0.5
    async with parts.sessions() as session:
        if chance.random() < 0.1:
            await updating.catch_up(session, model.made.event_id)
        elif new:
            learned = _new(model, chance)
            await updating.note(session, learned)
        else:
            learned = _judged(model, chance)
            await updating.record(session, learned)
        if crashes:
            await session.rollback()
            return
        await session.commit()
    if learned is not None:
        if learned.submission_id not in model.known:
            model.handed_in.append(learned)
        model.known[learned.submission_id] = learned


def _new(model: Model, chance: Random) -> Known:
    who = chance.choice([*model.made.entries, *model.entries])
    entry = model.entries.get(who)
    start = START if entry is None else entry.starts_at or LATER
    return Known(
        event_id=model.made.event_id,
        entry_id=who,
        problem_id=chance.choice(model.made.problems),
        submission_id=new_id(),
        submitted_at=start + timedelta(seconds=chance.randrange(HOURS * 3600)),
    )


def _judged(model: Model, chance: Random) -> Known:
    of = chance.choice(model.handed_in)
    verdict = chance.choice(VERDICTS)
    score = 10 if verdict is Verdict.AC else chance.randrange(11)
    groups = [
        {"name": "one", "score": str(min(score, 4))},
        {"name": "two", "score": str(max(score - 4, 0))},
    ]
    return Known(
        event_id=of.event_id,
        entry_id=of.entry_id,
        problem_id=of.problem_id,
        submission_id=of.submission_id,
        submitted_at=of.submitted_at,
        judging_id=new_id(),
        verdict=verdict,
        score=Fraction(score),
        groups=groups,
        cpu_us=chance.randrange(50_000),
    )


async def _compare(parts: Parts, model: Model, form: str) -> None:
    """Compare what is kept with the definition, and with a rebuild."""
    async with parts.sessions() as session:
        await updating.catch_up(session, model.made.event_id)
        await session.commit()
        event = await updating.locked(session, model.made.event_id)
        proof = await rebuilding.check(session, event)
        kept: dict[UUID, Ranked] = {}
        for kind in (EntryKind.VIRTUAL, EntryKind.PRACTICE):
            found = await apart.page(session, Which(event_id=event.id, kind=kind), limit=10)
            kept |= {row.entry_id: row for row in found}
    assert proof.differences == ()
    assert kept.keys() == model.entries.keys()
    for who, entry in model.entries.items():
        _same(kept[who], *model.row(form, entry))


async def _compare_replayed(parts: Parts, model: Model, form: str, elapsed_s: int) -> None:
    us = elapsed_s * 1_000_000
    then = Then(elapsed_s=elapsed_s)
    async with parts.sessions() as session:
        event = await updating.locked(session, model.made.event_id)
        replayed = await instants.board(session, event, public=True, until_us=us)
        among = Among(event_id=event.id, public=True)
        on = await momentary.ground(session, event)
        rows = list(await momentary.page(session, on, among, then, limit=50))
        assert await momentary.count(session, among) == len(rows)
        paged: list[Ranked] = []
        while len(paged) < len(rows):
            after = paged[-1].entry_id if paged else None
            some = await momentary.page(session, on, among, then, limit=2, after=after)
            assert some
            paged += some
        alone = [await momentary.one(session, on, among, then, row.entry_id) for row in rows]
    firsts = {task: each for task, each in on.firsts.items() if each.solved_us <= us}
    assert paged == rows
    assert [each for own in alone for each in own] == rows
    assert [row for row in rows if row.kind is EntryKind.OFFICIAL] == list(replayed.rows)
    assert firsts == replayed.firsts
    attempts = {
        str(who): {task.id: model.attempts(who, task.id, us) for task in model.tasks}
        for who in model.made.entries
    }
    defined = board(make(form, FORMATS[form]), model.tasks, attempts)
    of_official = [row for row in rows if row.kind is EntryKind.OFFICIAL]
    assert [(row.rank, str(row.entry_id)) for row in of_official] == [
        (row.rank, row.participant) for row in defined
    ]
    for row, said in zip(of_official, defined, strict=True):
        assert row.cells == {task: _shown(cell) for task, cell in said.cells.items()}
    for row in rows:
        if row.kind is EntryKind.VIRTUAL:
            cells, standing = model.row(form, model.entries[row.entry_id], us + 999_999)
            _same(row, cells, standing)
            ahead = sum(each.standing.key < standing.key for each in defined)
            assert row.rank == ahead + 1
    assert [row.key for row in rows] == sorted(row.key for row in rows)


def _same(row: Ranked, cells: Any, standing: Any) -> None:
    assert (Fraction(-row.lost), row.penalty, row.last) == (
        standing.score,
        standing.penalty,
        standing.last,
    )
    assert row.cells == cells
