"""How long one submission takes on an idle service, from the POST to its end on the stream.

    python -m benchmarks.latency [--json]

A Python hello with five tests, warm sandboxes, one user with one event stream. Every source is new,
so that no cache of artefacts knows it; Python compiles nothing either way. The stages are read off
what the user is told and the rows of the judgings, which share one clock.
"""

import asyncio
import time
from collections import defaultdict
from uuid import UUID, uuid4

import asyncpg

from benchmarks import asking, figures, loading, serving
from benchmarks.asking import Connection, Told
from benchmarks.figures import Figure, Report
from benchmarks.measuring import percentile

WARM = 20
COUNT = 100
# Nobody hands things in back to back: what follows a judging is over before the next one.
PAUSE_S = 0.1
TIMEOUT_S = 60.0
# In their order; each is counted from the POST.
STAGES = ("answered", "claimed", "compiling", "first run", "last run", "stored", "told")
_ROW = "SELECT started_at, finished_at FROM codebattle.judgings WHERE submission_id = $1"


async def measure() -> Report:
    """Submit one after the other and return the figures."""
    stages: defaultdict[str, list[float]] = defaultdict(list)
    async with serving.running() as service:
        user = uuid4()
        token = service.token(user)
        database = await service.connect()
        connection = await asking.connect(service.port)
        before: dict[str, float] = {}
        async with asking.following(service.port, token) as told:
            for number in range(WARM + COUNT):
                if number == WARM:
                    before = service.cpu()
                found = await _one(connection, told, database, token, number)
                await asyncio.sleep(PAUSE_S)
                if number >= WARM:
                    for stage, took in found.items():
                        stages[stage].append(took)
        spent = {part: cpu - before[part] for part, cpu in service.cpu().items()}
        connection.close()
        await database.close()
    return _report(stages, spent)


async def _one(
    connection: Connection,
    told: asyncio.Queue[Told],
    database: asyncpg.Connection,
    token: str,
    number: int,
) -> dict[str, float]:
    """Return how long after the POST each stage was reached, in milliseconds."""
    body = serving.body(f"{serving.PYTHON}# {number} {uuid4()}\n")
    request = loading.post("/v1/submissions", token, body)
    async with asyncio.timeout(TIMEOUT_S):
        began = time.time()
        status, answer = await connection.ask(request)
        answered = time.time()
        if status != 202:
            raise RuntimeError(f"a submission was answered {status}")
        events = await asking.ended(told, answer["id"])
    if events[-1].data["verdict"] != "AC":
        raise RuntimeError(f"the verdict was {events[-1].data['verdict']}")
    row = await database.fetchrow(_ROW, UUID(answer["id"]))
    assert row is not None
    at = {each.kind: each.at for each in events}
    runs = [each.at for each in events if each.kind == "running"]
    reached = {
        "answered": answered,
        "claimed": row["started_at"].timestamp(),
        "compiling": at.get("compiling", runs[0]),
        "first run": runs[0],
        "last run": runs[-1],
        "stored": row["finished_at"].timestamp(),
        "told": events[-1].at,
    }
    return {stage: 1000 * (moment - began) for stage, moment in reached.items()}


def _report(stages: dict[str, list[float]], spent: dict[str, float]) -> Report:
    medians = {stage: percentile(stages[stage], 50) for stage in STAGES}
    whole = stages["told"]
    cpu = {part: 1000 * each / COUNT for part, each in spent.items()}
    return Report(
        figures=(
            Figure(
                name="idle: POST to the end on the stream, median",
                value=percentile(whole, 50),
                unit="ms",
                bound=150,
                note=", ".join(f"{stage} {medians[stage]:.0f}" for stage in STAGES[:-1]),
            ),
            Figure(
                name="idle: POST to the end on the stream, p95",
                value=percentile(whole, 95),
                unit="ms",
                bound=300,
                note=f"most {max(whole):.0f}",
            ),
            Figure(
                name="idle: CPU of the service for one submission",
                value=sum(cpu.values()),
                unit="ms",
                note=", ".join(f"{part} {each:.1f}" for part, each in sorted(cpu.items())),
            ),
        ),
        details={
            "count": COUNT,
            "median_ms": {stage: round(each, 1) for stage, each in medians.items()},
            "p95_ms": {stage: round(percentile(stages[stage], 95), 1) for stage in STAGES},
            "cpu_ms": {part: round(each, 2) for part, each in cpu.items()},
        },
    )


if __name__ == "__main__":
    figures.run(measure)
