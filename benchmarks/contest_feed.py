"""What the Contest API's feed and scoreboard cost at 20,000 teams x 12 problems x 200,000 verdicts.

    python -m benchmarks.contest_feed [--entries 20000] [--judgements 200000] [--json]

Starts the whole service as `codebattle up` does and writes the event into its tables. Readers are
the public's. While they read, somebody else asks for the contest's state again and again: what
that takes then, over what it takes when nobody reads, is what readers cost everybody else. The
client's share of the same processors is in all of these times.
"""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from api.db.engine import Sessions, engine, sessions
from api.leaderboards import rebuilding, updating
from benchmarks import leaderboard, serving
from benchmarks.figures import Figure, Report, run
from benchmarks.leaderboard import Ground, Sizes
from benchmarks.live_fanout import resident
from benchmarks.serving import Service

CONTEST = "/v1/clics/api/contests/big"
PATIENCE_S = 900.0
PROBES_QUIET = 300
PROBE_EVERY_S = 0.02
MB = 1e6
# The submissions and judgings that the board's log speaks of.
_SUBMISSIONS = """
INSERT INTO codebattle.code_submissions (
    id, user_id, problem_id, version_id, event_id, entry_id, language, source_hash, source_bytes,
    submitted_at, request_hash
)
SELECT log.submission_id, log.entry_id, log.problem_id, task.version_id, log.event_id,
    log.entry_id, 'python3', '', 1, log.submitted_at, ''
FROM codebattle.event_attempts AS log
JOIN codebattle.event_code_problems AS task
    ON task.event_id = log.event_id AND task.problem_id = log.problem_id
WHERE log.verdict IS NOT NULL AND log.event_id = $1
"""
_JUDGINGS = """
INSERT INTO codebattle.judgings (
    id, submission_id, version_id, user_id, is_current, state, queue, queued_at, due_at,
    started_at, finished_at, verdict, cpu_us
)
SELECT gen_random_uuid(), submission.id, submission.version_id, submission.user_id, true, 'done',
    'interactive', at.at, at.at, at.at + interval '1 second', at.at + interval '2 seconds',
    log.verdict, 100000
FROM codebattle.code_submissions AS submission
CROSS JOIN LATERAL (SELECT submission.submitted_at AS at) AS at
JOIN codebattle.event_attempts AS log
    ON log.submission_id = submission.id AND log.verdict IS NOT NULL
WHERE submission.event_id = $1
"""


@dataclass(slots=True)
class Meanwhile:
    """What others met while something was read, and how much memory the server had at most."""

    taken_ms: list[float] = field(default_factory=list)
    memory: int = 0

    def p95(self) -> float:
        """Return the time that one in twenty exceeds."""
        return sorted(self.taken_ms)[int(len(self.taken_ms) * 0.95)]


@dataclass(frozen=True, slots=True)
class Replay:
    """One reading of the whole feed."""

    first_s: float
    whole_s: float
    lines: int
    size: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--judgements", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    run(lambda: measure(Sizes(given.entries, given.judgements, 0)))


async def measure(sizes: Sizes) -> Report:
    """Start the service, fill it, and read."""
    async with serving.running(backend="bubblewrap") as service:
        database = engine(service.settings, application="benchmark")
        try:
            await _filled(sessions(database), sizes)
        finally:
            await database.dispose()
        base = f"http://127.0.0.1:{service.port}{CONTEST}"
        async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as client:
            return await _measured(service, client, sizes)


async def _filled(made: Sessions, sizes: Sizes) -> Ground:
    chance = random.Random(1)
    ground = await leaderboard.prepared(made, sizes)
    await leaderboard.judged_before(made, ground, sizes, chance)
    async with made() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(_SUBMISSIONS, ground.event_id)
        await raw.execute(_JUDGINGS, ground.event_id)
        event = await updating.locked(session, ground.event_id)
        await rebuilding.rebuild(session, event)
        await session.commit()
        for table in ("code_submissions", "judgings"):
            await raw.execute(f"VACUUM ANALYZE codebattle.{table}")
    await leaderboard.vacuum(made)
    return ground


async def _measured(service: Service, client: httpx.AsyncClient, sizes: Sizes) -> Report:
    token = service.token()
    prober = httpx.AsyncClient(
        base_url=client.base_url, timeout=PATIENCE_S, headers={"Authorization": f"Bearer {token}"}
    )
    client.headers["Authorization"] = f"Bearer {token}"
    async with prober:
        quiet = Meanwhile()
        for _ in range(PROBES_QUIET):
            await _probe(prober, service, quiet)
        async with _watched(prober, service) as at_first:
            first = await _replay(client)
        before = service.cpu()
        async with _watched(prober, service) as at_second:
            second = await _replay(client)
        spent = {part: cpu - before.get(part, 0.0) for part, cpu in service.cpu().items()}
        async with _watched(prober, service) as at_board:
            began = time.perf_counter()
            board = await client.get("/scoreboard")
            board_s = time.perf_counter() - began
        assert len(board.json()["rows"]) == sizes.entries
        began = time.perf_counter()
        await client.get("/scoreboard")
        again_s = time.perf_counter() - began
    size = f"{sizes.entries} teams, {leaderboard.PROBLEMS} problems, {sizes.judgements} judgements"
    figures = (
        Figure(
            name="contest feed: another request alone, p95", value=quiet.p95(), unit="ms", note=size
        ),
        Figure(name="contest feed: first byte, first reader", value=first.first_s, unit="s"),
        Figure(name="contest feed: first byte, another reader", value=second.first_s, unit="s"),
        Figure(
            name="contest feed: whole replay",
            value=second.whole_s,
            unit="s",
            note=f"{second.lines} lines, {second.size / MB:.0f} MB",
        ),
        Figure(
            name="contest feed: whole replay, CPU time of the API",
            value=spent["api"],
            unit="s",
            note=f"PostgreSQL {spent['postgres']:.1f} s; with the other requests",
        ),
        *_others("first reader", at_first, quiet),
        *_others("replay", at_second, quiet),
        Figure(
            name="contest scoreboard: made",
            value=board_s,
            unit="s",
            note=f"{len(board.content) / MB:.1f} MB",
        ),
        Figure(name="contest scoreboard: again", value=again_s, unit="s"),
        *_others("scoreboard", at_board, quiet),
        Figure(
            name="contest feed: memory of the server, most over before",
            value=(max(at_first.memory, at_second.memory, at_board.memory) - quiet.memory) / MB,
            unit="MB",
            note=f"{quiet.memory / MB:.0f} MB before",
        ),
    )
    last = {each.name: round(each.value, 3) for each in figures}
    return Report(figures=figures, last=last)


def _others(what: str, found: Meanwhile, quiet: Meanwhile) -> Sequence[Figure]:
    return (
        Figure(
            name=f"{what}: another request meanwhile, p95",
            value=found.p95(),
            unit="ms",
            note=f"{found.p95() / quiet.p95():.1f} x alone;"
            f" at most {max(found.taken_ms):.0f} ms of {len(found.taken_ms)} requests",
        ),
    )


@asynccontextmanager
async def _watched(prober: httpx.AsyncClient, service: Service) -> AsyncIterator[Meanwhile]:
    """Ask for something small, again and again, while something large is read."""
    found = Meanwhile()

    async def ask() -> None:
        while True:
            await _probe(prober, service, found)
            await asyncio.sleep(PROBE_EVERY_S)

    task = asyncio.create_task(ask())
    try:
        yield found
        # The one under way may have waited for all of it.
        await _probe(prober, service, found)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _probe(prober: httpx.AsyncClient, service: Service, found: Meanwhile) -> None:
    began = time.perf_counter()
    answer = await prober.get("/state")
    found.taken_ms.append((time.perf_counter() - began) * 1000)
    assert answer.status_code == 200
    found.memory = max(found.memory, sum(map(resident, service.pids()["api"])))


async def _replay(client: httpx.AsyncClient) -> Replay:
    began = time.perf_counter()
    first_s, lines, size = 0.0, 0, 0
    async with client.stream("GET", "/event-feed", params={"stream": "false"}) as response:
        assert response.status_code == 200
        async for chunk in response.aiter_raw():
            first_s = first_s or time.perf_counter() - began
            lines += chunk.count(b"\n")
            size += len(chunk)
    return Replay(first_s, time.perf_counter() - began, lines, size)


if __name__ == "__main__":
    main()
