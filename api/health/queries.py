"""What readiness and metrics look at in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Judging, JudgingState, Queue, Worker, WorkerState

ALIVE = timedelta(seconds=15)
PASSED = "passed"
NOT_RUN = "not run"


class WorkerSeen(BaseModel):
    """A worker that reported lately; who may know its host asks `/v1/workers`."""

    id: UUID
    backend: str
    slots: int
    state: WorkerState
    self_test: str

    @property
    def fit(self) -> bool:
        """Tell whether it takes work and its sandbox was attacked in vain."""
        return self.state is WorkerState.ACTIVE and self.self_test == PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The queue: judgings that wait, and the age of the oldest."""

    by_queue: Mapping[Queue, int]
    oldest_s: float

    @property
    def total(self) -> int:
        """Return how many judgings wait."""
        return sum(self.by_queue.values())


async def workers(session: AsyncSession) -> list[WorkerSeen]:
    """Return the workers that reported lately."""
    rows = await session.scalars(
        select(Worker)
        .where(Worker.heartbeat_at > func.now() - ALIVE, Worker.state != WorkerState.GONE)
        .order_by(Worker.started_at)
    )
    return [
        WorkerSeen(
            id=row.id,
            backend=row.backend,
            slots=row.slots,
            state=row.state,
            self_test=str((row.self_test or {}).get("status", NOT_RUN)),
        )
        for row in rows
    ]


async def waiting(session: AsyncSession) -> Waiting:
    """Return the state of the queue."""
    rows = await session.execute(
        select(
            Judging.queue,
            func.count(),
            func.extract("epoch", func.now() - func.min(Judging.queued_at)),
        )
        .where(Judging.state == JudgingState.QUEUED)
        .group_by(Judging.queue)
    )
    found = [(queue, count, float(age)) for queue, count, age in rows]
    return Waiting(
        by_queue={queue: count for queue, count, _ in found},
        oldest_s=max((age for _, _, age in found), default=0.0),
    )
