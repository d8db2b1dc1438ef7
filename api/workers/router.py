"""`/v1/workers` for game masters, `/v1/queue` for everybody who is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.auth import CurrentUser, Role, Scope
from api.db.models import Queue
from api.deps import PartsDep, SessionDep, UserDep
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.workers import estimating, quarantine, queries, schemas

router = APIRouter(tags=["workers"])


async def _game_master(user: UserDep) -> CurrentUser:
    user.need(Role.GAME_MASTER)
    user.need_scope(Scope.ADMIN)
    return user


GameMasterDep = Annotated[CurrentUser, Depends(_game_master)]


@router.get("/queue")
async def show_queue(user: UserDep, session: SessionDep) -> schemas.QueuesShown:
    """Return what waits by queue, and how long what is handed in now would wait."""
    user.need_scope(Scope.READ)
    waiting = await estimating.queued(session)
    pace = await estimating.pace(session)
    shown, ahead = [], 0
    # In the order of precedence: who waits in one queue waits for those before it.
    for queue in Queue:
        ahead += waiting[queue]
        shown.append(
            schemas.QueueShown(
                queue=queue, queued=waiting[queue], estimated_wait_s=pace.wait_s(ahead)
            )
        )
    return schemas.QueuesShown(slots=pace.slots, judging_s=pace.judging_s, queues=shown)


@router.get("/workers")
async def list_workers(
    _: GameMasterDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
    *,
    gone: Annotated[bool, Query(description="Also those that have ended.")] = False,
) -> schemas.WorkerPage:
    """List workers, latest first, with what they judge and what speaks against them."""
    found, following = await queries.page(session, limit=limit, cursor=cursor, gone=gone)
    return schemas.WorkerPage(items=found, next_cursor=following)


@router.get("/workers/{worker_id}")
async def get_worker(worker_id: UUID, _: GameMasterDep, session: SessionDep) -> schemas.WorkerShown:
    """Return one worker."""
    return await queries.one(session, worker_id)


@router.post("/workers/{worker_id}/quarantine")
async def quarantine_worker(
    worker_id: UUID,
    body: schemas.Why,
    user: GameMasterDep,
    session: SessionDep,
    parts: PartsDep,
) -> schemas.WorkerShown:
    """Let a worker take no work any more; others get what it was judging."""
    await quarantine.put(session, user, worker_id, reason=body.reason)
    await session.commit()
    parts.bell.ring_soon()
    return await queries.one(session, worker_id)


@router.post("/workers/{worker_id}/release")
async def release_worker(
    worker_id: UUID, body: schemas.Why, user: GameMasterDep, session: SessionDep
) -> schemas.WorkerShown:
    """End the quarantine of a worker and its host."""
    await quarantine.release(session, user, worker_id, reason=body.reason)
    await session.commit()
    return await queries.one(session, worker_id)
