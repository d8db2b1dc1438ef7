"""What a board costs at 20,000 entries x 12 problems x 200,000 judgements.

    python -m benchmarks.leaderboard [--entries 20000] [--judgements 200000] [--json]

Starts a PostgreSQL of its own with durable commits. Storing is the whole transaction of a worker:
the judgement, its ten runs, the message to other services, the log, cell, row and guild, commit.
Reading is the top hundred with all cells and an entry of its own with its rank.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import collecting
from api.db.base import new_id
from api.db.engine import Sessions, engine, sessions
from api.db.models import (
    Blob,
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    Event,
    EventEntry,
    EventProblem,
    EventState,
    Judging,
    JudgingState,
    Queue,
    Room,
    Visibility,
)
from api.leaderboards import queries, rebuilding, updating
from api.leaderboards.updating import Known
from api.submissions import claiming, storing
from benchmarks import database
from benchmarks.figures import Figure, Report, run
from judge.results import Judgement, Run
from judge.verdicts import Verdict

PROBLEMS, GUILD, ROOM, CASES = 12, 50, 100, 10
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
DURATION_S, FREEZE_S = 5 * 3600, 3600
WARM = 20
_NAMED = ("event_id", "entry_id", "problem_id", "submission_id", "submitted_at")
VERDICTS = [Verdict.AC, Verdict.WA, Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.CE]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is, and how often each thing is measured."""

    entries: int
    judgements: int
    times: int


@dataclass(frozen=True, slots=True)
class Ground:
    """The event that is measured on."""

    event_id: UUID
    entries: list[UUID]
    problems: list[UUID]
    versions: list[UUID]


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
    """Make an event of that size, then store, read and rebuild."""
    async with database.durable("board") as settings:
        made = engine(settings, application="benchmark")
        try:
            return await _on(sessions(made), sizes)
        finally:
            await made.dispose()


async def _on(made: Sessions, sizes: Sizes) -> Report:
    chance = random.Random(1)
    ground = await prepared(made, sizes)
    await judged_before(made, ground, sizes, chance)
    begin = time.perf_counter()
    async with made() as session:
        event = await updating.locked(session, ground.event_id)
        await rebuilding.rebuild(session, event)
        await session.commit()
    rebuild_s = time.perf_counter() - begin
    await vacuum(made)
    updates = await _updates(made, ground, sizes, chance)
    reads = await _reads(made, ground, sizes, chance)
    begin = time.perf_counter()
    async with made() as session:
        event = await updating.locked(session, ground.event_id)
        proof = await rebuilding.check(session, event)
    check_s = time.perf_counter() - begin
    print(*proof.differences, sep="\n", file=sys.stderr, end="")
    size = f"{sizes.entries} entries, {PROBLEMS} problems, {sizes.judgements} judgements"
    return Report(
        figures=(
            Figure(
                name="board: storing a judgement, p95",
                value=_p95(updates),
                unit="ms",
                bound=10,
                note=f"{size}; median {_median(updates):.1f} ms",
            ),
            Figure(
                name="board: top 100 and own rank, p95",
                value=_p95(reads),
                unit="ms",
                bound=10,
                note=f"median {_median(reads):.1f} ms",
            ),
            Figure(name="board: whole rebuild", value=rebuild_s, unit="s", bound=30),
            Figure(name="board: rebuild and comparison", value=check_s, unit="s"),
            Figure(
                name="board: equal to a rebuild",
                value=float(proof.equal),
                unit="",
                bound=1,
                at_least=True,
                note=f"{proof.rows} cells, rows and guilds, compared by SHA-256",
            ),
        ),
        last={
            "participants": sizes.entries,
            "update_ms_p95": round(_p95(updates), 2),
            "read_ms_p95": round(_p95(reads), 2),
            "rebuild_s": round(rebuild_s, 2),
            "rebuild_equal": proof.equal,
        },
    )


async def prepared(made: Sessions, sizes: Sizes) -> Ground:
    """Make an event of a size, with problems, rooms and entries; nobody did anything yet."""
    event_id = new_id()
    problems = [new_id() for _ in range(PROBLEMS)]
    versions = [new_id() for _ in range(PROBLEMS)]
    entries = [new_id() for _ in range(sizes.entries)]
    limits, sha256 = {"cpu_ms": 1000, "memory_bytes": 1 << 28}, "0" * 64
    async with made() as session:
        session.add(Blob(sha256=sha256, size_bytes=1, media_type="application/zip"))
        for number, (problem, version) in enumerate(zip(problems, versions, strict=True)):
            title = f"problem-{number}"
            session.add(
                CodeProblem(id=problem, slug=title, title=title, visibility=Visibility.PUBLIC)
            )
            await session.flush()
            session.add(
                CodeProblemVersion(
                    **limits,
                    id=version,
                    problem_id=problem,
                    number=1,
                    package_sha256=sha256,
                    data_hash="",
                    title=title,
                    kinds=["pass-fail"],
                    output_bytes=1,
                    source_bytes=1,
                    case_total=CASES,
                )
            )
        session.add(
            Event(
                id=event_id,
                slug="big",
                title="Big",
                state=EventState.FROZEN,
                format="icpc",
                starts_at=START,
                started_at=START,
                duration_s=DURATION_S,
                freeze_s=FREEZE_S,
                seed=1,
                requested_by=new_id(),
            )
        )
        await session.flush()
        for number, (problem, version) in enumerate(zip(problems, versions, strict=True)):
            session.add(
                EventProblem(
                    **limits,
                    event_id=event_id,
                    problem_id=problem,
                    version_id=version,
                    label=chr(65 + number),
                    position=number,
                    scoring=False,
                )
            )
        await _people(session, event_id, entries)
        await session.commit()
    return Ground(event_id, entries, problems, versions)


async def _people(session: AsyncSession, event_id: UUID, entries: Sequence[UUID]) -> None:
    guilds = [new_id() for _ in range(len(entries) // GUILD + 1)]
    rooms = [
        {"id": new_id(), "event_id": event_id, "name": f"Room {n}", "position": n}
        for n in range(len(entries) // ROOM + 1)
    ]
    people = [
        {
            "id": entry,
            "event_id": event_id,
            "name": f"Player {number}",
            "guild_id": guilds[number // GUILD],
            "room_id": rooms[number // ROOM]["id"],
        }
        for number, entry in enumerate(entries)
    ]
    await session.execute(insert(Room), rooms)
    await session.execute(insert(EventEntry), people)


async def judged_before(
    made: Sessions, ground: Ground, sizes: Sizes, chance: random.Random
) -> None:
    """Write the log of all judgements there were, each after the row of its submission."""
    async with made() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        records: list[tuple[Any, ...]] = []
        for _ in range(sizes.judgements):
            at = START + timedelta(seconds=chance.random() * DURATION_S)
            who, task = chance.choice(ground.entries), chance.choice(ground.problems)
            base = (ground.event_id, who, task, new_id(), at)
            records += [(*base, None), (*base, chance.choice(VERDICTS).value)]
        await raw.copy_records_to_table(
            "event_attempts",
            schema_name="codebattle",
            columns=(*_NAMED, "verdict"),
            records=records,
        )
        # No board shows any of it yet.
        await raw.execute(
            "INSERT INTO codebattle.event_unshown "
            "SELECT event_id, id, entry_id, problem_id FROM codebattle.event_attempts"
        )
        await session.commit()
    await vacuum(made)


async def vacuum(made: Sessions, *, more: Sequence[str] = ()) -> None:
    """Do what autovacuum does a minute later."""
    async with made() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        await session.commit()
        for table in ("event_attempts", "event_entries", "board_cells", "board_rows", *more):
            await raw.execute(f"VACUUM ANALYZE codebattle.{table}")


async def _updates(
    made: Sessions, ground: Ground, sizes: Sizes, chance: random.Random
) -> Sequence[float]:
    taken = []
    for _ in range(sizes.times + WARM):
        place = chance.randrange(PROBLEMS)
        known = Known(
            event_id=ground.event_id,
            entry_id=chance.choice(ground.entries),
            problem_id=ground.problems[place],
            submission_id=new_id(),
            submitted_at=START + timedelta(seconds=chance.random() * DURATION_S),
            verdict=chance.choice(VERDICTS),
        )
        claim = await claimed(made, known, ground.versions[place])
        judgement = _judgement(known.verdict or Verdict.AC)
        begin = time.perf_counter()
        async with made() as session:
            done = await storing.store(session, claim, judgement, told={}, known=known)
        taken.append((time.perf_counter() - begin) * 1000)
        assert done.stored
    return taken[WARM:]


async def claimed(made: Sessions, known: Known, version_id: UUID) -> claiming.Claim:
    """Return the claim of a judging that was made for what will become known."""
    user, worker = new_id(), new_id()
    async with made() as session:
        session.add(
            CodeSubmission(
                id=known.submission_id,
                user_id=user,
                problem_id=known.problem_id,
                version_id=version_id,
                event_id=known.event_id,
                language="python3",
                source_hash="",
                source_bytes=1,
                submitted_at=known.submitted_at,
                request_hash="",
            )
        )
        await session.flush()
        session.add(
            Judging(
                submission_id=known.submission_id,
                version_id=version_id,
                user_id=user,
                is_current=True,
                state=JudgingState.QUEUED,
                queue=Queue.INTERACTIVE,
                due_at=known.submitted_at,
            )
        )
        await updating.note(session, Known(**_plain(known)))
        await session.commit()
        claimed = await claiming.claim(session, worker, lease_s=60, queues=list(Queue))
    assert claimed is not None
    return claimed


def _plain(known: Known) -> dict[str, Any]:
    return {name: getattr(known, name) for name in _NAMED}


def _judgement(verdict: Verdict) -> Judgement:
    return Judgement(
        problem="problem",
        verdict=verdict,
        language="python3",
        score=Fraction(1) if verdict is Verdict.AC else None,
        runs=tuple(
            Run(case=f"secret/{number:02}", verdict=verdict, cpu_us=1000) for number in range(CASES)
        ),
        case_total=CASES,
    )


async def _reads(
    made: Sessions, ground: Ground, sizes: Sizes, chance: random.Random
) -> Sequence[float]:
    taken = []
    for number in range(sizes.times + WARM):
        public = bool(number % 2)
        begin = time.perf_counter()
        async with made() as session:
            among = queries.Among(event_id=ground.event_id, public=public)
            top = await queries.page(session, among, limit=100)
            own = await queries.one(session, among, chance.choice(ground.entries))
        taken.append((time.perf_counter() - begin) * 1000)
        assert len(top) == min(100, sizes.entries)
        assert own is not None
    return taken[WARM:]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
