"""Applying a rejudge set: its judgings become the current ones together, in one transaction.

A submission whose current judging was swapped since it was chosen keeps the newest rejudging: this
set's where the other set is older, the other's where that is newer ("superseded"). What ended in a
judge error is never swapped in. Other services are told of what changed in the same transaction,
followers right after it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api import audit, clocks
from api.auth import CurrentUser
from api.db.models import CodeSubmission, Judging, JudgingState, Rejudging, RejudgingState
from api.leaderboards.updating import Changed
from api.live import Kind, Topic, Update
from api.logs import logger
from api.neighbours import outbox
from api.rejudging import service
from api.submissions import boarding, telling
from api.submissions.storing import JUDGED, outside
from api.wiring import Parts

CHUNK = 1000
_log = logger(__name__)
# Sets are applied one after the other: each must see what the one before it swapped.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('codebattle.rejudging.apply'))")
_AIM: Final = text("""
UPDATE codebattle.judgings AS new SET replaces_id = old.id
FROM codebattle.judgings AS old
LEFT JOIN codebattle.rejudgings AS other ON other.id = old.rejudging_id
WHERE new.rejudging_id = :id AND new.state = 'done' AND new.replaces_id <> old.id
AND old.submission_id = new.submission_id AND old.is_current
AND (other.id IS NULL OR other.created_at < :created_at)
""")
_RETIRE: Final = text("""
UPDATE codebattle.judgings AS old SET is_current = false
FROM codebattle.judgings AS new
WHERE new.rejudging_id = :id AND new.state = 'done' AND old.id = new.replaces_id AND old.is_current
""")
_PROMOTE: Final = text("""
UPDATE codebattle.judgings AS new SET is_current = true
WHERE new.rejudging_id = :id AND new.state = 'done' AND NOT EXISTS (
    SELECT FROM codebattle.judgings AS old
    WHERE old.submission_id = new.submission_id AND old.is_current
)
""")
# Its end is untold again; should this process die, a worker's sweep tells it.
_UNTELL: Final = text("""
UPDATE codebattle.judgings AS new SET told_at = NULL
FROM codebattle.judgings AS old
WHERE new.rejudging_id = :id AND new.is_current AND old.id = new.replaces_id
AND (old.verdict, old.score) IS DISTINCT FROM (new.verdict, new.score)
""")
_COUNTS: Final = text("""
SELECT
    count(*) FILTER (WHERE new.state IN ('queued', 'compiling', 'running')) AS unfinished,
    count(*) FILTER (WHERE new.state = 'failed') AS failed,
    count(*) FILTER (WHERE new.state = 'done') AS done
FROM codebattle.judgings AS new WHERE new.rejudging_id = :id
""")
# What was swapped in but on no board: those of finalised events stay as they were written down.
_FINALISED: Final = text("""
SELECT count(*) FROM codebattle.judgings AS new
JOIN codebattle.code_submissions AS submission ON submission.id = new.submission_id
JOIN codebattle.event_entries AS entry ON entry.id = submission.entry_id
JOIN codebattle.events AS event ON event.id = entry.event_id
WHERE new.rejudging_id = :id AND new.is_current
AND entry.kind = 'official' AND event.state = 'finalised'
""")
_VERDICTS: Final = """
SELECT coalesce(jsonb_object_agg(verdict, n), '{{}}') FROM (
    SELECT old.verdict, count(*) AS n
    FROM codebattle.judgings AS new
    JOIN codebattle.judgings AS old ON old.id = new.{column}
    WHERE new.rejudging_id = :id AND new.is_current
    GROUP BY old.verdict
) AS counted
"""


async def apply(
    session: AsyncSession, user: CurrentUser, rejudging_id: UUID, *, force: bool
) -> tuple[Rejudging, Sequence[Changed] | None]:
    """Swap a set's judgings in; return what changed on boards, None when that was done before.

    The caller commits.
    """
    await one_at_a_time(session)
    found = await service.find(session, user, rejudging_id, lock=True)
    if found.state is RejudgingState.APPLIED:
        return found, None
    if found.state is RejudgingState.CANCELLED:
        raise service.wrong_state(found, "it was cancelled; make another")
    counts = (await session.execute(_COUNTS, {"id": found.id})).one()
    if counts.unfinished:
        raise service.wrong_state(
            found, f"{counts.unfinished} are still being judged", missing=counts.unfinished
        )
    if counts.failed and not force:
        raise service.wrong_state(
            found,
            f"{counts.failed} ended in a judge error; see the preview, or force it without them",
            failed=counts.failed,
        )
    await session.execute(_AIM, {"id": found.id, "created_at": found.created_at})
    await session.execute(_RETIRE, {"id": found.id})
    swapped = await session.execute(_PROMOTE, {"id": found.id})
    assert isinstance(swapped, CursorResult)
    await session.execute(_UNTELL, {"id": found.id})
    changed = 0
    async for some in _changed(session, found.id):
        changed += len(some)
        shown = {each["judging_id"]: outside(each) for each in some}
        await outbox.announce_all(
            session, JUDGED, {key: each for key, each in shown.items() if each is not None}
        )
    # Last but for what depends on it, since others wait for the locks of boards.
    boards = await boarding.rejudged(session, found.id)
    outcome = {
        "changed": changed,
        "unchanged": swapped.rowcount - changed,
        "superseded": counts.done - swapped.rowcount,
        "failed": counts.failed,
        **await _became(session, found.id),
    }
    found.state = RejudgingState.APPLIED
    found.applied_by = user.id
    # Boards are locked: what is finalised is so before this moment, or will be after it.
    found.finished_at = await clocks.now(session)
    found.extra = {**found.extra, "outcome": outcome}
    audit.record(
        session,
        user,
        "rejudging.applied",
        subject=("rejudging", found.id),
        detail={"forced": force, **outcome},
    )
    _log.info("rejudging.applied", rejudging_id=str(found.id), forced=force, **outcome)
    return found, boards


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait until nobody else is applying anything; until the transaction ends nobody will."""
    await session.execute(_LOCK)


async def tell(parts: Parts, rejudging_id: UUID, boards: Sequence[Changed]) -> None:
    """Tell followers of what a set has changed; after the commit."""
    await boarding.tell(parts.publisher, boards)
    async with parts.sessions() as session:
        async for some in _changed(session, rejudging_id):
            told = [UUID(each["judging_id"]) for each in some if await _tell(parts, each)]
            await telling.note(session, told)


async def _tell(parts: Parts, told: Mapping[str, Any]) -> bool:
    topics = [
        Topic.SUBMISSION.of(UUID(told["submission_id"])),
        Topic.USER.of(UUID(told["user_id"])),
        Topic.PROBLEM.of(UUID(told["problem_id"])),
    ]
    return await parts.publisher.publish(topics, Update(kind=Kind.JUDGED, data=dict(told)))


async def _became(session: AsyncSession, rejudging_id: UUID) -> dict[str, Any]:
    """Return what was said before and is now, and how much of that is on no board any more."""
    became: dict[str, Any] = {
        "before": await _verdicts(session, rejudging_id, "replaces_id"),
        "after": await _verdicts(session, rejudging_id, "id"),
    }
    if late := await session.scalar(_FINALISED, {"id": rejudging_id}):
        became["finalised"] = late
    return became


async def _verdicts(session: AsyncSession, rejudging_id: UUID, column: str) -> dict[str, int]:
    found: dict[str, int] = await session.scalar(
        text(_VERDICTS.format(column=column)), {"id": rejudging_id}
    )
    return found


async def _changed(
    session: AsyncSession, rejudging_id: UUID
) -> AsyncIterator[list[Mapping[str, Any]]]:
    """Return what others are told of each submission that is judged differently now."""
    old = aliased(Judging)
    query = (
        select(Judging, CodeSubmission)
        .join(old, old.id == Judging.replaces_id)
        .join(CodeSubmission, CodeSubmission.id == Judging.submission_id)
        .where(
            Judging.rejudging_id == rejudging_id,
            Judging.is_current,
            old.verdict.is_distinct_from(Judging.verdict)
            | old.score.is_distinct_from(Judging.score),
        )
        .order_by(Judging.submission_id)
        .limit(CHUNK)
        .execution_options(populate_existing=True)
    )
    last = None
    while True:
        later = query if last is None else query.where(Judging.submission_id > last)
        rows = (await session.execute(later)).all()
        if rows:
            last = rows[-1][0].submission_id
            yield [_told(judging, submission) for judging, submission in rows]
        if len(rows) < CHUNK:
            return


def _told(judging: Judging, submission: CodeSubmission) -> Mapping[str, Any]:
    """Return the end as a worker tells it of a first judging."""
    assert judging.verdict is not None
    return {
        "submission_id": str(submission.id),
        "judging_id": str(judging.id),
        "user_id": str(submission.user_id),
        "current": True,
        "problem_id": str(submission.problem_id),
        "event_id": str(submission.event_id) if submission.event_id else None,
        "room_id": str(submission.room_id) if submission.room_id else None,
        "state": JudgingState.DONE.value,
        "verdict": judging.verdict.value,
        "score": float(judging.score) if judging.score is not None else None,
        "cpu_ms": -(-judging.cpu_us // 1000) if judging.cpu_us is not None else None,
        "memory_bytes": judging.memory_bytes,
    }
