"""`/v1/submissions`."""

import asyncio
import time
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from api import paging, redaction
from api.auth import CurrentUser, Scope
from api.deps import PartsDep, SessionDep, UserDep, address
from api.documented import located, problems
from api.errors import BadRequestError, NotFoundError
from api.live import Kind, Listener, Resync, Topic
from api.redaction import Audience
from api.submissions import queries, schemas
from api.submissions.desk import Desk
from api.wiring import Parts

# Should Redis be silent, a waiting request looks for itself this often.
LOOK_S = 2.0
router = APIRouter(prefix="/submissions", tags=["submissions"])
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$"),
]
Wait = Annotated[
    float,
    Query(ge=0, le=3600, allow_inf_nan=False, description="Seconds to wait for the final state."),
]


async def desk(request: Request) -> Desk:
    """Return the one desk of this application."""
    found: Desk = request.app.state.desk
    return found


@router.post("", status_code=202, responses=located(202) | problems(404, 409, 429))
async def submit(
    new: schemas.NewSubmission,
    at: Annotated[Desk, Depends(desk)],
    user: UserDep,
    request: Request,
    response: Response,
    key: Key = None,
) -> schemas.Accepted:
    """Take a submission in; it is judged in the background and never lost once this answers."""
    user.need_scope(Scope.SUBMIT)
    taken = await at.take(
        user, new, key=key, request_id=request.state.request_id, peer=address(request)
    )
    structlog.contextvars.bind_contextvars(submission_id=str(taken.id))
    url = f"/v1/submissions/{taken.id}"
    response.headers["Location"] = url
    return schemas.Accepted(
        id=taken.id,
        judging_id=taken.judging_id,
        state=taken.state,
        submitted_at=taken.submitted_at,
        url=url,
        replayed=taken.replayed,
        wait_s=taken.wait_s,
    )


@router.get("", responses=problems(404))
async def list_submissions(
    session: SessionDep,
    user: UserDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    problem: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z0-9_-]*$")] = None,
    entry: Annotated[
        UUID | None, Query(description="All that was handed in for an entry one is in.")
    ] = None,
) -> schemas.SubmissionPage:
    """List one's own submissions, or one's team's in an event, latest first."""
    user.need_scope(Scope.READ)
    rows = await queries.mine(
        session,
        user,
        before=_before(cursor),
        limit=limit + 1,
        problem=problem,
        entry_id=entry,
    )
    shown = rows[:limit]
    return schemas.SubmissionPage(
        items=[queries.summary(row, Audience.OWNER) for row in shown],
        next_cursor=paging.encode(str(shown[-1][0].id)) if len(rows) > limit else None,
    )


@router.get("/{submission_id}", responses=problems(429))
async def get_submission(
    submission_id: UUID, parts: PartsDep, user: UserDep, wait: Wait = 0
) -> schemas.SubmissionDetail:
    """Return a submission; with `wait`, as soon as it is judged or the time is over."""
    user.need_scope(Scope.READ)
    deadline = time.monotonic() + min(wait, parts.settings.wait_s_max)
    waiting = user.id if wait else None
    async with parts.hub.listen([Topic.SUBMISSION.of(submission_id)], waiting=waiting) as updates:
        while True:
            found = await _detail(parts, user, submission_id)
            left = deadline - time.monotonic()
            if found.state.final or left <= 0:
                return found
            try:
                async with asyncio.timeout(min(left, LOOK_S)):
                    await _something_final(updates)
            except TimeoutError:
                continue


@router.get("/{submission_id}/source")
async def get_source(submission_id: UUID, session: SessionDep, user: UserDep) -> schemas.Source:
    """Return a submission's files, to its owner, those in the same entry, and the jury."""
    user.need_scope(Scope.READ)
    (submission, _, _), who, phase = await queries.one(session, user, submission_id)
    if not redaction.may_see_source(who, phase):
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    files = await queries.source(session, submission.id)
    return schemas.Source(
        language=submission.language,
        entry_point=submission.entry_point,
        files={name: content.decode("utf-8", "replace") for name, content in files.items()},
    )


async def _detail(parts: Parts, user: CurrentUser, submission_id: UUID) -> schemas.SubmissionDetail:
    """Read with a connection held for the reading only, not for the waiting."""
    async with parts.sessions() as session:
        return await queries.detail(session, user, submission_id)


async def _something_final(updates: Listener) -> None:
    while True:
        item = await updates.get()
        if isinstance(item, Resync) or item.update.kind == Kind.JUDGED:
            return


def _before(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
