"""`/v1/problems/{problem}/patterns` and `/suggestions`, `/v1/submissions/{id}/suggestion`."""

from uuid import UUID

from fastapi import APIRouter, Response

from api import audit
from api.auth import Scope
from api.db.models import Job
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import located, problems
from api.jobs import service as jobs
from api.jobs.schemas import JobAccepted
from api.similarity import approaches
from api.similarity import pattern_schemas as schemas

router = APIRouter(tags=["similarity"])


@router.get("/problems/{problem}/patterns")
async def list_solution_patterns(
    problem: str, session: SessionDep, user: UserDep
) -> schemas.PatternList:
    """List the approaches among a problem's accepted solutions, the most frequent first."""
    user.need_scope(Scope.READ)
    return await approaches.shown(session, await approaches.problem(session, user, problem))


@router.post(
    "/problems/{problem}/patterns", status_code=202, responses=located(202) | problems(429)
)
async def make_solution_patterns(
    problem: str, session: SessionDep, parts: PartsDep, user: UserDep, response: Response
) -> JobAccepted:
    """Compute the approaches to a problem anew, in a job; names and marks of people stay."""
    user.need_scope(Scope.WRITE)
    found = await approaches.problem(session, user, problem)
    job = await _ask(session, parts, found.id, owner_id=user.id, cluster=True)
    audit.record(session, user, "patterns.asked", subject=("problem", found.id))
    # Whoever is rung for must find it.
    await session.commit()
    response.headers["Location"] = jobs.url(job.id)
    return jobs.begun(parts, job)


@router.patch("/problems/{problem}/patterns/{pattern_id}")
async def change_solution_pattern(
    problem: str,
    pattern_id: UUID,
    said: schemas.PatternChange,
    session: SessionDep,
    parts: PartsDep,
    user: UserDep,
) -> schemas.PatternShown:
    """Name a pattern, or verify that it solves the problem as it should be solved."""
    user.need_scope(Scope.WRITE)
    found = await approaches.problem(session, user, problem)
    told = await approaches.change(session, user, found, pattern_id, said)
    if said.verified is not None and (await approaches.rule(session, found)).enabled:
        job = await _ask(session, parts, found.id, owner_id=None, cluster=False)
        await session.commit()
        jobs.begun(parts, job)
    return told


@router.get("/problems/{problem}/suggestions")
async def get_suggestion_rule(
    problem: str, session: SessionDep, user: UserDep
) -> schemas.PointsRule:
    """Tell whether points are suggested for a problem's submissions."""
    user.need_scope(Scope.READ)
    return await approaches.rule(session, await approaches.problem(session, user, problem))


@router.put("/problems/{problem}/suggestions")
async def set_suggestion_rule(
    problem: str, said: schemas.PointsRule, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.PointsRule:
    """Switch suggested points on or off, as the problem's author; no score changes by it."""
    user.need_scope(Scope.WRITE)
    found = await approaches.problem(session, user, problem, jury=True)
    await approaches.set_rule(session, user, found, said)
    if said.enabled:
        job = await _ask(session, parts, found.id, owner_id=None, cluster=False)
        await session.commit()
        jobs.begun(parts, job)
    return said


@router.get("/submissions/{submission_id}/suggestion")
async def get_suggestion(
    submission_id: UUID, session: SessionDep, user: UserDep
) -> schemas.SuggestionShown:
    """Suggest points for a submission that was not accepted, with the evidence; adds none."""
    user.need_scope(Scope.READ)
    return await approaches.suggestion(session, user, submission_id)


async def _ask(
    session: SessionDep, parts: PartsDep, problem_id: UUID, *, owner_id: UUID | None, cluster: bool
) -> Job:
    # What clusters needs numpy, which nothing else in the API does.
    from api.similarity import patterns  # noqa: PLC0415

    return await patterns.ask(
        session, parts.settings, problem_id, owner_id=owner_id, cluster=cluster
    )
