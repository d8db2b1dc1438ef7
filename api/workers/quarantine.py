"""Quarantine: a worker that takes no work, by hand or by what it judged, until it is released.

It lies on the host: what starts there again stays in quarantine, or a restart would be a way out.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import Judging, JudgingState, Worker, WorkerFinding, WorkerState
from api.db.models.judgings import ACTIVE
from api.errors import ConflictError, NotFoundError
from api.logs import logger
from api.metrics import QUARANTINES

# Whoever was heard of within this is there.
ALIVE = timedelta(seconds=15)
_log = logger(__name__)


async def put(
    session: AsyncSession, actor: CurrentUser | None, worker_id: UUID, *, reason: str
) -> Worker:
    """Put a worker into quarantine; others get what it was judging. The caller commits.

    Again is no error and changes nothing; nobody as actor means that its judgements did it.
    """
    worker = await _locked(session, worker_id)
    if worker.state is WorkerState.QUARANTINED:
        return worker
    if worker.state is WorkerState.GONE:
        raise ConflictError(
            "this worker is gone", slug="worker-state", state=worker.state.value, allowed=[]
        )
    before = worker.state
    worker.state = WorkerState.QUARANTINED
    worker.quarantine_reason = reason
    await session.flush()
    freed = await session.execute(
        update(Judging)
        .where(Judging.lease_owner == worker_id, Judging.state.in_(ACTIVE))
        .values(
            state=JudgingState.QUEUED, lease_owner=None, lease_expires_at=None, due_at=func.now()
        )
        .execution_options(synchronize_session=False)
    )
    assert isinstance(freed, CursorResult)
    detail = {"reason": reason, "before": before.value, "given_to_others": freed.rowcount}
    audit.record(session, actor, "worker.quarantined", subject=("worker", worker_id), detail=detail)
    QUARANTINES.labels("judgements" if actor is None else "person").inc()
    _log.error("worker.quarantined", suspect=str(worker_id), host=worker.host, **detail)
    return worker


async def release(
    session: AsyncSession, actor: CurrentUser, worker_id: UUID, *, reason: str
) -> Worker:
    """End a quarantine, on the whole host; what was found before no longer counts."""
    worker = await _locked(session, worker_id)
    if not worker.quarantine_reason:
        if worker.state is WorkerState.ACTIVE:
            return worker
        raise ConflictError(
            f"this worker is {worker.state} and not in quarantine",
            slug="worker-state",
            state=worker.state.value,
            allowed=["quarantine"] if worker.state is WorkerState.DRAINING else [],
        )
    detail = {"reason": reason, "quarantined_for": worker.quarantine_reason}
    fellows = (
        select(Worker.id)
        .where(Worker.host == worker.host, Worker.backend == worker.backend)
        .scalar_subquery()
    )
    await session.execute(
        update(WorkerFinding)
        .where(WorkerFinding.worker_id.in_(fellows), ~WorkerFinding.settled)
        .values(settled=True)
        .execution_options(synchronize_session=False)
    )
    held = (Worker.id.in_(fellows), Worker.quarantine_reason != "")
    await session.execute(
        update(Worker)
        .where(*held, Worker.state == WorkerState.QUARANTINED)
        .values(state=WorkerState.ACTIVE)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Worker)
        .where(*held)
        .values(quarantine_reason="")
        .execution_options(synchronize_session=False)
    )
    audit.record(session, actor, "worker.released", subject=("worker", worker_id), detail=detail)
    await session.refresh(worker)
    _log.warning("worker.released", released=str(worker_id), host=worker.host, **detail)
    return worker


async def reason_on(session: AsyncSession, host: str, backend: str) -> str:
    """Return why there is a quarantine on a host, or nothing."""
    found = await session.scalar(
        select(Worker.quarantine_reason)
        .where(Worker.host == host, Worker.backend == backend, Worker.quarantine_reason != "")
        .order_by(Worker.started_at.desc())
        .limit(1)
    )
    return found or ""


async def _locked(session: AsyncSession, worker_id: UUID) -> Worker:
    worker = await session.get(Worker, worker_id, with_for_update=True)
    if worker is None:
        raise NotFoundError("there is no such worker", slug="worker-not-found")
    return worker
