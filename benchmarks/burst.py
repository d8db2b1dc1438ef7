"""Whether a burst of submissions is taken in once and judged once, and what it answers meanwhile.

    python -m benchmarks.burst [--count 5000] [--json]

The whole service with two slots. The cheapest program there is, in C, is handed in by several users
as fast as answers come, each time with a new idempotency key. Until the last one is judged the
service is asked two other things ten times a second. Then the rows are counted. It takes minutes,
so it is no part of `make bench`.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass, field

import asyncpg

from benchmarks import asking, figures, loading, serving
from benchmarks.figures import Figure, Report
from benchmarks.loading import Plan, Result
from benchmarks.measuring import percentile

COUNT = 5000
USERS = 12
ASK_S = 0.1
COUNT_S = 0.5
# A drain that makes no progress for so long has lost something.
STUCK_S = 60.0
SOURCE = """#include <stdio.h>
int main(void) {
    char name[256];
    if (fgets(name, sizeof name, stdin)) {
        for (int at = 0; name[at]; at++) if (name[at] == '\\n') name[at] = 0;
        printf("Welcome to the arena, %s!\\n", name);
    }
    return 0;
}
"""
_ENDED = "SELECT count(*) FROM codebattle.judgings WHERE state IN ('done', 'failed')"
# One row: submissions, judgings, submissions with exactly one judging that is current, accepted
# and whole, and keys that are there more than once.
_BOOKS = """
SELECT
    (SELECT count(*) FROM codebattle.code_submissions) AS submissions,
    (SELECT count(*) FROM codebattle.judgings) AS judgings,
    (SELECT count(*) FROM (
        SELECT submission.id
        FROM codebattle.code_submissions AS submission
        JOIN codebattle.judgings AS judging ON judging.submission_id = submission.id
        GROUP BY submission.id
        HAVING count(*) = 1 AND bool_and(
            judging.is_current AND judging.state = 'done' AND judging.verdict = 'AC'
            AND (SELECT count(*) FROM codebattle.runs AS run WHERE run.judging_id = judging.id)
                = judging.case_total
        )
    ) AS whole) AS whole,
    (SELECT coalesce(extract(epoch FROM max(finished_at) - min(started_at)), 0)
        FROM codebattle.judgings)::float AS judging_s
"""


@dataclass(slots=True)
class _Asked:
    """Answers to what was asked meanwhile, in milliseconds, and those that were not 200."""

    took_ms: list[float] = field(default_factory=list)
    refused: int = 0


async def measure(count: int = COUNT) -> Report:
    """Send them, wait for the last, and return the figures."""
    async with serving.running() as service:
        tokens = [service.token() for _ in range(USERS)]
        body = serving.body(SOURCE, "c")
        keyed = {"Idempotency-Key": loading.NUMBER}
        send = [loading.post("/v1/submissions", each, body, keyed) for each in tokens]
        database = await service.connect()
        asked = _Asked()
        asking_on = asyncio.create_task(_ask(service.port, tokens[0], asked))
        before, began = service.cpu(), time.monotonic()
        taken = await loading.run(Plan(port=service.port, requests=send, count=count))
        await _drained(database, taken.statuses.get("202", 0))
        drained_s = time.monotonic() - began
        spent = {part: cpu - before[part] for part, cpu in service.cpu().items()}
        asking_on.cancel()
        await asyncio.gather(asking_on, return_exceptions=True)
        books = await database.fetchrow(_BOOKS)
        assert books is not None
        await database.close()
    return _report(count, taken, asked, dict(books), drained_s, spent)


async def _ask(port: int, token: str, asked: _Asked) -> None:
    """Ask whether it is ready, and for the problem, until cancelled."""
    requests = [loading.get("/readyz"), loading.get(f"/v1/problems/{serving.SLUG}", token)]
    connection = await asking.connect(port)
    while True:
        for request in requests:
            began = time.perf_counter()
            status, _ = await connection.ask(request)
            asked.took_ms.append(1000 * (time.perf_counter() - began))
            asked.refused += status != 200
        await asyncio.sleep(ASK_S)


async def _drained(database: asyncpg.Connection, count: int) -> None:
    """Return when as many judgings have ended, or none did for long."""
    ended, moved = 0, time.monotonic()
    while ended < count and time.monotonic() - moved < STUCK_S:
        found: int = await database.fetchval(_ENDED)
        if found > ended:
            ended, moved = found, time.monotonic()
        await asyncio.sleep(COUNT_S)


def _report(
    count: int,
    taken: Result,
    asked: _Asked,
    books: dict[str, float],
    drained_s: float,
    spent: dict[str, float],
) -> Report:
    accepted = taken.statuses.get("202", 0)
    lost = max(abs(accepted - int(books[each])) for each in ("submissions", "judgings", "whole"))
    cpu = {part: round(1000 * each / max(1, accepted), 2) for part, each in spent.items()}
    return Report(
        figures=(
            Figure(
                name="burst: submissions accepted",
                value=accepted,
                unit="",
                bound=count,
                at_least=True,
                note=f"{accepted / taken.wall_s:.0f}/s, p99 {taken.percentile(99):.0f} ms",
            ),
            Figure(
                name="burst: accepted and not judged exactly once, or not to the end",
                value=lost,
                unit="",
                bound=0,
                note=f"{books['whole']:.0f} accepted programs",
            ),
            Figure(
                name="burst: other answers meanwhile, p99",
                value=percentile(asked.took_ms, 99),
                unit="ms",
                note=f"{len(asked.took_ms)} asked, median {percentile(asked.took_ms, 50):.0f}",
            ),
            Figure(
                name="burst: other answers that were no 200", value=asked.refused, unit="", bound=0
            ),
            Figure(
                name="burst: judged per second",
                value=books["whole"] / max(books["judging_s"], 0.001),
                unit="/s",
                note=f"drained after {drained_s:.0f} s; CPU of each in ms: "
                + ", ".join(f"{part} {each}" for part, each in sorted(cpu.items())),
            ),
        ),
        details={"count": count, "statuses": taken.statuses, "books": books, "cpu_ms": cpu},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures.run(lambda: measure(chosen.count))
