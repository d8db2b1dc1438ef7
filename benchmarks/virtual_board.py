"""What a virtual board costs at 20,000 entries x 12 problems x 200,000 judgements.

    python -m benchmarks.virtual_board [--entries 20000] [--judgements 200000] [--json]

Starts a PostgreSQL of its own with durable commits. The event is over, some play it virtually.
The baseline is the full replay of one moment, from the log, in the same run; a look is the page
of a moment and the caller's own row, as a request gets them, at moments and places by chance.
Meanwhile a heartbeat says for how long the event loop stood still.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import collecting
from api.auth import CurrentUser, Role, Scope
from api.db.base import new_id
from api.db.models import EntryKind, Event, EventAttempt, EventEntry, EventParticipant, EventState
from api.leaderboards import instants, momentary, rebuilding, replaying, timelines, updating
from api.leaderboards.momentary import Then
from api.leaderboards.queries import Ranked
from api.leaderboards.updating import Known
from api.leaderboards.viewing import Asked
from api.wiring import Parts, opened
from benchmarks import database, leaderboard
from benchmarks.figures import Figure, Report, run
from benchmarks.leaderboard import DURATION_S, PROBLEMS, START, VERDICTS, Ground, Sizes
from benchmarks.live_fanout import resident

VIRTUAL, ATTEMPTS, REPLAYS, PROVEN, PAGE = 100, 5, 2, 3, 100
AT_ONCE = 2000
LATER = START + timedelta(days=30)
BEAT_S = 0.002
MB = 1e6


@dataclass(slots=True)
class Beats:
    """For how long the loop stood still at most, and on most occasions."""

    late_ms: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """Return the longest standstill."""
        return max(self.late_ms, default=0.0)


@dataclass(slots=True, kw_only=True)
class Found:
    """What was measured."""

    replay_s: float
    written_s: float
    written: Beats
    first_ms: float
    looks_ms: Sequence[float]
    looking: Beats
    memory: int
    equal: bool

    @property
    def p95_ms(self) -> float:
        """Return the time that one look in twenty exceeds."""
        return sorted(self.looks_ms)[int(len(self.looks_ms) * 0.95)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--judgements", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    collecting.relax()
    run(lambda: measure(Sizes(given.entries, given.judgements, given.times)))


async def measure(sizes: Sizes) -> Report:
    """Make an event of that size that is over, and look at it."""
    async with (
        database.durable("virtual") as settings,
        opened(settings, application="benchmark") as parts,
    ):
        return _report(await _on(parts, sizes), sizes)


async def _on(parts: Parts, sizes: Sizes) -> Found:
    chance = random.Random(1)
    ground = await leaderboard.prepared(parts.sessions, sizes)
    await leaderboard.judged_before(parts.sessions, ground, sizes, chance)
    await _over(parts, ground)
    players = await _virtual(parts, ground, chance)
    replay_s = await _replays(parts, ground)
    async with _beating() as written:
        began = time.perf_counter()
        await timelines.ensure(parts.sessions, ground.event_id)
        written_s = time.perf_counter() - began
    await leaderboard.vacuum(parts.sessions, more=("board_moments",))
    before = resident(os.getpid())
    async with _beating() as looking:
        first_ms = await _look(parts, ground, chance.choice(players), chance, first=True)
        looks = [
            await _look(parts, ground, chance.choice(players), chance) for _ in range(sizes.times)
        ]
    memory = resident(os.getpid()) - before
    return Found(
        replay_s=replay_s,
        written_s=written_s,
        written=written,
        first_ms=first_ms,
        looks_ms=looks,
        looking=looking,
        memory=memory,
        equal=await _equal(parts, ground, chance),
    )


async def _over(parts: Parts, ground: Ground) -> None:
    async with parts.sessions() as session:
        event = await updating.locked(session, ground.event_id)
        event.thawed_at = START + timedelta(seconds=DURATION_S)
        event.state = EventState.THAWED
        await session.flush()
        await rebuilding.rebuild(session, event)
        end = await session.scalar(select(func.max(EventAttempt.id)))
        event.state, event.finalised_at = EventState.FINALISED, event.thawed_at
        event.extra = {"log_end": end}
        await session.commit()
    await leaderboard.vacuum(parts.sessions)


async def _virtual(parts: Parts, ground: Ground, chance: random.Random) -> list[CurrentUser]:
    """Let some have played it virtually, each on a clock of their own."""
    made = [(new_id(), new_id(), LATER + timedelta(minutes=n)) for n in range(VIRTUAL)]
    same = {"event_id": ground.event_id, "kind": EntryKind.VIRTUAL}
    async with parts.sessions() as session:
        await session.execute(
            insert(EventEntry),
            [{**same, "id": e, "name": f"Later {e}", "starts_at": at} for e, _, at in made],
        )
        await session.execute(
            insert(EventParticipant),
            [{**same, "entry_id": e, "user_id": who, "name": f"Later {e}"} for e, who, _ in made],
        )
        event = await updating.locked(session, ground.event_id)
        await updating.refresh(session, event, {(e, ground.problems[0]) for e, _, _ in made})
        for entry, _, starts_at in made:
            for _ in range(ATTEMPTS):
                known = Known(
                    event_id=ground.event_id,
                    entry_id=entry,
                    problem_id=chance.choice(ground.problems),
                    submission_id=new_id(),
                    submitted_at=starts_at + timedelta(seconds=chance.random() * DURATION_S),
                    verdict=chance.choice(VERDICTS),
                )
                await updating.record(session, known)
        await session.commit()
    return [
        CurrentUser(
            id=who, name="Later", roles=frozenset({Role.PLAYER}), scopes=frozenset({Scope.READ})
        )
        for _, who, _ in made
    ]


async def _replays(parts: Parts, ground: Ground) -> float:
    taken = []
    for number in range(REPLAYS):
        until_us = (number + 1) * DURATION_S * momentary.SECOND_US // (REPLAYS + 1)
        async with parts.sessions() as session:
            event = await session.get_one(Event, ground.event_id)
            began = time.perf_counter()
            await instants.board(session, event, public=True, until_us=until_us)
            taken.append(time.perf_counter() - began)
    return min(taken)


async def _look(
    parts: Parts, ground: Ground, user: CurrentUser, chance: random.Random, *, first: bool = False
) -> float:
    after = None if first else chance.choice([None, chance.choice(ground.entries)])
    asked = Asked(event_id=ground.event_id, public=True, limit=PAGE, after=after)
    began = time.perf_counter()
    made = await replaying.virtual(parts, user, asked, elapsed_s=chance.randrange(DURATION_S))
    made.model_dump_json()
    taken_ms = (time.perf_counter() - began) * 1000
    assert made.own is not None
    return taken_ms


async def _equal(parts: Parts, ground: Ground, chance: random.Random) -> bool:
    """Compare every official row of some moments with the full replay."""
    same = True
    for _ in range(PROVEN):
        then = Then(elapsed_s=chance.randrange(DURATION_S))
        async with parts.sessions() as session:
            event = await session.get_one(Event, ground.event_id)
            past = await instants.board(session, event, public=True, until_us=then.official_us)
            on = await momentary.ground(session, event)
            rows: list[Ranked] = []
            while some := await _some(session, on, then, rows):
                rows += some
        official = [row for row in rows if row.kind is EntryKind.OFFICIAL]
        same = same and official == list(past.rows)
    return same


async def _some(
    session: AsyncSession, on: momentary.Ground, then: Then, rows: Sequence[Ranked]
) -> Sequence[Ranked]:
    after = rows[-1].entry_id if rows else None
    return await momentary.page(session, on, on.all, then, limit=AT_ONCE, after=after)


@asynccontextmanager
async def _beating() -> AsyncIterator[Beats]:
    beats = Beats()

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            beats.late_ms.append((time.perf_counter() - began - BEAT_S) * 1000)

    task = asyncio.create_task(beat())
    try:
        yield beats
        await asyncio.sleep(2 * BEAT_S)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _report(found: Found, sizes: Sizes) -> Report:
    size = f"{sizes.entries} entries, {PROBLEMS} problems, {sizes.judgements} judgements"
    ratio = found.p95_ms / 1000 / found.replay_s
    figures = (
        Figure(name="virtual board: full replay", value=found.replay_s, unit="s", note=size),
        Figure(name="virtual board: written down once", value=found.written_s, unit="s"),
        Figure(name="virtual board: first look", value=found.first_ms / 1000, unit="s", bound=2),
        Figure(
            name="virtual board: page and own row, p95",
            value=found.p95_ms,
            unit="ms",
            bound=100,
            note=f"{ratio:.4f} of the full replay;"
            f" median {sorted(found.looks_ms)[len(found.looks_ms) // 2]:.1f} ms",
        ),
        Figure(
            name="virtual board: loop stands still, most, while looked at",
            value=found.looking.longest,
            unit="ms",
            bound=50,
        ),
        Figure(
            name="virtual board: loop stands still, most, while written down",
            value=found.written.longest,
            unit="ms",
            bound=50,
        ),
        Figure(name="virtual board: memory", value=found.memory / MB, unit="MB", bound=50),
        Figure(
            name="virtual board: equal to the full replay",
            value=float(found.equal),
            unit="",
            bound=1,
            at_least=True,
            note=f"all rows and cells of {PROVEN} moments",
        ),
    )
    print(f"load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
    last = {
        "participants": sizes.entries,
        "replay_s": round(found.replay_s, 2),
        "written_s": round(found.written_s, 2),
        "first_ms": round(found.first_ms, 1),
        "page_ms_p95": round(found.p95_ms, 1),
        "ratio": round(ratio, 5),
        "loop_ms_most": round(max(found.looking.longest, found.written.longest), 1),
        "memory_mb": round(found.memory / MB, 1),
        "equal": found.equal,
    }
    return Report(figures=figures, last=last)


if __name__ == "__main__":
    main()
