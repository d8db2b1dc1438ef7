"""What readiness looks at in the database."""

from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Judging, JudgingState, Worker, WorkerState

ALIVE = timedelta(seconds=15)


class WorkerSeen(BaseModel):
    """A worker that reported lately."""

    host: str
    backend: str
    slots: int
    state: WorkerState
    self_test: str


async def workers(session: AsyncSession) -> list[WorkerSeen]:
    """Return the workers that reported lately."""
    rows = await session.scalars(
        select(Worker)
        .where(Worker.heartbeat_at > func.now() - ALIVE, Worker.state != WorkerState.GONE)
        .order_by(Worker.started_at)
    )
    return [
        WorkerSeen(
            host=row.host,
            backend=row.backend,
            slots=row.slots,
            state=row.state,
            self_test=str((row.self_test or {}).get("status", "not run")),
        )
        for row in rows
    ]


async def queued(session: AsyncSession) -> int:
    """Return how many judgings wait."""
    counted = await session.scalar(
        select(func.count()).select_from(Judging).where(Judging.state == JudgingState.QUEUED)
    )
    return counted or 0
