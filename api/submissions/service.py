"""Taking a submission in: checked, then stored with its queued judging in one transaction."""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api import tracing
from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import (
    CodeSubmission,
    Judging,
    JudgingState,
    Queue,
)
from api.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    TooLargeError,
    TooManyError,
    UnavailableError,
)
from api.problems import queries as problems
from api.problems.queries import Target
from api.settings import Settings
from api.submissions import intake
from api.submissions.schemas import NewSubmission
from judge.errors import SourceError
from judge.languages import EntryRule, Language, find
from judge.problem import ProblemKind
from judge.submission import Submission

DEPTH_S = 0.5
# What a judging takes when nothing is known yet, for the estimate of a wait.
JUDGING_S_GUESS = 1.0
# Codes of the package format that mean another of our ids as well.
_ALSO = {"python3": {"pypy3"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A submission that is stored; `replayed` when it was there already."""

    id: UUID
    judging_id: UUID
    problem_id: UUID
    state: JudgingState
    submitted_at: datetime
    replayed: bool


class Depth:
    """How many judgings wait, counted at most every `DEPTH_S`."""

    def __init__(self) -> None:
        self._at = float("-inf")
        self._count = 0

    async def count(self, session: AsyncSession) -> int:
        """Return the count, at most `DEPTH_S` old."""
        now = time.monotonic()
        if now - self._at > DEPTH_S:
            self._at = now
            self._count = (
                await session.scalar(
                    select(func.count()).where(Judging.state == JudgingState.QUEUED)
                )
                or 0
            )
        return self._count


async def submit(
    session: AsyncSession,
    settings: Settings,
    depth: Depth,
    user: CurrentUser,
    new: NewSubmission,
    *,
    key: str | None,
    request_id: str,
) -> Taken:
    """Store a submission with its queued judging, or return the one its key already made."""
    request_hash = hashlib.sha256(
        json.dumps(new.model_dump(mode="json"), sort_keys=True).encode()
    ).hexdigest()
    if key is not None:
        known = await _known(session, user.id, key, request_hash)
        if known is not None:
            return known
    if new.queue is not Queue.INTERACTIVE and not user.has(Role.AUTHOR, Role.REVIEWER):
        raise ForbiddenError("only the jury may choose a queue")
    target = await problems.target(session, user, new.problem)
    submission = _checked(new, target, settings)
    await _room_in_queue(session, settings, depth)
    taken = await intake.store(
        session,
        intake.Intake(
            user_id=user.id,
            problem_id=target.problem_id,
            version_id=target.version_id,
            event_id=new.event_id,
            room_id=new.room_id,
            submission=submission,
            queue=new.queue,
            idempotency_key=key,
            request_hash=request_hash,
            request_id=request_id,
        ),
        delay_s=delay_s(settings, new.queue),
        step_s=settings.fair_step_s,
        waiting_max=settings.user_queued_max,
    )
    if taken.waiting >= settings.user_queued_max:
        raise TooManyError(
            f"{taken.waiting} of your submissions are still waiting",
            retry_after_s=10,
            slug="quota",
        )
    if taken.submitted_at is None:
        # Somebody was quicker with the same key.
        assert key is not None
        known = await _known(session, user.id, key, request_hash)
        assert known is not None
        return known
    await _traced(session, taken.judging_id)
    return Taken(
        id=taken.submission_id,
        judging_id=taken.judging_id,
        problem_id=target.problem_id,
        state=JudgingState.QUEUED,
        submitted_at=taken.submitted_at,
        replayed=False,
    )


async def _traced(session: AsyncSession, judging_id: UUID) -> None:
    """Leave word for the worker of the trace this belongs to; without one this does nothing."""
    if carrier := tracing.carrier():
        await session.execute(
            update(Judging).where(Judging.id == judging_id).values(extra={"trace": carrier})
        )


def delay_s(settings: Settings, queue: Queue) -> float:
    """Return how long the work of a queue yields to people who wait."""
    delays = {
        Queue.INTERACTIVE: 0.0,
        Queue.BATCH: settings.batch_delay_s,
        Queue.REJUDGE: settings.rejudge_delay_s,
    }
    return delays[queue]


async def queue_judging(  # noqa: PLR0913 - they are the columns
    session: AsyncSession,
    settings: Settings,
    *,
    submission_id: UUID,
    version_id: UUID,
    user_id: UUID,
    room_id: UUID | None,
    queue: Queue,
    waiting: int = 0,
    is_current: bool = True,
    rejudging_id: UUID | None = None,
) -> UUID:
    """Store a queued judging.

    `waiting` judgings of the same user put it back by a step each, so nobody's pile comes before
    somebody else's first; time puts everything forward, so nothing waits for ever.
    """
    delay = delay_s(settings, queue)
    identity = new_id()
    await session.execute(
        insert(Judging).values(
            id=identity,
            submission_id=submission_id,
            version_id=version_id,
            user_id=user_id,
            room_id=room_id,
            rejudging_id=rejudging_id,
            is_current=is_current,
            state=JudgingState.QUEUED,
            queue=queue,
            due_at=func.now() + timedelta(seconds=delay + waiting * settings.fair_step_s),
        )
    )
    return identity


async def _known(session: AsyncSession, user_id: UUID, key: str, request_hash: str) -> Taken | None:
    found = (
        await session.execute(
            select(CodeSubmission, Judging)
            .join(Judging, (Judging.submission_id == CodeSubmission.id) & Judging.is_current)
            .where(CodeSubmission.user_id == user_id, CodeSubmission.idempotency_key == key)
        )
    ).first()
    if found is None:
        return None
    submission, judging = found
    if submission.request_hash != request_hash:
        raise ConflictError(
            "this idempotency key was used for another request", slug="idempotency-key-reused"
        )
    return Taken(
        id=submission.id,
        judging_id=judging.id,
        problem_id=submission.problem_id,
        state=judging.state,
        submitted_at=submission.submitted_at,
        replayed=True,
    )


def _checked(new: NewSubmission, version: Target, settings: Settings) -> Submission:
    answer = ProblemKind.SUBMIT_ANSWER.value in version.kinds
    language = None if answer else _language(new.language, version)
    texts = new.files or {_file_name(language): new.source or ""}
    try:
        files = {name: text.encode() for name, text in texts.items()}
    except UnicodeEncodeError as error:
        raise InvalidError("the source has characters that UTF-8 cannot hold") from error
    submission = Submission(
        files=files,
        language=language.id if language is not None else "none",
        entry_point=new.entry_point,
    )
    most = min(version.source_bytes, settings.source_bytes_max)
    if submission.source_bytes > most:
        raise TooLargeError(
            f"the source has {submission.source_bytes} bytes; at most {most}",
            slug="source-too-large",
            source_bytes_max=most,
        )
    try:
        submission.validate(source_bytes_max=most)
    except SourceError as error:
        raise InvalidError(str(error), slug="source-invalid") from error
    return submission


def _language(name: str, version: Target) -> Language:
    language = find(name)
    if language is None:
        raise InvalidError("there is no such language", slug="language-unknown")
    allowed = version.languages
    if allowed is not None and not any(
        language.id == code or language.id in _ALSO.get(code, ()) for code in allowed
    ):
        raise InvalidError(
            f"this problem takes {', '.join(allowed)}", slug="language-not-allowed", allowed=allowed
        )
    return language


def _file_name(language: Language | None) -> str:
    if language is None:
        return "answer.out"
    stem = "Main" if language.entry.rule is EntryRule.CLASS else "main"
    return stem + language.extensions[0]


async def _room_in_queue(session: AsyncSession, settings: Settings, depth: Depth) -> None:
    count = await depth.count(session)
    if count >= settings.queue_depth_max:
        slots = settings.judge_slots or 2
        raise UnavailableError(
            f"{count} submissions are waiting; nothing more is taken in for now",
            retry_after_s=min(600, count * JUDGING_S_GUESS / slots / 10),
            slug="queue-full",
            queued=count,
        )
