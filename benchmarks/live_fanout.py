"""What a thousand idle streams cost, and how long an update takes to all of them.

    python -m benchmarks.live_fanout [--clients 1000] [--updates 20] [--json]

Starts a Redis of its own and a web server in another process, with the service's middleware; the
streams' state comes from memory, since PostgreSQL has no part in either figure. Memory is the
server's resident set before and after. The time is from just before the publishing to the arrival
at the last client, which is read here, on the same CPUs: what it says is an upper bound.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Response
from redis.asyncio import Redis as Client

from api import logs
from api.auth import CurrentUser
from api.edge import Edge
from api.embedded import Redis
from api.live import Hub, Publisher, Update
from api.live import hub as hub_module
from api.live.following import Follower, View
from api.live.history import Position
from api.live.serving import drained_by_signals
from api.live.sse import StreamResponse
from api.metrics import HttpMetrics
from api.redaction import Audience, Phase
from api.settings import Environment, LogFormat, Settings
from api.tracing import Tracing
from benchmarks import figures
from benchmarks.figures import Figure, Report

TOPIC = "submission:00000000-0000-4000-8000-000000000000"
MIB = 1 << 20
CONNECTING_MAX = 50
CLIENTS = 1000
UPDATES = 20
MEMORY_MB = 100
UPDATE_MS = 250
UPDATE = {"submission_id": "s" * 36, "judging_id": "j" * 36, "index": 3, "total": 10}


class NoState:
    """Everybody may follow everything, and there is nothing to tell."""

    async def views(self, _user: CurrentUser, topics: Sequence[str]) -> Mapping[str, View]:
        """Return an empty view of each topic."""
        view = View(audience=Audience.OWNER, phase=Phase.PRACTICE, state=())
        return dict.fromkeys(topics, view)


def application(redis_url: str) -> FastAPI:
    """Build an application that has nothing but the stream."""
    hub_module.STREAMS_PER_USER_MAX = hub_module.STREAMS_MAX

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = Client.from_url(redis_url)
        hub = Hub(redis)
        hub.start()
        app.state.parts = SimpleNamespace(hub=hub)
        with drained_by_signals(hub):
            yield
        await hub.stop()
        await redis.aclose()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(Tracing)
    app.add_middleware(Edge, settings=Settings(environment=Environment.DEVELOPMENT))
    app.add_middleware(HttpMetrics)

    @app.get("/v1/stream")
    async def stream() -> Response:
        user = CurrentUser(id=UUID(int=1))
        follower = Follower(app.state.parts.hub, NoState(), user, [TOPIC], Position())
        await follower.open()
        return StreamResponse(follower)

    return app


def serve(redis_url: str, socket_path: str) -> None:
    """Run the server; in a process of its own."""
    logs.configure(form=LogFormat.JSON, level="WARNING")
    config = uvicorn.Config(application(redis_url), uds=socket_path, log_config=None)
    uvicorn.Server(config).run()


def resident(pid: int) -> int:
    """Return a process's resident set in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def connect(socket_path: str) -> asyncio.StreamReader:
    """Open one stream and read up to where it is live."""
    reader, writer = await asyncio.open_unix_connection(socket_path)
    writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: bench\r\n\r\n")
    await reader.readuntil(b"event: ready")
    await reader.readuntil(b"\n\n")
    reader._writer = writer  # type: ignore[attr-defined] # noqa: SLF001 - closes when collected
    return reader


async def first(socket_path: str) -> asyncio.StreamReader:
    """Open the first stream, as soon as there is a server."""
    for _ in range(600):
        try:
            return await connect(socket_path)
        except OSError:
            await asyncio.sleep(0.05)
    raise TimeoutError("the server does not start")


async def arrival(reader: asyncio.StreamReader) -> float:
    """Return when the next update arrives."""
    await reader.readuntil(b"event: running")
    return time.perf_counter()


async def measure(clients: int = CLIENTS, updates: int = UPDATES) -> Report:
    """Measure and return the figures."""
    found = await measured(clients, updates)
    memory = found["memory_after_updates_mib"] * MIB / 1e6
    each = f"{found['kib_per_client']} KiB each before any update"
    median_ms = found["median_client_ms"]
    return Report(
        figures=(
            Figure(
                name=f"{clients} idle streams: memory of the API",
                value=memory,
                unit="MB",
                bound=MEMORY_MB,
                note=each,
            ),
            Figure(
                name=f"an update to {clients} streams: at the last, median",
                value=found["last_client_median_ms"],
                unit="ms",
                bound=UPDATE_MS,
                note=f"of {updates}; worst {found['last_client_worst_ms']}, half by {median_ms}",
            ),
        ),
        details=found,
    )


async def measured(clients: int, updates: int) -> dict[str, float]:
    """Return all that was found."""
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as place:
        root = Path(place)
        redis = Redis(root / "redis")
        await redis.start()
        path = str(root / "api.sock")
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.live_fanout", "--serve", redis.url, path)
        )
        try:
            return await _measured(redis.url, path, server.pid, clients, updates)
        finally:
            server.terminate()
            await server.wait()
            await redis.stop()


async def _measured(
    redis_url: str, path: str, pid: int, clients: int, updates: int
) -> dict[str, float]:
    readers = [await first(path)]
    before = resident(pid)
    began = time.perf_counter()
    while len(readers) < clients:
        some = min(CONNECTING_MAX, clients - len(readers))
        readers += await asyncio.gather(*(connect(path) for _ in range(some)))
    connected_s = time.perf_counter() - began
    await asyncio.sleep(1)
    after = resident(pid)
    client = Client.from_url(redis_url)
    publisher = Publisher(client)
    lasts: list[float] = []
    middles: list[float] = []
    for _ in range(updates):
        waiting = [asyncio.create_task(arrival(each)) for each in readers]
        await asyncio.sleep(0.2)
        sent = time.perf_counter()
        await publisher.publish([TOPIC], Update(kind="running", data=UPDATE))
        arrived = [at - sent for at in await asyncio.gather(*waiting)]
        lasts.append(max(arrived))
        middles.append(statistics.median(arrived))
    loaded = resident(pid)
    await client.aclose()
    return {
        "clients": clients,
        "updates": updates,
        "connect_s": round(connected_s, 2),
        "memory_mib": round((after - before) / MIB, 1),
        "memory_after_updates_mib": round((loaded - before) / MIB, 1),
        "kib_per_client": round((after - before) / 1024 / max(1, clients - 1), 1),
        "median_client_ms": round(statistics.median(middles) * 1000, 1),
        "last_client_median_ms": round(statistics.median(lasts) * 1000, 1),
        "last_client_worst_ms": round(max(lasts) * 1000, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("REDIS", "SOCKET"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(*chosen.serve)
    else:
        figures.run(lambda: measure(chosen.clients, chosen.updates))


if __name__ == "__main__":
    main()
