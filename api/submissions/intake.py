"""Storing a submission in one statement: its row, its files and its queued judging.

One round trip instead of five, and the count that decides on its place in the queue is taken in
the same snapshot.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Float, LargeBinary, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import Queue
from judge.submission import Submission

# asyncpg has to be told the types of what no column tells.
_IDS = ("user_id", "problem_id", "version_id", "event_id", "room_id")
_TEXTS = ("idempotency_key", "request_hash", "request_id")
_OF_SOURCE = ("language", "entry_point", "source_hash")
_STORE = text("""
WITH waiting AS (
    SELECT count(*) AS n FROM codebattle.judgings
    WHERE user_id = :user_id AND state IN ('queued', 'compiling', 'running')
), taken AS (
    INSERT INTO codebattle.code_submissions (
        id, user_id, problem_id, version_id, event_id, room_id, language, entry_point,
        source_hash, source_bytes, idempotency_key, request_hash, request_id
    )
    SELECT
        :submission_id, :user_id, :problem_id, :version_id, :event_id, :room_id, :language,
        :entry_point, :source_hash, :source_bytes, :idempotency_key, :request_hash, :request_id
    FROM waiting WHERE waiting.n < :waiting_max
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, submitted_at
), files AS (
    INSERT INTO codebattle.submission_files (submission_id, name, content)
    SELECT taken.id, file.name, file.content
    FROM taken, unnest(:names, :contents) AS file (name, content)
), queued AS (
    INSERT INTO codebattle.judgings (
        id, submission_id, version_id, user_id, room_id, is_current, state, queue, due_at
    )
    SELECT
        :judging_id, taken.id, :version_id, :user_id, :room_id, true, 'queued', :queue,
        now() + make_interval(secs => :delay_s + waiting.n * :step_s)
    FROM taken, waiting
)
SELECT waiting.n, taken.submitted_at FROM waiting LEFT JOIN taken ON true
""").bindparams(
    *(bindparam(name, type_=Uuid) for name in (*_IDS, "submission_id", "judging_id")),
    *(bindparam(name, type_=Text) for name in (*_TEXTS, *_OF_SOURCE, "queue")),
    *(bindparam(name, type_=BigInteger) for name in ("source_bytes", "waiting_max")),
    *(bindparam(name, type_=Float) for name in ("delay_s", "step_s")),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("contents", type_=ARRAY(LargeBinary)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """All there is to store of a submission that was accepted."""

    user_id: UUID
    problem_id: UUID
    version_id: UUID
    event_id: UUID | None
    room_id: UUID | None
    submission: Submission
    queue: Queue
    idempotency_key: str | None
    request_hash: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What came of it: `submitted_at` None means that nothing was stored.

    That is so when `waiting` judgings of the user are too many, or the key was used before.
    """

    submission_id: UUID
    judging_id: UUID
    submitted_at: datetime | None
    waiting: int


async def store(
    session: AsyncSession, given: Intake, *, delay_s: float, step_s: float, waiting_max: int
) -> Stored:
    """Store a submission with its queued judging; the caller commits.

    A second request with the same key waits here for the first one's transaction to end.
    """
    submission_id, judging_id = new_id(), new_id()
    files = given.submission.files
    row = (
        await session.execute(
            _STORE,
            {
                **{name: getattr(given, name) for name in (*_IDS, *_TEXTS)},
                "submission_id": submission_id,
                "judging_id": judging_id,
                **{name: getattr(given.submission, name) for name in _OF_SOURCE},
                "source_bytes": given.submission.source_bytes,
                "queue": given.queue.value,
                "names": list(files),
                "contents": list(files.values()),
                "delay_s": delay_s,
                "step_s": step_s,
                "waiting_max": waiting_max,
            },
        )
    ).one()
    return Stored(
        submission_id=submission_id,
        judging_id=judging_id,
        submitted_at=row.submitted_at,
        waiting=row.n,
    )
