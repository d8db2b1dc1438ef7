"""Who does which job: claims with a lease and a fencing token, as `api.submissions.claiming` does.

Every write after the claim names its token; one that comes too late matches no row and changes
nothing. A cancelled job is one whose claim no longer holds.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, and_, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import cleaned
from api.db.models import Job, JobLane, JobState
from api.db.models.judgings import FENCING

# After a failure of ours a job rests for as long as this times its tries.
RETRY_S = 5.0
Store = Callable[[AsyncSession], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClaim:
    """A job that is ours for as long as the lease lasts."""

    job_id: UUID
    kind: str
    owner_id: UUID | None
    payload: dict[str, Any]
    request_id: str
    token: int
    attempt: int


async def claim(
    session: AsyncSession, worker: UUID, lane: JobLane, *, kinds: Collection[str], lease_s: float
) -> JobClaim | None:
    """Claim the job of a lane that is due first, or None when there is none of these kinds."""
    first = (
        select(Job.id)
        .where(
            Job.state == JobState.QUEUED,
            Job.lane == lane,
            Job.kind.in_(kinds),
            # What was never tried is only ordered by the time; what failed waits for it.
            or_(Job.attempt == 0, Job.due_at <= func.now()),
        )
        .order_by(Job.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = (
        await session.execute(
            update(Job)
            .where(Job.id == first)
            .values(
                state=JobState.RUNNING,
                lease_owner=worker,
                lease_expires_at=func.now() + timedelta(seconds=lease_s),
                fencing_token=FENCING.next_value(),
                attempt=Job.attempt + 1,
                progress=0,
                started_at=func.now(),
            )
            .returning(
                Job.id,
                Job.kind,
                Job.owner_id,
                Job.payload,
                Job.extra,
                Job.fencing_token,
                Job.attempt,
            )
            .execution_options(synchronize_session=False)
        )
    ).first()
    await session.commit()
    if row is None:
        return None
    return JobClaim(
        job_id=row.id,
        kind=row.kind,
        owner_id=row.owner_id,
        payload=row.payload,
        request_id=str(row.extra.get("request_id", "")),
        token=row.fencing_token,
        attempt=row.attempt,
    )


async def extend(
    session: AsyncSession, worker: UUID, held: Mapping[UUID, int], *, lease_s: float
) -> set[UUID]:
    """Extend the leases of held jobs (token by id); return those that are still ours."""
    rows = await session.execute(
        update(Job)
        .where(
            Job.lease_owner == worker,
            Job.id.in_(held),
            Job.fencing_token.in_(held.values()),
            Job.state == JobState.RUNNING,
        )
        .values(lease_expires_at=func.now() + timedelta(seconds=lease_s))
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    kept = set(rows.scalars())
    await session.commit()
    return kept


async def advance(session: AsyncSession, claimed: JobClaim, progress: int, message: str) -> bool:
    """Say how far a job is."""
    said = {"progress": progress, "message": cleaned(message)}
    changed = await _guarded(session, claimed, said)
    await session.commit()
    return changed


async def give_back(session: AsyncSession, claimed: JobClaim, *, failed: bool) -> bool:
    """Queue a job again: at the front, and uncounted, unless it `failed`."""
    values: dict[str, Any] = {"state": JobState.QUEUED, **_RELEASED, "due_at": func.now()}
    if failed:
        values["due_at"] = func.now() + timedelta(seconds=RETRY_S * claimed.attempt)
    else:
        values["attempt"] = Job.attempt - 1
    changed = await _guarded(session, claimed, values)
    await session.commit()
    return changed


async def finish(
    session: AsyncSession,
    claimed: JobClaim,
    *,
    result: Mapping[str, Any] | None,
    error: Mapping[str, Any] | None,
    store: Store | None = None,
    forget: bool = False,
) -> bool:
    """End a job; False when the lease was lost and nothing was stored.

    `store` writes what the job made in the same transaction, and what it returns is added to the
    result: a job whose lease is lost leaves nothing behind. `forget` empties the payload.
    """
    held = await session.scalar(
        select(Job.id)
        .where(Job.id == claimed.job_id, Job.fencing_token == claimed.token)
        .where(Job.state == JobState.RUNNING)
        .with_for_update()
    )
    if held is None:
        await session.rollback()
        return False
    made = await store(session) if store is not None else {}
    values: dict[str, Any] = {
        "state": JobState.DONE if error is None else JobState.FAILED,
        **_RELEASED,
        "finished_at": func.now(),
        "result": None if result is None and not made else cleaned({**(result or {}), **made}),
        "error": None if error is None else cleaned(dict(error)),
    }
    if error is None:
        values |= {"progress": 100, "message": ""}
    if forget:
        values["payload"] = {}
    await _guarded(session, claimed, values)
    await session.commit()
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found: how many were queued again, which were given up, which lanes wait."""

    again: int
    given_up: list[tuple[UUID, str, UUID | None]]
    waiting: frozenset[JobLane]


async def sweep(
    session: AsyncSession, *, attempts_max: int, problem: Callable[[UUID, str], dict[str, Any]]
) -> Swept:
    """Queue again what lost its worker; what lost too many ends with a `problem` of ours."""
    expired = and_(Job.state == JobState.RUNNING, Job.lease_expires_at < func.now())
    result = await session.execute(
        update(Job)
        .where(expired, Job.attempt < attempts_max)
        .values(state=JobState.QUEUED, **_RELEASED, due_at=func.least(Job.due_at, func.now()))
        .execution_options(synchronize_session=False)
    )
    rows = await session.scalars(
        select(Job).where(expired, Job.attempt >= attempts_max).with_for_update(skip_locked=True)
    )
    given_up = []
    for job in rows:
        job.state = JobState.FAILED
        job.lease_owner = job.lease_expires_at = None
        job.finished_at = await session.scalar(select(func.now()))
        if job.lane is JobLane.QUICK:
            job.payload = {}
        job.error = problem(job.id, str(job.extra.get("request_id", "")))
        given_up.append((job.id, job.kind, job.owner_id))
    due = or_(Job.attempt == 0, Job.due_at <= func.now())
    lanes = await session.scalars(
        select(Job.lane).where(Job.state == JobState.QUEUED, due).distinct()
    )
    waiting = frozenset(lanes)
    await session.commit()
    assert isinstance(result, CursorResult)
    return Swept(again=result.rowcount, given_up=given_up, waiting=waiting)


async def cancel(session: AsyncSession, job_id: UUID) -> datetime | None:
    """End a job that has not ended; return when, or None when it had. The caller commits."""
    return await session.scalar(
        update(Job)
        .where(Job.id == job_id, Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
        .values(
            state=JobState.CANCELLED,
            **_RELEASED,
            finished_at=func.now(),
            message="",
            # What was tried is nobody's business any more, here as in `finish`.
            payload=case((Job.lane == JobLane.QUICK, literal({}, JSONB)), else_=Job.payload),
        )
        .returning(Job.finished_at)
        .execution_options(synchronize_session=False)
    )


_RELEASED: Mapping[str, Any] = {"lease_owner": None, "lease_expires_at": None}


async def _guarded(session: AsyncSession, claimed: JobClaim, values: dict[str, Any]) -> bool:
    """Change a job if the claim still holds."""
    result = await session.execute(
        update(Job)
        .where(
            Job.id == claimed.job_id,
            Job.fencing_token == claimed.token,
            Job.state == JobState.RUNNING,
        )
        .values(values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
