"""What is read of workers."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import paging
from api.db.models import Judging, Worker, WorkerFinding, WorkerState
from api.db.models.judgings import ACTIVE
from api.errors import BadRequestError, NotFoundError
from api.workers import schemas

FINDINGS_MAX = 200


async def page(
    session: AsyncSession, *, limit: int, cursor: str | None, gone: bool
) -> tuple[list[schemas.WorkerShown], str | None]:
    """Return workers, latest first, and the cursor of the next page."""
    wanted = select(Worker).order_by(Worker.id.desc()).limit(limit + 1)
    if not gone:
        wanted = wanted.where((Worker.state != WorkerState.GONE) | (Worker.quarantine_reason != ""))
    if cursor is not None:
        try:
            wanted = wanted.where(Worker.id < UUID(paging.decode(cursor)[0]))
        except ValueError as error:
            raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
    found = list(await session.scalars(wanted))
    more = len(found) > limit
    shown = await _shown(session, found[:limit])
    return shown, paging.encode(str(found[limit - 1].id)) if more else None


async def one(session: AsyncSession, worker_id: UUID) -> schemas.WorkerShown:
    """Return a worker."""
    found = await session.get(Worker, worker_id, populate_existing=True)
    if found is None:
        raise NotFoundError("there is no such worker", slug="worker-not-found")
    return (await _shown(session, [found]))[0]


async def _shown(session: AsyncSession, workers: Sequence[Worker]) -> list[schemas.WorkerShown]:
    ids = [each.id for each in workers]
    held = defaultdict(list)
    for row in await session.scalars(
        select(Judging)
        .where(Judging.lease_owner.in_(ids), Judging.state.in_(ACTIVE))
        .order_by(Judging.started_at)
    ):
        held[row.lease_owner].append(
            schemas.HeldShown(
                judging_id=row.id,
                submission_id=row.submission_id,
                state=row.state,
                queue=row.queue,
                started_at=row.started_at,
            )
        )
    against = defaultdict(list)
    for each in await session.scalars(
        select(WorkerFinding)
        .where(WorkerFinding.worker_id.in_(ids), ~WorkerFinding.settled)
        .order_by(WorkerFinding.created_at.desc())
        .limit(FINDINGS_MAX)
    ):
        against[each.worker_id].append(
            schemas.FindingShown(judging_id=each.judging_id, kind=each.kind, at=each.created_at)
        )
    return [
        schemas.WorkerShown(
            **{
                name: getattr(worker, name)
                for name in schemas.WorkerShown.model_fields
                if name not in ("judging", "findings")
            },
            judging=held[worker.id],
            findings=against[worker.id],
        )
        for worker in workers
    ]
