"""How long the statements take to a crowd that waits for the start of an event.

    python -m benchmarks.start_tick [--clients 2000] [--problems 12] [--json]

The service runs as `codebattle up` starts it. Everybody's stream is open before; the event is
started as its clock would, and the time goes from that commit to the last byte of the last
statement at the last client, which is read here, on the same CPUs. A request for the statements is
made again and again until the start: every answer before it has to be a refusal.
"""

import argparse
import asyncio
import statistics
import time
from datetime import UTC, datetime
from uuid import UUID

from api.db.engine import Sessions, engine, sessions
from api.db.models import EventState
from api.events import acting
from api.events.machine import Act
from benchmarks import asking, figures, loading, serving, waiting
from benchmarks.figures import Figure, Report
from benchmarks.serving import Service
from benchmarks.waiting import Client

CLIENTS = 2000
PROBLEMS = 12
STATEMENT_CHARS = 4000
ALL_S = 3.0
PATIENCE_S = 60.0
# It ends each statement, so that who has counted all has read all.
MARK = b"the-statement-ends-here"


async def measure(clients: int = CLIENTS, problems: int = PROBLEMS) -> Report:
    """Measure and return the figures."""
    async with serving.running() as service:
        bound = engine(service.settings, application="benchmark")
        try:
            return await _measured(service, sessions(bound), clients, problems)
        finally:
            await bound.dispose()


async def _measured(service: Service, made: Sessions, count: int, problems: int) -> Report:
    text = "x" * STATEMENT_CHARS + MARK.decode()
    played = await waiting.event(made, state=EventState.LOBBY, problems=problems, text=text)
    began = time.perf_counter()
    clients = await waiting.crowd(service, [f"event:{played.id}"], count, MARK)
    connected_s = time.perf_counter() - began
    asked = asyncio.create_task(_ask(service, played.id))
    await asyncio.sleep(2)
    early = sum(each.count for each in clients)
    async with made() as session:
        await acting.act(session, played.id, Act.START, by=None, now=datetime.now(UTC))
        await session.commit()
    started = time.perf_counter()
    await _until_all(clients, problems)
    statuses = await asked
    waiting.hang_up(clients)
    took = sorted(each.at - started for each in clients if each.count == problems)
    last_s = took[-1] if len(took) == count else PATIENCE_S
    refused = sum(status != 200 for _, status in statuses)
    leaked = early + sum(status == 200 and at < started for at, status in statuses)
    return Report(
        figures=(
            Figure(
                name=f"{count} clients: the last has all {problems} statements",
                value=last_s,
                unit="s",
                bound=ALL_S,
                note=f"half by {statistics.median(took):.2f} s; {len(took)} have all",
            ),
            Figure(
                name="statements before the start",
                value=leaked,
                unit="",
                bound=0,
                note=f"{refused} requests refused",
            ),
        ),
        details={
            "clients": count,
            "connect_s": round(connected_s, 1),
            "statements_last_s": round(last_s, 3),
            "statements_median_s": round(statistics.median(took), 3),
            "complete": len(took),
            "early": leaked,
        },
    )


async def _until_all(clients: list[Client], problems: int) -> None:
    for _ in range(int(PATIENCE_S / 0.05)):
        if all(each.count >= problems for each in clients):
            return
        await asyncio.sleep(0.05)


async def _ask(service: Service, event_id: UUID) -> list[tuple[float, int]]:
    """Ask for the statements until they are given; returns when and how each was answered."""
    connection = await asking.connect(service.port)
    request = loading.get(f"/v1/events/{event_id}/statements", service.token())
    found: list[tuple[float, int]] = []
    while not found or found[-1][1] != 200:
        status, _ = await connection.ask(request)
        found.append((time.perf_counter(), status))
        await asyncio.sleep(0.05)
    connection.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures.run(lambda: measure(chosen.clients, chosen.problems))


if __name__ == "__main__":
    main()
