"""What makes a submission acceptable, and where a judging comes in the queue."""

import hashlib
import json
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import (
    Judging,
    JudgingState,
    Queue,
)
from api.errors import (
    InvalidError,
    TooLargeError,
)
from api.problems.queries import Target
from api.settings import Settings
from api.submissions.schemas import NewSubmission, Program
from judge.errors import SourceError
from judge.languages import EntryRule, Language, find
from judge.problem import ProblemKind
from judge.submission import Submission

# Codes of the package format that mean another of our ids as well.
_ALSO = {"python3": {"pypy3"}}


def request_hash(new: NewSubmission) -> str:
    """Return a hash that tells whether a second request with the same key is the same."""
    # What a client counts beside it may have grown when it sends the same again.
    plain = json.dumps(new.model_dump(mode="json", exclude={"pasted"}), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


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


def checked(new: Program, version: Target, settings: Settings) -> Submission:
    """Return the submission that a problem may be given; raises what is wrong with it."""
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
