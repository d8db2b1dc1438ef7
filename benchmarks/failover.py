"""How long a submission waits for another worker when the one that judges it is killed.

    python -m benchmarks.failover [--json]

The whole service, and a second worker of our own; each has one slot. Whoever holds the judging is
killed in the middle of it while the other waits. What the verdict then takes, less what the whole
program takes undisturbed, is the time until somebody else began. Killed workers are started again.
"""

import asyncio
import os
import signal
import sys
import time
from uuid import UUID, uuid4

import asyncpg

from api.embedded import Redis
from benchmarks import asking, figures, loading, serving
from benchmarks.asking import Connection, Told
from benchmarks.figures import Figure, Report
from benchmarks.measuring import median
from benchmarks.serving import Service

ROUNDS = 4
WORKERS = 2
TIMEOUT_S = 60.0
POLL_S = 0.01
# Some cases have been run by then, and some are still to come.
INTO_S = 0.6
SLOW = "import time\ntime.sleep(0.3)\n"
_HOLDER = """
SELECT worker.process_id FROM codebattle.judgings AS judging
JOIN codebattle.workers AS worker ON worker.id = judging.lease_owner
WHERE judging.submission_id = $1 AND judging.state IN ('compiling', 'running')
"""
_TOOK = """
SELECT extract(epoch FROM finished_at - started_at)::float
FROM codebattle.judgings WHERE submission_id = $1
"""
_BOOKS = """
SELECT count(*), max(attempt) FROM codebattle.judgings
WHERE submission_id = $1 AND verdict = 'AC'
"""
_WORKERS = "SELECT process_id FROM codebattle.workers WHERE state = 'active'"
Process = asyncio.subprocess.Process


async def measure() -> Report:
    """Kill a worker some times and return the figures."""
    waits, own = [], []
    env = {"CODEBATTLE_JUDGE_SLOTS": "1"}
    async with serving.running(env=env) as service:
        token = service.token()
        database = await service.connect()
        connection = await asking.connect(service.port)
        second = await _worker(service, env)
        try:
            async with asking.following(service.port, token) as told:
                for _ in range(ROUNDS):
                    await _all_there(database)
                    plain = await _submit(connection, token)
                    await _end(told, plain)
                    own.append(await database.fetchval(_TOOK, UUID(plain)))
                    waits.append(await _killed(connection, told, database, token) - own[-1])
                    if second.returncode is not None:
                        second = await _worker(service, env)
        finally:
            if second.returncode is None:
                second.terminate()
            await second.wait()
        connection.close()
        await database.close()
    return Report(
        figures=(
            Figure(
                name="a worker is killed: until another judges, most",
                value=max(waits),
                unit="s",
                bound=5,
                note=f"median {median(waits):.2f} of {ROUNDS}; program {median(own):.2f} s",
            ),
        ),
        details={"waits_s": waits, "program_s": own},
    )


async def _worker(service: Service, env: dict[str, str]) -> Process:
    chosen = {
        "DATABASE_URL": service.settings.database_url.get_secret_value(),
        "REDIS_URL": Redis(service.data / "redis").url,
        "DATA_DIR": str(service.data),
        "ENVIRONMENT": "development",
    }
    named = {f"CODEBATTLE_{name}": value for name, value in chosen.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api", "worker"),
        env=serving.environment() | env | named,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _all_there(database: asyncpg.Connection) -> None:
    """Wait until as many workers as there should be live."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            pids = [row["process_id"] for row in await database.fetch(_WORKERS)]
            if sum(_lives(pid) for pid in pids) == WORKERS:
                return
            await asyncio.sleep(POLL_S)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _submit(connection: Connection, token: str) -> str:
    body = serving.body(f"{SLOW}{serving.PYTHON}# {uuid4()}\n")
    status, answer = await connection.ask(loading.post("/v1/submissions", token, body))
    if status != 202:
        raise RuntimeError(f"a submission was answered {status}")
    return str(answer["id"])


async def _end(told: asyncio.Queue[Told], submission: str) -> float:
    """Return when the end was told."""
    async with asyncio.timeout(TIMEOUT_S):
        return (await asking.ended(told, submission))[-1].at


async def _holder(database: asyncpg.Connection, submission: str) -> int:
    """Return the process that judges a submission, as soon as there is one."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            found: int | None = await database.fetchval(_HOLDER, UUID(submission))
            if found is not None:
                return found
            await asyncio.sleep(POLL_S)


async def _killed(
    connection: Connection, told: asyncio.Queue[Told], database: asyncpg.Connection, token: str
) -> float:
    """Submit, kill who judges it, and return the seconds from then to the verdict."""
    submission = await _submit(connection, token)
    holder = await _holder(database, submission)
    await asyncio.sleep(INTO_S)
    os.kill(holder, signal.SIGKILL)
    began = time.time()
    ended = await _end(told, submission)
    count, attempt = await database.fetchrow(_BOOKS, UUID(submission)) or (0, 0)
    if (count, attempt) != (1, 2):
        raise RuntimeError(f"{count} right judgements, claimed {attempt} times: nobody was killed")
    return ended - began


if __name__ == "__main__":
    figures.run(measure)
