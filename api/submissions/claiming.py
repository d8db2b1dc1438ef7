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

from api import clocks, redaction
from api.db import direct
from api.db.base import cleaned, document
from api.db.models import Judging, JudgingState, Queue, Worker, WorkerState
from api.db.models.judgings import ACTIVE, FENCING
from api.leaderboards import updating
from api.leaderboards.updating import Changed, Known
from api.live import Kind
from api.neighbours import outbox
from api.redaction import Audience, Phase
from api.workers import watching
from api.workers.watching import NOT_WATCHED, Ended, Watch
from judge.results import Judgement
from judge.verdicts import Verdict

JUDGED = "submission.judged"
# After a judge error others get this long to take the judging before the same worker may.
ELSEWHERE = timedelta(seconds=3)
# After a restart of PostgreSQL the living get this long to extend what ran out meanwhile.
RESTARTED = timedelta(seconds=2)
# The end of a judging whose claim still holds, its runs, and what others are told of it.
_JUDGED = """
WITH ended AS (
    UPDATE codebattle.judgings SET
        judged_by = lease_owner, lease_owner = NULL, lease_expires_at = NULL, finished_at = now(),
        state = $3, verdict = $4, score = $5, cpu_us = $6, wall_us = $7, memory_bytes = $8,
        case_total = $9, compile_log = $10, reason = $11, record = $12::jsonb
    WHERE id = $1 AND fencing_token = $2 AND state IN ('compiling', 'running')
    RETURNING id
), made AS (
    INSERT INTO codebattle.runs
    SELECT run.* FROM ended,
        jsonb_populate_recordset(null::codebattle.runs, $13::jsonb) AS run
), said AS ({said}){more}
""".replace("{said}", outbox.said_by("ended", after=13))
_ALONE = _JUDGED.replace("{more}", " SELECT id::text FROM ended")
# The same with what an event's board learns of it, last, since others wait for the board's lock.
_ON_BOARD = _JUDGED.replace(
    "{more}", f", {updating.recorded_by('ended', after=17)} {updating.RECORDED}"
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Whether a judgement was stored, or its lease was lost; what changed on a board, and when."""

    stored: bool
    changed: Changed | None = None
    phase: Phase | None = None


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


async def store(
    session: AsyncSession,
    claimed: Claim,
    judgement: Judgement,
    *,
    told: Mapping[str, Any],
    watch: Watch = NOT_WATCHED,
    known: Known | None = None,
) -> Stored:
    """Store a judgement, and what it changes on its event's board.

    `told` goes to other services and `known` onto the board when this is the judgement that
    counts. What it says of its worker, or of another, is noted in the same transaction.
    """
    record = judgement.to_json()
    runs = record.pop("runs")
    state = JudgingState.FAILED if judgement.verdict is Verdict.JE else JudgingState.DONE
    counts = claimed.current and state is JudgingState.DONE
    done = Ended(
        judging_id=claimed.judging_id,
        verdict=judgement.verdict,
        drawn=claimed.current and watching.drawn(watch),
        tried=claimed.tried,
        checks_id=claimed.checks_id,
        replaces_id=claimed.replaces_id,
    )
    board = known if counts else None
    # What is concluded locks others' rows, which must not wait for whoever waits for the board.
    together = board is not None and not done.telling
    found = await direct.ask(
        session,
        _ON_BOARD if together else _ALONE,
        claimed.judging_id,
        claimed.token,
        state,
        judgement.verdict,
        None if judgement.score is None else float(judgement.score),
        judgement.cpu_us,
        judgement.wall_us,
        judgement.memory_bytes,
        judgement.case_total,
        cleaned(judgement.compile_log),
        cleaned(judgement.reason),
        document(record),
        document(_run_rows(claimed, judgement, runs)),
        *outbox.said(JUDGED, outside(told) if counts else None, claimed.judging_id),
        *(updating.learned(board) if board is not None and together else ()),
    )
    if found is None:
        await session.rollback()
        return Stored(stored=False)
    if done.telling:
        await watching.ended(session, watch, done)
    changed = phase = None
    if board is not None:
        if together:
            event, at, changed = await updating.recorded(session, board, found)
        else:
            event, at, changed = await updating.record(session, board)
        phase = clocks.phase(event, at)
    await session.commit()
    return Stored(stored=True, changed=changed, phase=phase)


def outside(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what other services are told of an end."""
    phase = redaction.phase_of(told.get("event_id"))
    return redaction.update(Kind.JUDGED, told, Audience.NEIGHBOUR, phase)


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


def _run_rows(
    claimed: Claim, judgement: Judgement, records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {
            "judging_id": claimed.judging_id,
            "position": position,
            "case_name": run.case,
            "sample": run.case.startswith("sample/"),
            "verdict": run.verdict,
            "score": None if run.score is None else float(run.score),
            "cpu_us": run.cpu_us,
            "wall_us": run.wall_us,
            "memory_bytes": run.memory_bytes,
            "team_message": run.team_message,
            "record": record,
        }
        for position, (run, record) in enumerate(zip(judgement.runs, records, strict=True), start=1)
    ]
