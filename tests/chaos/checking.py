"""What must be true when everything is over. Each check returns what is wrong, one line each."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from api.embedded.postgres import DATABASE
from judge.sandbox.worker import UID_FIRST

from .killing import Killing
from .players import Log
from .stack import Kind, Stack

DRAIN_S = 180.0
GONE_S = 20.0
POLL_S = 0.2
_JUDGINGS = """
SELECT id, submission_id, is_current, state, verdict, lease_owner, attempt,
       cardinality(tried_workers) AS errors, started_at, finished_at, fencing_token,
       (SELECT count(*) FROM codebattle.runs WHERE judging_id = judgings.id) AS runs
FROM codebattle.judgings
"""
_UNTOLD = "SELECT count(*) FROM codebattle.judgings WHERE state NOT IN ('done', 'failed')"
_OUTBOX = "SELECT key FROM codebattle.outbox WHERE kind = 'submission.judged'"
Rows = Sequence[asyncpg.Record]


async def drained(stack: Stack) -> list[str]:
    """Wait until nothing is queued or judged any more."""
    deadline = time.monotonic() + DRAIN_S
    connection = await stack.postgres.connect(DATABASE)
    try:
        while left := await connection.fetchval(_UNTOLD):
            if time.monotonic() > deadline:
                return [f"{left} judgings are not over after {DRAIN_S:.0f} s"]
            await asyncio.sleep(POLL_S)
    finally:
        await connection.close()
    return []


async def judged(stack: Stack, log: Log) -> tuple[list[str], Rows]:
    """Compare PostgreSQL with what was accepted; returns the judgings as well."""
    connection = await stack.postgres.connect(DATABASE)
    try:
        judgings = await connection.fetch(_JUDGINGS)
        stored = await connection.fetch("SELECT id FROM codebattle.code_submissions")
        told = Counter(UUID(row["key"]) for row in await connection.fetch(_OUTBOX))
    finally:
        await connection.close()
    wrong = _differences("submission", {row["id"] for row in stored}, set(log.accepted))
    current = {row["submission_id"]: row for row in judgings if row["is_current"]}
    wrong += _differences("current judging of", set(current), set(log.accepted))
    if len(judgings) != len(log.accepted):
        wrong.append(f"{len(judgings)} judgings of {len(log.accepted)} submissions")
    for identity, row in current.items():
        taken = log.accepted.get(identity)
        if taken is not None:
            expected = ("done", taken.program.verdict.value, None, taken.program.runs)
            found = (row["state"], row["verdict"], row["lease_owner"], row["runs"])
            if found != expected:
                wrong.append(f"{identity} ({taken.program.name}): {found}, not {expected}")
    events = {row["id"] for row in current.values()}
    wrong += _differences("outbox event of", set(told), events)
    wrong += [f"{key} is {count} times in the outbox" for key, count in told.items() if count > 1]
    return wrong, judgings


def _differences(what: str, found: set[UUID], expected: set[UUID]) -> list[str]:
    return [f"no {what} {each}" for each in sorted(expected - found)] + [
        f"a {what} {each} that nobody was promised" for each in sorted(found - expected)
    ]


async def nothing_left(stack: Stack) -> tuple[list[str], str]:
    """Once the workers have ended there is no container, and no process of a submission.

    Docker itself, killed while it makes or removes a container, forgets what stands between: an
    empty one that never began, a supervisor with nobody to speak to. They are told, as the second.
    """
    deadline = time.monotonic() + GONE_S
    while True:
        containers = await asyncio.to_thread(stack.engine.containers)
        processes = stack.engine.processes()
        if not containers and not processes:
            return [], "nothing"
        if time.monotonic() > deadline:
            wrong = [f"left behind: container {each}" for each in containers]
            wrong += [
                f"left behind: process {pid}, {name} of user {user}"
                for pid, (user, name) in processes.items()
                if user >= UID_FIRST
            ]
            return wrong, ", ".join(sorted(name for _, name in processes.values())) or "nothing"
        await asyncio.sleep(POLL_S)


def failovers(killed: Sequence[Killing], judgings: Rows) -> list[tuple[float, float, bool]]:
    """Return for what killed workers held: seconds until it began elsewhere, until its verdict.

    The third says whether nothing else was killed meanwhile that could delay it.
    """
    rows = {row["id"]: row for row in judgings}
    found = []
    for each in killed:
        for identity, token in each.held:
            row = rows.get(identity)
            if row is None or row["finished_at"] is None or row["fencing_token"] == token:
                # The last is one that was stored just before the kill.
                continue
            begun = row["started_at"].timestamp() - each.at
            ended = row["finished_at"].timestamp() - each.at
            others = (
                other
                for other in killed
                if other is not each and other.kind not in {Kind.API, Kind.REDIS}
            )
            alone = not any(each.at - 5 < other.at < each.at + ended for other in others)
            found.append((begun, ended, alone))
    return found
