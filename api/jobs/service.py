"""Jobs taken in, told of, cancelled and forgotten.

`enqueue` writes the row in the caller's transaction; once that is committed, `begun` tells
followers and rings for a worker.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser
from api.db.base import new_id
from api.db.models import Job, JobLane, JobState
from api.errors import NotFoundError, TooManyError
from api.jobs import claiming, schemas
from api.live import Kind, Topic, Update
from api.queue import JOBS
from api.settings import Settings
from api.wiring import Parts

RETRY_AFTER_S = 5.0


async def enqueue(
    session: AsyncSession,
    settings: Settings,
    kind: str,
    payload: Mapping[str, Any],
    *,
    owner_id: UUID | None,
    lane: JobLane = JobLane.LONG,
    waiting_max: int | None = None,
) -> Job:
    """Queue a job; raises `TooManyError` when its owner has too many that have not ended.

    Each of those puts the new one back by a step, so nobody's pile comes before somebody else's
    first. What an owner queues at the same time takes turns, so that the bound holds.
    """
    waiting = 0
    if owner_id is not None:
        turn = func.pg_advisory_xact_lock(owner_id.int & (1 << 63) - 1)
        await session.execute(select(turn))
        waiting = (
            await session.scalar(
                select(func.count()).where(
                    Job.owner_id == owner_id,
                    Job.lane == lane,
                    Job.state.in_((JobState.QUEUED, JobState.RUNNING)),
                )
            )
            or 0
        )
    most = settings.job_queued_max if waiting_max is None else waiting_max
    if waiting >= most:
        raise TooManyError(
            f"{waiting} of your jobs have not ended yet", retry_after_s=RETRY_AFTER_S, slug="quota"
        )
    job = Job(
        id=new_id(),
        kind=kind,
        lane=lane,
        owner_id=owner_id,
        state=JobState.QUEUED,
        payload=dict(payload),
        progress=0,
        message="",
        due_at=func.now() + timedelta(seconds=waiting * settings.fair_step_s),
        extra={"request_id": structlog.contextvars.get_contextvars().get("request_id", "")},
    )
    session.add(job)
    await session.flush()
    return job


def begun(parts: Parts, job: Job) -> schemas.JobAccepted:
    """Tell of a job whose row is committed and ring for a worker; return what to answer."""
    tell(parts, job)
    parts.bell.ring_soon(JOBS)
    return schemas.JobAccepted(id=job.id, kind=job.kind, state=JobState.QUEUED, url=url(job.id))


def url(job_id: UUID) -> str:
    """Return where a job is read."""
    return f"/v1/jobs/{job_id}"


def tell(parts: Parts, job: Job) -> None:
    """Publish where a job is."""
    parts.announcer.say(
        topics(job.id, job.owner_id),
        update(job.id, job.kind, job.state, progress=job.progress, message=job.message),
    )


def topics(job_id: UUID, owner_id: UUID | None) -> list[str]:
    """Return whose followers are told of a job."""
    told = [Topic.JOB.of(job_id)]
    return told if owner_id is None else [*told, Topic.USER.of(owner_id)]


def update(
    job_id: UUID, kind: str, state: JobState, *, progress: int = 0, message: str = ""
) -> Update:
    """Return what followers are told; the result is read, never told."""
    return Update(
        kind=Kind.JOB,
        data={
            "job_id": str(job_id),
            "kind": kind,
            "state": state.value,
            "progress": progress,
            "message": message,
        },
    )


async def one(session: AsyncSession, user: CurrentUser, job_id: UUID) -> Job:
    """Return a job of the caller's, or any to a game master; raises `NotFoundError`."""
    job = await session.get(Job, job_id)
    if job is None or (job.owner_id != user.id and not user.jury):
        raise NotFoundError("there is no such job", slug="job-not-found")
    return job


async def mine(
    session: AsyncSession,
    user: CurrentUser,
    *,
    before: UUID | None,
    limit: int,
    kind: str | None = None,
) -> list[Job]:
    """Return the caller's jobs, latest first."""
    query = select(Job).where(Job.owner_id == user.id).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Job.id < before)
    if kind is not None:
        query = query.where(Job.kind == kind)
    return list(await session.scalars(query))


async def cancel(session: AsyncSession, user: CurrentUser, job_id: UUID) -> tuple[Job, bool]:
    """Cancel a job unless it has ended; tell whether that changed anything. Commits."""
    job = await one(session, user, job_id)
    changed = await claiming.cancel(session, job_id) is not None
    await session.commit()
    await session.refresh(job)
    return job, changed


async def prune(session: AsyncSession, *, kinds: Mapping[str, float]) -> int:
    """Forget jobs of some kinds that ended so many seconds ago; the caller commits."""
    gone = 0
    for kind, keep_s in kinds.items():
        rows = await session.scalars(
            delete(Job)
            .where(Job.kind == kind, Job.finished_at < func.now() - timedelta(seconds=keep_s))
            .returning(Job.id)
        )
        gone += len(rows.all())
    return gone
