"""`/v1/jobs`."""

import asyncio
import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import paging
from api.auth import Scope
from api.db.models import JobState
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import problems
from api.errors import BadRequestError
from api.jobs import schemas, service
from api.live import Listener, Resync, Topic

# Should Redis be silent, a waiting request looks for itself this often.
LOOK_S = 2.0
ENDED = frozenset(each.value for each in JobState if each.final)
router = APIRouter(prefix="/jobs", tags=["jobs"])
Wait = Annotated[float, Query(ge=0, description="Seconds to wait for the end.")]
KindParam = Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_-]*$")]


@router.get("")
async def list_jobs(
    session: SessionDep,
    user: UserDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    kind: KindParam = None,
) -> schemas.JobPage:
    """List one's own jobs, latest first."""
    user.need_scope(Scope.READ)
    found = await service.mine(
        session, user, before=_before(cursor), limit=limit + 1, kind=kind or None
    )
    shown = found[:limit]
    return schemas.JobPage(
        items=[schemas.summary(each) for each in shown],
        next_cursor=paging.encode(str(shown[-1].id)) if len(found) > limit else None,
    )


@router.get("/{job_id}", responses=problems(429))
async def get_job(
    job_id: UUID, parts: PartsDep, user: UserDep, wait: Wait = 0
) -> schemas.JobDetail:
    """Return a job, to its owner and game masters; with `wait`, as soon as it has ended."""
    user.need_scope(Scope.READ)
    deadline = time.monotonic() + min(wait, parts.settings.wait_s_max)
    waiting = user.id if wait else None
    async with parts.hub.listen([Topic.JOB.of(job_id)], waiting=waiting) as updates:
        while True:
            # A connection is held for the reading only, not for the waiting.
            async with parts.sessions() as session:
                found = schemas.detail(await service.one(session, user, job_id))
            left = deadline - time.monotonic()
            if found.state.final or left <= 0:
                return found
            try:
                async with asyncio.timeout(min(left, LOOK_S)):
                    await _something_final(updates)
            except TimeoutError:
                continue


@router.post("/{job_id}/cancel")
async def cancel_job(
    job_id: UUID, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.JobDetail:
    """Cancel a job, as its owner or a game master; one that has ended stays as it is."""
    user.need_scope(Scope.SUBMIT)
    job, changed = await service.cancel(session, user, job_id)
    if changed:
        service.tell(parts, job)
    return schemas.detail(job)


async def _something_final(updates: Listener) -> None:
    while True:
        item = await updates.get()
        if isinstance(item, Resync) or item.update.data.get("state") in ENDED:
            return


def _before(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
