"""The time it takes to judge anew what a killed worker held."""

import asyncio
import time
from uuid import UUID

import asyncpg
import pytest

from api.embedded.postgres import DATABASE

from . import stack
from .killing import Killer
from .players import Log, Player
from .programs import SLOW
from .stack import Kind, Stack

pytestmark = [pytest.mark.slow, pytest.mark.docker]
WAIT_S = 60.0
POLL_S = 0.02
# A killed worker's submission is judged within what it takes by itself and this.
FAILOVER_S = 5.0
_STATE = """
SELECT judgings.*, workers.process_id
FROM codebattle.judgings LEFT JOIN codebattle.workers ON workers.id = judgings.lease_owner
WHERE judgings.submission_id = $1
"""


async def test_a_killed_workers_submission_is_judged_elsewhere() -> None:
    """Within its own time and five seconds."""
    async with stack.running(workers=2, apis=1) as held:
        connection = await held.postgres.connect(DATABASE)
        try:
            own_s, _ = await _judged(held, connection, kill=False)
            failed_over_s, attempts = await _judged(held, connection, kill=True)
        finally:
            await connection.close()

    assert attempts == 2
    assert failed_over_s <= own_s + FAILOVER_S


async def _judged(held: Stack, connection: asyncpg.Connection, *, kill: bool) -> tuple[float, int]:
    """Have a program judged; return how long it took, from the kill on if there is one."""
    player = Player(int(kill), held.settings, held.urls, Log(), seed=0)
    taken = await player.send(SLOW)
    row = await _until(connection, taken.id, "running")
    killer = Killer(held, 0, (0, 0))
    if kill:
        holder = next(
            part
            for part in held.of(Kind.WORKER)
            if isinstance(part.server, stack.Program) and part.server.pid == row["process_id"]
        )
        await killer.kill(holder, delay_s=WAIT_S)
    row = await _until(connection, taken.id, "done")
    began = killer.killed[0].at if kill else row["started_at"].timestamp()
    assert row["verdict"] == SLOW.verdict.value
    return row["finished_at"].timestamp() - began, row["attempt"]


async def _until(connection: asyncpg.Connection, submission: UUID, state: str) -> asyncpg.Record:
    deadline = time.monotonic() + WAIT_S
    while True:
        row = await connection.fetchrow(_STATE, submission)
        assert row is not None
        if row["state"] == state:
            return row
        assert time.monotonic() < deadline, row
        await asyncio.sleep(POLL_S)
