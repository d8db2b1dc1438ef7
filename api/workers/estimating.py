"""How long the queue is, in judgings and in seconds: from what judgings lately took."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Judging, JudgingState, Queue

# The last judgings of each worker that is there; found by an index, so it costs next to nothing.
MEASURED = """
SELECT
    coalesce(sum(worker.slots), 0)::int AS slots,
    (
        SELECT avg(seconds) FROM (
            SELECT extract(epoch FROM judging.finished_at - judging.started_at)::float AS seconds
            FROM codebattle.workers AS active
            CROSS JOIN LATERAL (
                SELECT finished_at, started_at FROM codebattle.judgings
                WHERE judged_by = active.id ORDER BY finished_at DESC LIMIT 20
            ) AS judging
            WHERE active.state = 'active' AND active.heartbeat_at > now() - interval '15 seconds'
        ) AS lately
    ) AS judging_s
FROM codebattle.workers AS worker
WHERE worker.state = 'active' AND worker.heartbeat_at > now() - interval '15 seconds'
"""
# Nobody has judged anything yet.
JUDGING_S_GUESS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly work is done: slots of the workers there are, seconds a judging takes."""

    slots: int = 0
    judging_s: float | None = None

    def wait_s(self, ahead: int) -> float | None:
        """Return how long so many judgings take; None when nobody judges."""
        if not self.slots:
            return None
        seconds = JUDGING_S_GUESS if self.judging_s is None else self.judging_s
        return round(ahead * seconds / self.slots, 1)

    def retry_after_s(self, ahead: int) -> float:
        """Return when to come back: when a good part is done, and within reason."""
        wait = self.wait_s(ahead)
        return 30.0 if wait is None else math.ceil(min(600.0, max(1.0, wait / 10)))


async def pace(session: AsyncSession) -> Pace:
    """Measure."""
    row = (await session.execute(text(MEASURED))).one()
    return Pace(slots=row.slots, judging_s=row.judging_s)


async def queued(session: AsyncSession) -> Mapping[Queue, int]:
    """Return how many judgings wait, by queue."""
    rows = await session.execute(
        select(Judging.queue, func.count())
        .where(Judging.state == JudgingState.QUEUED)
        .group_by(Judging.queue)
    )
    found = {row[0]: row[1] for row in rows}
    return {queue: found.get(queue, 0) for queue in Queue}
