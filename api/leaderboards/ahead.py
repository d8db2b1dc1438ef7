"""A judgement's board made ready before anything is locked, so that one statement stores it all.

What is read of a board is good for as long as nobody takes it: whoever does takes a number
(`api.leaderboards.updating`), and whoever changes the event makes a new version of its row. The
statement does nothing unless both are still what they were. Then somebody else was faster, and
the board is locked first and read afterwards.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.models import Event
from api.events.machine import OVER
from api.leaderboards import cells, desk, scoring, updating
from api.leaderboards.desk import Desk, Logged, Target
from api.leaderboards.updating import Changed, Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A board as it will be, for as long as it is still as it was read."""

    event: Event
    changed: Changed
    values: tuple[Any, ...]

    def stored(self, found: str) -> datetime | None:
        """Return when it was stored, given what `STORED` gave; None when it was not."""
        done, at = json.loads(found)
        return datetime.fromisoformat(at) if done else None


async def ready(session: AsyncSession, known: Known) -> Ready | None:
    """Make a board ready; None when it has to be locked first.

    So it is in a transaction that has begun, of an event that is over, whose changes have
    consequences elsewhere, of one that is being revealed, and of one whose version is not known
    here yet.
    """
    version, event, rules = updating.versions.last(known.event_id) or (None, None, None)
    if event is None or rules is None or event.state in OVER or event.revealed:
        return None
    if await direct.begun(session):
        return None
    target = known.entry_id, known.problem_id
    read = await desk.read(session, rules, [target], {known.entry_id})
    if read.version != version or target[0] not in read.entries or target[1] not in read.problems:
        return None
    _learn(read, target, known)
    strangers = updating.make(read, [target])
    if strangers:
        again = await desk.read(session, rules, [target], {known.entry_id} | strangers)
        if (again.version, again.number) != (version, read.number):
            return None
        _learn(again, target, known)
        updating.make(again, [target])
        read = again
    documents = desk.written(read).documents()
    return Ready(
        event=event,
        changed=updating.changes(read),
        values=(*updating.learned(known), version, read.number, *documents),
    )


def parts(mine: str, ended: str, *, after: int) -> tuple[str, str]:
    """Return the parts of a statement that come before and after `ended`.

    `mine` has a row when there is something to end; `ended` is to be ended when `taken` has one.
    They take the values of `Ready`, as the parameters that come `after` so many others.
    """
    event = after + 1
    version = after + len(updating.LEARNED) + 1
    before = f"""locked AS (
    SELECT event.id, event.xmin::text || event.ctid::text AS version
    FROM {mine}, codebattle.events AS event
    WHERE event.id = ${event}::uuid FOR NO KEY UPDATE OF event
), taken AS (
    INSERT INTO codebattle.board_heads AS head (event_id, number)
    SELECT id, 1 FROM locked WHERE version = ${version}::text
    ON CONFLICT (event_id) DO UPDATE SET number = head.number + 1
        WHERE head.number = ${version + 1}::bigint
    RETURNING event_id
)"""  # noqa: S608 - numbers and our own names
    noted = updating.noted_by(ended, after=after)
    return before, f"noted AS ({noted}), {cells.stored_by(ended, after=version + 1)}"


# The time is read after waiting for the board, not before.
STORED = """
SELECT json_build_array(done, clock_timestamp())::text
FROM (SELECT count(*) AS done FROM ended OFFSET 0) AS counted
"""


def _learn(read: Desk, target: Target, known: Known) -> None:
    """Let the log on a desk say what is not in it yet."""
    submission = str(known.submission_id)
    before = read.log.get(target, [])
    learned = Logged(
        submission_id=submission,
        submitted_at=known.submitted_at,
        verdict=known.verdict,
        score=None if known.score is None else scoring.decimal(known.score),
        groups=known.groups,
        cpu_us=known.cpu_us,
        memory_bytes=known.memory_bytes,
    )
    read.log[target] = [*(each for each in before if each.submission_id != submission), learned]
