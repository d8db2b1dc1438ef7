"""A worker's own row: made at its start, kept alive, closed at its end."""

import os
import platform
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, case, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Worker, WorkerFinding, WorkerState
from api.workers import quarantine

GONE_AFTER = timedelta(seconds=30)
# Whoever looks at what a worker judged finds it for so long after its end.
GONE_KEPT = timedelta(days=30)


async def register(session: AsyncSession, worker: UUID, *, backend: str, slots: int) -> None:
    """Make a worker known, once; one on a host in quarantine begins there."""
    reason = await quarantine.reason_on(session, platform.node(), backend)
    await session.execute(
        insert(Worker)
        .values(
            id=worker,
            host=platform.node(),
            process_id=os.getpid(),
            version=version("codebattle"),
            backend=backend,
            slots=slots,
            state=WorkerState.QUARANTINED if reason else WorkerState.ACTIVE,
            quarantine_reason=reason,
        )
        .on_conflict_do_nothing()
    )
    await session.commit()


async def beat(
    session: AsyncSession, worker: UUID, *, images: Mapping[str, str] | None = None
) -> WorkerState | None:
    """Say that a worker is alive and what it judges with; return the state others gave it.

    One that others took for gone, since it was silent for long, is there again.
    """
    back = case((Worker.quarantine_reason != "", "quarantined"), else_="active")
    state = await session.scalar(
        update(Worker)
        .where(Worker.id == worker)
        .values(
            heartbeat_at=func.now(),
            images=dict(images or {}),
            state=case((Worker.state == WorkerState.GONE, back), else_=Worker.state),
        )
        .returning(Worker.state)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Worker)
        .where(Worker.heartbeat_at < func.now() - GONE_AFTER, Worker.state != WorkerState.GONE)
        .values(state=WorkerState.GONE)
        .execution_options(synchronize_session=False)
    )
    await session.commit()
    return state


async def self_tested(session: AsyncSession, worker: UUID, result: dict[str, Any]) -> None:
    """Record what came of attacking the own sandbox."""
    await session.execute(update(Worker).where(Worker.id == worker).values(self_test=result))
    await session.commit()


async def drain(session: AsyncSession, worker: UUID) -> None:
    """Say that a worker ends what it holds and takes no more; a quarantine stays one."""
    await session.execute(
        update(Worker)
        .where(Worker.id == worker, Worker.state == WorkerState.ACTIVE)
        .values(state=WorkerState.DRAINING)
    )
    await session.commit()


async def move(session: AsyncSession, worker: UUID, state: WorkerState) -> None:
    """Change a worker's state."""
    await session.execute(update(Worker).where(Worker.id == worker).values(state=state))
    await session.commit()


async def alive(session: AsyncSession) -> list[Worker]:
    """Return the workers there are."""
    rows = await session.scalars(
        select(Worker).where(Worker.state != WorkerState.GONE).order_by(Worker.started_at)
    )
    return list(rows)


async def prune(session: AsyncSession) -> int:
    """Forget workers that are long gone; those in quarantine, or in doubt, stay. Not committed."""
    doubt = exists().where(WorkerFinding.worker_id == Worker.id, ~WorkerFinding.settled)
    removed = await session.execute(
        delete(Worker)
        .where(
            Worker.state == WorkerState.GONE,
            Worker.heartbeat_at < func.now() - GONE_KEPT,
            Worker.quarantine_reason == "",
            ~doubt,
        )
        .execution_options(synchronize_session=False)
    )
    assert isinstance(removed, CursorResult)
    return removed.rowcount
