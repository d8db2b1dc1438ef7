"""`/v1/rejudgings`, and `/v1/submissions/{id}/rejudge` for one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Response, status

from api.auth import CurrentUser
from api.db.models import CodeSubmission, Rejudging, RejudgingState
from api.deps import GameMasterDep, PartsDep, SessionDep, UserDep
from api.documented import problems
from api.errors import NotFoundError
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.rejudging import applying, moving, overriding, queries, schemas, selecting, service
from api.wiring import Parts

router = APIRouter(tags=["rejudging"])
_DRY = "Only count what would be chosen."


async def _jury(user: UserDep) -> CurrentUser:
    service.need(user)
    return user


JuryDep = Annotated[CurrentUser, Depends(_jury)]


@router.post(
    "/rejudgings",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        200: {"model": schemas.Counted, "description": "Counted, with `dry_run`."},
        **problems(404),
    },
    response_model=schemas.RejudgingShown,
)
async def create_rejudging(
    body: schemas.NewRejudging,
    user: JuryDep,
    session: SessionDep,
    parts: PartsDep,
    response: Response,
    *,
    dry_run: Annotated[bool, Query(description=_DRY)] = False,
) -> schemas.RejudgingShown | Response:
    """Judge submissions again, beside their judgings; nothing counts before it is applied."""
    if dry_run:
        chosen = await selecting.choose(session, user, body)
        selected, unfinished = await chosen.count(session, parts.settings.rejudging_max + 1)
        counted = schemas.Counted(selected=selected, unfinished=unfinished)
        return Response(counted.model_dump_json(), media_type="application/json")
    made = await service.create(session, parts.settings, user, body)
    return await _made(session, parts, made, response)


@router.post("/submissions/{submission_id}/rejudge", status_code=status.HTTP_202_ACCEPTED)
async def rejudge_submission(
    submission_id: UUID,
    body: schemas.Why,
    user: JuryDep,
    session: SessionDep,
    parts: PartsDep,
    response: Response,
) -> schemas.RejudgingShown:
    """Make a set of one submission."""
    submission = await session.get(CodeSubmission, submission_id)
    if submission is None:
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    selection = schemas.Selection(
        problem=str(submission.problem_id), submission_ids=[submission_id]
    )
    new = schemas.NewRejudging(reason=body.reason, selection=selection)
    made = await service.create(session, parts.settings, user, new)
    return await _made(session, parts, made, response)


@router.post("/submissions/{submission_id}/override", responses=problems(404, 409))
async def override_submission(
    submission_id: UUID,
    body: schemas.NewOverride,
    user: GameMasterDep,
    session: SessionDep,
    parts: PartsDep,
    background: BackgroundTasks,
) -> schemas.RejudgingShown:
    """Put the jury's verdict in the place of the judge's: a set of one, applied at once."""
    made = await overriding.override(session, user, submission_id, body)
    return await _applied(session, parts, user, made, background)


@router.post("/submissions/{submission_id}/override/undo", responses=problems(404, 409))
async def undo_override(
    submission_id: UUID,
    body: schemas.Why,
    user: GameMasterDep,
    session: SessionDep,
    parts: PartsDep,
    background: BackgroundTasks,
) -> schemas.RejudgingShown:
    """Let what the judge said count again: another set of one, applied at once."""
    made = await overriding.restore(session, user, submission_id, body.reason)
    return await _applied(session, parts, user, made, background)


@router.get("/rejudgings")
async def list_rejudgings(
    user: JuryDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
    state: RejudgingState | None = None,
) -> schemas.RejudgingPage:
    """List sets, latest first: game masters see all, authors their own."""
    return await queries.page(session, user, limit=limit, cursor=cursor, state=state)


@router.get("/rejudgings/{rejudging_id}")
async def get_rejudging(
    rejudging_id: UUID, user: JuryDep, session: SessionDep
) -> schemas.RejudgingShown:
    """Return a set with its progress."""
    found = await service.find(session, user, rejudging_id)
    return (await queries.shown(session, [found]))[0]


@router.get("/rejudgings/{rejudging_id}/preview")
async def preview_rejudging(
    rejudging_id: UUID,
    user: JuryDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
    *,
    changed: Annotated[bool, Query(description="Only what changes.")] = False,
    failed: Annotated[bool, Query(description="Only what ended in a judge error.")] = False,
) -> schemas.Preview:
    """Return who changes, from what to what."""
    found = await service.find(session, user, rejudging_id)
    return await queries.preview(
        session, found, limit=limit, cursor=cursor, changed=changed, failed=failed
    )


@router.get("/rejudgings/{rejudging_id}/preview/boards", responses=problems(409))
async def preview_boards(
    rejudging_id: UUID, user: GameMasterDep, parts: PartsDep, limit: LimitParam = PAGE_DEFAULT
) -> schemas.Moves:
    """Return who moves on the boards of events, if the set is applied as it is now."""
    async with parts.sessions() as session:
        found = await service.find(session, user, rejudging_id)
        return await moving.moves(session, found, limit=limit)


@router.post("/rejudgings/{rejudging_id}/apply")
async def apply_rejudging(
    rejudging_id: UUID,
    user: JuryDep,
    session: SessionDep,
    parts: PartsDep,
    background: BackgroundTasks,
    body: schemas.Applying | None = None,
) -> schemas.RejudgingShown:
    """Make the set's judgings the ones that count: all of them together or none."""
    found, boards = await applying.apply(
        session, user, rejudging_id, force=body is not None and body.force
    )
    await session.commit()
    if boards is not None:
        background.add_task(applying.tell, parts, found.id, boards)
    return (await queries.shown(session, [found]))[0]


@router.post("/rejudgings/{rejudging_id}/cancel")
async def cancel_rejudging(
    rejudging_id: UUID, user: JuryDep, session: SessionDep
) -> schemas.RejudgingShown:
    """Drop the set; what counts stays as it is."""
    found = await service.cancel(session, user, rejudging_id)
    await session.commit()
    return (await queries.shown(session, [found]))[0]


async def _applied(
    session: SessionDep,
    parts: Parts,
    user: CurrentUser,
    made: Rejudging,
    background: BackgroundTasks,
) -> schemas.RejudgingShown:
    found, boards = await applying.apply(session, user, made.id, force=False)
    await session.commit()
    background.add_task(applying.tell, parts, found.id, boards or ())
    return (await queries.shown(session, [found]))[0]


async def _made(
    session: SessionDep, parts: Parts, made: Rejudging, response: Response
) -> schemas.RejudgingShown:
    # First the commit, then the bell: a worker must find the rows.
    await session.commit()
    parts.bell.ring_soon()
    response.headers["Location"] = f"/v1/rejudgings/{made.id}"
    return (await queries.shown(session, [made]))[0]
