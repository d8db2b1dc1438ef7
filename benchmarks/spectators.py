"""How long a verdict takes from the database to a thousand spectators.

    python -m benchmarks.spectators [--clients 1000] [--verdicts 40] [--json]

The service runs as `codebattle up` starts it and judges real programs of players of an event, one
after the other; everybody follows the event and its room, and so gets the board's updates as well.
The time goes from the judging's `finished_at`, which is when its transaction began, to the arrival
of "solved" at each client, which is read here, on the same CPUs.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from uuid import UUID

from api.db.engine import Sessions, engine, sessions
from api.db.models import EventState, Judging
from benchmarks import asking, figures, loading, serving, waiting
from benchmarks.asking import Connection
from benchmarks.figures import Figure, Report
from benchmarks.measuring import percentile
from benchmarks.serving import Service
from benchmarks.waiting import Client, Played

CLIENTS = 1000
VERDICTS = 40
P95_MS = 500
PATIENCE_S = 30.0
MARK = b'"stage":"solved"'


async def measure(clients: int = CLIENTS, verdicts: int = VERDICTS) -> Report:
    """Measure and return the figures."""
    async with serving.running() as service:
        bound = engine(service.settings, application="benchmark")
        try:
            return await _measured(service, sessions(bound), clients, verdicts)
        finally:
            await bound.dispose()


async def _measured(service: Service, made: Sessions, count: int, verdicts: int) -> Report:
    played = await waiting.event(made, state=EventState.LIVE, problems=1, text="", players=verdicts)
    topics = [f"event:{played.id}", f"room:{played.room}"]
    clients = await waiting.crowd(service, topics, count, MARK)
    connection = await asking.connect(service.port)
    took_ms: list[float] = []
    before = service.cpu()
    for number in range(verdicts):
        took_ms += await _one(service, made, connection, played, number, clients)
    after = service.cpu()
    connection.close()
    waiting.hang_up(clients)
    lost = verdicts * count - len(took_ms)
    p95 = percentile(took_ms, 95)
    return Report(
        figures=(
            Figure(
                name=f"verdict stored, until {count} spectators have it: 95 %",
                value=p95,
                unit="ms",
                bound=P95_MS,
                note=f"of {verdicts} verdicts; worst {max(took_ms):.0f} ms; {lost} lost",
            ),
        ),
        details={
            "clients": count,
            "verdicts": verdicts,
            "p50_ms": round(percentile(took_ms, 50), 1),
            "p95_ms": round(p95, 1),
            "worst_ms": round(max(took_ms), 1),
            "lost": lost,
            # How much of the delay is work, and how much is waiting for a CPU.
            "api_cpu_ms_per_verdict": round(1000 * (after["api"] - before["api"]) / verdicts, 1),
        },
    )


async def _one(
    service: Service,
    made: Sessions,
    connection: Connection,
    played: Played,
    number: int,
    clients: Sequence[Client],
) -> list[float]:
    """Have a player's program judged; returns how long each client waited for the end."""
    new = {
        "problem": "P0",
        "language": "python3",
        "source": f"{serving.PYTHON}# {number}\n",
        "event_id": str(played.id),
    }
    token = service.token(played.players[number])
    request = loading.post("/v1/submissions", token, json.dumps(new).encode())
    status, answer = await connection.ask(request)
    if status != 202:
        raise RuntimeError(f"not taken in: {status} {answer}")
    for _ in range(int(PATIENCE_S / 0.02)):
        if all(each.count > number for each in clients):
            break
        await asyncio.sleep(0.02)
    async with made() as session:
        judging = await session.get_one(Judging, UUID(answer["judging_id"]))
    if judging.finished_at is None:
        raise RuntimeError("not judged")
    stored = judging.finished_at.timestamp()
    return [(each.wall - stored) * 1000 for each in clients if each.count > number]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--verdicts", type=int, default=VERDICTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures.run(lambda: measure(chosen.clients, chosen.verdicts))


if __name__ == "__main__":
    main()
