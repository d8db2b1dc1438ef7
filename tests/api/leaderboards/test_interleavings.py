"""Whatever happens in an event, in whatever order, its boards are what the format defines.

The definition is asked directly (`judge.scoring`), about a model of the event that knows nothing
of tables: who handed in what when, what is known of it, what was removed of the time, and since
when the public sees nothing new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import EventEntry, EventState
from api.events import acting
from api.events.machine import Act
from api.leaderboards import queries, rebuilding, updating
from api.leaderboards.cells import Shown
from api.leaderboards.queries import Among
from api.leaderboards.updating import Known
from api.wiring import Parts
from judge.scoring import Attempt, EventProblem, GroupScore, make
from judge.scoring.ranking import Row, board
from judge.verdicts import Verdict

from .conftest import LIMITS, START, Ground, Grounds

MASTER = CurrentUser(id=new_id(), name="M", roles=frozenset({Role.GAME_MASTER}))
FORMATS: Mapping[str, dict[str, Any]] = {"icpc": {}, "ioi": {}, "battle": {"decimals": 3}}
ENTRIES, PROBLEMS, EXAMPLES = 3, 2, 6
HOURS, FREEZE_AT_H = 5, 2
pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens, so many minutes after what was before; or is rolled back."""

    what: str
    minutes: int
    pick: int
    score: int
    verdict: Verdict
    crashes: bool


WHAT = ["submit"] * 8 + ["judge"] * 9 + ["catch up", "freeze", "pause", "resume", "extend", "extra"]
VERDICTS = [Verdict.AC, Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.CE, Verdict.JE]


def script(chance: Random) -> list[Step]:
    """Return what happens: long scripts, of which drawing step by step would give few."""
    return [
        Step(
            what=chance.choice(WHAT),
            minutes=chance.randrange(15),
            pick=chance.randrange(50),
            score=chance.randrange(11),
            verdict=chance.choice(VERDICTS),
            crashes=chance.random() < 0.15,
        )
        for _ in range(chance.randrange(20, 70))
    ]


@dataclass(slots=True)
class Model:
    """An event without a database."""

    made: Ground
    now: datetime = START
    length: timedelta = timedelta(hours=HOURS)
    # A freeze is planned by the event's own time, or made by hand at a moment.
    freeze_us: int | None = FREEZE_AT_H * 3600 * 1_000_000
    frozen_at: datetime | None = None
    paused_at: datetime | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    handed_in: list[Known] = field(default_factory=list)
    known: dict[UUID, Known] = field(default_factory=dict)
    # Cells of which a freeze hides nothing any more.
    revealed: set[tuple[UUID, UUID]] = field(default_factory=set)

    def elapsed_us(self, moment: datetime) -> int:
        taken = sum((end - start for start, end in self.pauses if start < moment), timedelta())
        return (moment - START - taken) // timedelta(microseconds=1)

    def rows(self, form: str, *, public: bool) -> list[Row]:
        tasks = [
            EventProblem(
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
        attempts = {
            str(who): {task.id: self._attempts(who, task.id, public=public) for task in tasks}
            for who in self.made.entries
        }
        return board(make(form, FORMATS[form]), tasks, attempts)

    def _attempts(self, who: UUID, task: str, *, public: bool) -> list[Attempt]:
        """Return what is known of attempts; of those since a freeze, that they were made."""
        return [
            _attempt(
                made if public and self._hidden(made) else self.known[made.submission_id],
                self.elapsed_us(made.submitted_at),
            )
            for made in self.handed_in
            if made.entry_id == who and str(made.problem_id) == task
        ]

    def _hidden(self, made: Known) -> bool:
        if (made.entry_id, made.problem_id) in self.revealed:
            return False
        planned = (
            self.freeze_us is not None and self.elapsed_us(made.submitted_at) >= self.freeze_us
        )
        return planned or (self.frozen_at is not None and made.submitted_at >= self.frozen_at)


def _attempt(known: Known, at_us: int) -> Attempt:
    return Attempt(
        submission=str(known.submission_id),
        at_us=at_us,
        verdict=known.verdict,
        score=known.score,
        groups=tuple(
            GroupScore(name=each["name"], score=Fraction(each["score"]))
            for each in known.groups or ()
        ),
        cpu_us=known.cpu_us,
    )


@given(seed=st.integers(0, 2**63))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    # A seed does not shrink.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("form", FORMATS)
async def test_any_interleaving_gives_what_the_format_defines(
    parts: Parts, ground: Grounds, form: str, seed: int
) -> None:
    made = await ground(
        entries=ENTRIES,
        problems=PROBLEMS,
        format=form,
        options=FORMATS[form],
        freeze_s=3600 * (HOURS - FREEZE_AT_H),
        started_at=START,
    )
    model = Model(made)
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    for step in script(Random(seed)):
        await _happen(parts, model, step)
    await _compare(parts, model, form)
    async with parts.sessions() as session:
        end = model.now + timedelta(milliseconds=500)
        for act in (Act.FINISH, Act.THAW):
            await acting.act(session, made.event_id, act, by=MASTER, now=end)
            if act is Act.FINISH:
                await session.commit()
                await _compare(parts, model, form)
        await session.commit()
    model.freeze_us = model.frozen_at = None
    await _compare(parts, model, form)


async def _happen(parts: Parts, model: Model, step: Step) -> None:
    """Let something happen if it can, or be rolled back when all of it is done but the commit."""
    if model.now + timedelta(minutes=step.minutes) < START + model.length:
        model.now += timedelta(minutes=step.minutes)
    async with parts.sessions() as session:
        learned = await ACTS[step.what](session, model, step)
        if learned is None or step.crashes:
            await session.rollback()
            return
        await session.commit()
    for name, value in learned.items():
        setattr(model, name, value)


async def _submit(session: AsyncSession, model: Model, step: Step) -> dict[str, Any] | None:
    if model.paused_at is not None:
        return None
    known = Known(
        event_id=model.made.event_id,
        entry_id=model.made.entries[step.pick % ENTRIES],
        problem_id=model.made.problems[step.pick // ENTRIES % PROBLEMS],
        submission_id=new_id(),
        submitted_at=model.now,
    )
    await updating.note(session, known)
    return {
        "handed_in": [*model.handed_in, known],
        "known": {**model.known, known.submission_id: known},
    }


async def _judge(session: AsyncSession, model: Model, step: Step) -> dict[str, Any] | None:
    """Judge something, perhaps again."""
    if not model.handed_in:
        return None
    of = model.handed_in[step.pick % len(model.handed_in)]
    score = step.score if step.verdict is not Verdict.AC else 10
    known = Known(
        event_id=of.event_id,
        entry_id=of.entry_id,
        problem_id=of.problem_id,
        submission_id=of.submission_id,
        submitted_at=of.submitted_at,
        judging_id=new_id(),
        verdict=step.verdict,
        score=Fraction(score),
        groups=[
            {"name": "one", "score": str(min(score, 4))},
            {"name": "two", "score": str(max(score - 4, 0))},
        ],
        cpu_us=step.pick * 1000,
    )
    await updating.record(session, known)
    return {"known": {**model.known, of.submission_id: known}}


async def _catch_up(session: AsyncSession, model: Model, _: Step) -> dict[str, Any] | None:
    await updating.catch_up(session, model.made.event_id)
    return {}


async def _freeze(session: AsyncSession, model: Model, _: Step) -> dict[str, Any] | None:
    done = await acting.act(session, model.made.event_id, Act.FREEZE, by=MASTER, now=model.now)
    return {"frozen_at": model.now} if done.changed else None


async def _pause(session: AsyncSession, model: Model, _: Step) -> dict[str, Any] | None:
    if model.paused_at is not None or (model.pauses and model.pauses[-1][1] >= model.now):
        return None
    await acting.pause(session, model.made.event_id, by=MASTER, now=model.now, reason="")
    return {"paused_at": model.now}


async def _resume(session: AsyncSession, model: Model, _: Step) -> dict[str, Any] | None:
    since = model.paused_at
    if since is None or since == model.now:
        return None
    await acting.resume(session, model.made.event_id, by=MASTER, now=model.now, reason="")
    return {
        "paused_at": None,
        "pauses": [*model.pauses, (since, model.now)],
        "length": model.length + (model.now - since),
    }


async def _extend(session: AsyncSession, model: Model, step: Step) -> dict[str, Any] | None:
    seconds = 60 * (1 + step.pick)
    await acting.extend(session, model.made.event_id, by=MASTER, seconds=seconds, reason="")
    return {"length": model.length + timedelta(seconds=seconds)}


async def _extra(session: AsyncSession, model: Model, step: Step) -> dict[str, Any] | None:
    """Give somebody more time, which changes no score."""
    who = model.made.entries[step.pick % ENTRIES]
    await session.execute(update(EventEntry).where(EventEntry.id == who).values(extra_s=600))
    return {}


ACTS = {
    "submit": _submit,
    "judge": _judge,
    "catch up": _catch_up,
    "freeze": _freeze,
    "pause": _pause,
    "resume": _resume,
    "extend": _extend,
    "extra": _extra,
}


async def _compare(parts: Parts, model: Model, form: str) -> None:
    """Compare both sides with the definition, and the whole with a rebuild."""
    async with parts.sessions() as session:
        await updating.catch_up(session, model.made.event_id)
        await session.commit()
        event = await updating.locked(session, model.made.event_id)
        proof = await rebuilding.check(session, event)
        sides = {
            public: await queries.page(
                session, Among(event_id=event.id, public=public), limit=ENTRIES
            )
            for public in (False, True)
        }
        for public, rows in sides.items():
            among = Among(event_id=event.id, public=public)
            assert rows == [await queries.one(session, among, row.entry_id) for row in rows]
            assert await queries.count(session, among) == len(rows)
        assert event.state is not EventState.FINALISED
    assert proof.differences == ()
    for public, rows in sides.items():
        defined = model.rows(form, public=public)
        assert [
            (row.rank, str(row.entry_id), Fraction(-row.lost), row.penalty, row.last)
            for row in rows
        ] == [
            (row.rank, row.participant, row.standing.score, row.standing.penalty, row.standing.last)
            for row in defined
        ]
        assert [row.cells for row in rows] == [
            {task: _shown(cell) for task, cell in row.cells.items()} for row in defined
        ]


def _shown(cell: Any) -> Shown:
    return Shown(
        attempts=cell.attempts,
        pending=cell.pending,
        score=float(cell.total),
        penalty=cell.penalty,
        at_us=cell.at_us,
        solved_us=cell.solved_at[0] if cell.solved_at else None,
        first=cell.first,
    )
