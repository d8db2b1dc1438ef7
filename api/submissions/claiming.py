"""Who judges what: claims with a lease and a fencing token, and what becomes of lost ones.

A claim is one statement that skips what others are claiming at the same time. Every write after
it names the token of the claim; one that comes too late matches no row and changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CursorResult,
    and_,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Judging, JudgingState, Queue, Worker, WorkerState
from api.db.models.judgings import ACTIVE, FENCING
from judge.verdicts import Verdict

# After a judge error others get this long to take the judging before the same worker may.
ELSEWHERE = timedelta(seconds=3)
# After a restart of PostgreSQL the living get this long to extend what ran out meanwhile.
RESTARTED = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A judging that is ours for as long as the lease lasts."""

    judging_id: UUID
    submission_id: UUID
    version_id: UUID
    user_id: UUID
    current: bool
    queue: Queue
    token: int
    # Workers that failed at it before.
    tried: tuple[UUID, ...] = ()
    # The earlier judgings of the same submission that this one is compared with, if any.
    checks_id: UUID | None = None
    replaces_id: UUID | None = None
    queued_at: datetime
    started_at: datetime

    @property
    def errors(self) -> int:
        """Return how often it ended in a judge error."""
        return len(self.tried)

    # Where its trace began, see `api.tracing`; empty when it is not traced.
    carrier: Mapping[str, str]


async def claim(
    session: AsyncSession, worker: UUID, *, lease_s: float, queues: Collection[Queue]
) -> Claim | None:
    """Claim the judging that is due first, or None when there is none for this worker."""
    first = (
        select(Judging.id)
        .where(
            Judging.state == JudgingState.QUEUED,
            Judging.queue.in_(queues),
            or_(
                ~Judging.tried_workers.contains([worker]),
                Judging.due_at < func.now() - ELSEWHERE,
            ),
            ~Judging.barred_workers.contains([worker]),
            # At once, not only when the worker learns of it with its next heartbeat.
            ~exists().where(Worker.id == worker, Worker.state == WorkerState.QUARANTINED),
        )
        .order_by(Judging.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = (
        await session.execute(
            update(Judging)
            .where(Judging.id == first)
            .values(
                state=JudgingState.COMPILING,
                lease_owner=worker,
                lease_expires_at=func.now() + timedelta(seconds=lease_s),
                fencing_token=FENCING.next_value(),
                attempt=Judging.attempt + 1,
                started_at=func.now(),
            )
            .returning(
                Judging.id,
                Judging.submission_id,
                Judging.version_id,
                Judging.user_id,
                Judging.is_current,
                Judging.queue,
                Judging.fencing_token,
                Judging.tried_workers,
                Judging.checks_id,
                Judging.replaces_id,
                Judging.queued_at,
                Judging.started_at,
                Judging.extra["trace"].label("trace"),
            )
            .execution_options(synchronize_session=False)
        )
    ).first()
    await session.commit()
    if row is None:
        return None
    return Claim(
        judging_id=row.id,
        submission_id=row.submission_id,
        version_id=row.version_id,
        user_id=row.user_id,
        current=row.is_current,
        queue=row.queue,
        token=row.fencing_token,
        tried=tuple(row.tried_workers),
        checks_id=row.checks_id,
        replaces_id=row.replaces_id,
        queued_at=row.queued_at,
        started_at=row.started_at,
        carrier=row.trace or {},
    )


async def extend(
    session: AsyncSession, worker: UUID, held: Mapping[UUID, int], *, lease_s: float
) -> set[UUID]:
    """Extend the leases of held judgings (token by id); return those that are still ours."""
    rows = await session.execute(
        update(Judging)
        .where(
            Judging.lease_owner == worker,
            Judging.id.in_(held),
            Judging.fencing_token.in_(held.values()),
            Judging.state.in_(ACTIVE),
        )
        .values(lease_expires_at=func.now() + timedelta(seconds=lease_s))
        .returning(Judging.id)
        .execution_options(synchronize_session=False)
    )
    kept = set(rows.scalars())
    await session.commit()
    return kept


async def running(session: AsyncSession, claimed: Claim) -> None:
    """Say that compiling is over."""
    await _guarded(session, claimed, {"state": JudgingState.RUNNING})
    await session.commit()


async def give_back(session: AsyncSession, claimed: Claim, *, failed_on: UUID | None) -> bool:
    """Queue a judging again at the front; `failed_on` is a worker that should not get it next."""
    values: dict[str, Any] = {
        "state": JudgingState.QUEUED,
        "lease_owner": None,
        "lease_expires_at": None,
        "due_at": func.now(),
    }
    if failed_on is not None:
        values["tried_workers"] = func.array_append(Judging.tried_workers, failed_on)
    changed = await _guarded(session, claimed, values)
    await session.commit()
    return changed


async def sweep(session: AsyncSession, *, claims_max: int) -> tuple[int, Sequence[UUID]]:
    """Queue again what lost its worker; return how many, and what was claimed too often.

    What kills worker after worker must end some time; the caller makes a judge error of it.
    """
    expired = and_(
        Judging.state.in_(ACTIVE),
        Judging.lease_expires_at < func.now(),
        func.pg_postmaster_start_time() < func.now() - RESTARTED,
    )
    result = await session.execute(
        update(Judging)
        .where(expired, Judging.attempt < claims_max)
        .values(
            state=JudgingState.QUEUED,
            lease_owner=None,
            lease_expires_at=None,
            due_at=func.least(Judging.due_at, func.now()),
        )
        .execution_options(synchronize_session=False)
    )
    hopeless = await session.execute(
        update(Judging)
        .where(expired, Judging.attempt >= claims_max)
        .values(
            state=JudgingState.FAILED,
            lease_owner=None,
            lease_expires_at=None,
            finished_at=func.now(),
            verdict=Verdict.JE,
            reason=f"{claims_max} workers were lost while judging it",
        )
        .returning(Judging.submission_id)
        .execution_options(synchronize_session=False)
    )
    given_up = hopeless.scalars().all()
    await session.commit()
    assert isinstance(result, CursorResult)
    return result.rowcount, given_up


async def any_queued(session: AsyncSession) -> bool:
    """Tell whether something waits."""
    found = await session.scalar(
        text("SELECT EXISTS (SELECT FROM codebattle.judgings WHERE state = 'queued')")
    )
    return bool(found)


async def _guarded(session: AsyncSession, claimed: Claim, values: dict[str, Any]) -> bool:
    """Change a judging if the claim still holds."""
    # On the connection: the object mapper has nothing to add, and this is asked for every judging.
    result = await (await session.connection()).execute(
        update(Judging)
        .where(
            Judging.id == claimed.judging_id,
            Judging.fencing_token == claimed.token,
            Judging.state.in_(ACTIVE),
        )
        .values(values)
    )
    return result.rowcount == 1
