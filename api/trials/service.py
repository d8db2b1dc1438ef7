"""What makes a trial acceptable, and how it waits: as a quick job, its texts in base64.

JSONB holds no NUL, and sources and inputs are bytes to whoever runs them.
"""

import base64
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser
from api.db.models import Job, JobLane
from api.errors import InvalidError, TooLargeError
from api.jobs import service as jobs
from api.problems import queries
from api.settings import Settings
from api.submissions import service as submissions
from api.trials.schemas import INPUT_BYTES_MAX, NewTrial
from judge.problem import ProblemKind
from judge.submission import Submission

KIND: Final = "trial"
_WITHOUT_INPUTS = frozenset({ProblemKind.INTERACTIVE.value, ProblemKind.SUBMIT_ANSWER.value})


async def enqueue(
    session: AsyncSession, settings: Settings, user: CurrentUser, new: NewTrial
) -> Job:
    """Queue a trial; raises what is wrong with it. The caller commits."""
    target = await queries.target(session, user, new.problem)
    submission = submissions.checked(new, target, settings)
    inputs = _inputs(new.inputs)
    if inputs is not None and _WITHOUT_INPUTS & set(target.kinds):
        raise InvalidError(
            "this problem's programs read no input of their own", slug="inputs-not-taken"
        )
    return await jobs.enqueue(
        session,
        settings,
        KIND,
        payload(target.version_id, submission, inputs),
        owner_id=user.id,
        lane=JobLane.QUICK,
        waiting_max=settings.trials_queued_max,
    )


def payload(version_id: UUID, submission: Submission, inputs: list[bytes] | None) -> dict[str, Any]:
    """Return what the worker is told."""
    return {
        "version_id": str(version_id),
        "language": submission.language,
        "entry_point": submission.entry_point,
        "files": {name: _text(data) for name, data in submission.files.items()},
        "inputs": None if inputs is None else [_text(each) for each in inputs],
    }


def files(told: Any) -> dict[str, bytes]:
    """Return the sources a payload holds."""
    return {name: base64.b64decode(text) for name, text in told.items()}


def inputs(told: Any) -> list[bytes] | None:
    """Return the inputs a payload holds; None for the samples."""
    return None if told is None else [base64.b64decode(text) for text in told]


def _inputs(texts: list[str] | None) -> list[bytes] | None:
    if texts is None:
        return None
    try:
        given = [text.encode() for text in texts]
    except UnicodeEncodeError as error:
        raise InvalidError("an input has characters that UTF-8 cannot hold") from error
    if max(map(len, given)) > INPUT_BYTES_MAX:
        raise TooLargeError(
            f"an input has more than {INPUT_BYTES_MAX} bytes",
            slug="input-too-large",
            input_bytes_max=INPUT_BYTES_MAX,
        )
    return given


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
