"""`/v1/similarity`, and what is similar to a problem or a submission."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import paging
from api.auth import CurrentUser, Role, Scope
from api.db.models import Decision
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import located, problems
from api.errors import BadRequestError
from api.jobs import service as jobs
from api.jobs.schemas import JobAccepted
from api.similarity import deciding, queries, schemas, service

router = APIRouter(tags=["similarity"])


async def _reviewer(user: UserDep) -> CurrentUser:
    user.need(Role.REVIEWER)
    user.need_scope(Scope.READ)
    return user


async def _writer(user: UserDep) -> CurrentUser:
    user.need(Role.REVIEWER)
    user.need_scope(Scope.WRITE)
    return user


ReviewerDep = Annotated[CurrentUser, Depends(_reviewer)]
WriterDep = Annotated[CurrentUser, Depends(_writer)]


@router.get("/problems/{problem}/similar")
async def list_similar_problems(
    problem: str,
    session: SessionDep,
    user: UserDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Problems at most.")] = 10,
) -> schemas.SimilarProblems:
    """List the problems whose statements are closest, by slug or id: near-duplicates come first.

    For reviewers, and for authors of theirs, among the problems that they may see.
    """
    user.need_scope(Scope.READ)
    # Vectors are compared with numpy, which nothing else in the API needs.
    from api.similarity import statements  # noqa: PLC0415

    return await statements.similar(session, user, problem, limit=limit)


@router.get("/submissions/{submission_id}/similar")
async def list_similar_submissions(
    submission_id: UUID,
    session: SessionDep,
    user: ReviewerDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Submissions at most.")] = 20,
) -> schemas.SimilarSubmissions:
    """List submissions of other people that are close, also of other problems and years."""
    return await queries.similar(session, user, submission_id, limit=limit)


@router.get("/submissions/{submission_id}/similarity")
async def get_own_decisions(
    submission_id: UUID, session: SessionDep, user: UserDep
) -> schemas.OwnDecisions:
    """Tell the owner of a submission whether a reviewer has confirmed that it is a copy."""
    user.need_scope(Scope.READ)
    return await deciding.of_owner(session, user, submission_id)


@router.post(
    "/submissions/{submission_id}/similarity/appeal", status_code=201, responses=problems(404, 409)
)
async def appeal_decision(
    submission_id: UUID, new: schemas.NewAppeal, session: SessionDep, user: UserDep
) -> schemas.OwnDecisions:
    """Appeal, as the owner, against every confirmed decision about a submission."""
    user.need_scope(Scope.SUBMIT)
    return await deciding.appeal(session, user, submission_id, new.text)


@router.post("/similarity/reports", status_code=202, responses=located(202) | problems(404, 429))
async def create_similarity_report(
    new: schemas.NewReport,
    session: SessionDep,
    parts: PartsDep,
    user: WriterDep,
    response: Response,
) -> JobAccepted:
    """Compare an event, a problem or a set of submissions: a job, whose id is the report's."""
    job = await service.ask(session, parts.settings, user, new)
    # Whoever is rung for must find it.
    await session.commit()
    accepted = jobs.begun(parts, job)
    response.headers["Location"] = f"/v1/similarity/reports/{job.id}"
    return accepted


@router.get("/similarity/reports")
async def list_similarity_reports(
    session: SessionDep,
    user: ReviewerDep,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    cursor: paging.CursorParam = None,
) -> schemas.ReportPage:
    """List reports the caller may read, latest first."""
    before = None if cursor is None else _uuid(paging.decode(cursor)[0])
    items, last = await queries.reports(session, user, before=before, limit=limit)
    return schemas.ReportPage(
        items=items, next_cursor=None if last is None else paging.encode(str(last))
    )


@router.get("/similarity/reports/{report_id}")
async def get_similarity_report(
    report_id: UUID, session: SessionDep, user: ReviewerDep
) -> schemas.ReportDetail:
    """Return a report: histogram, calibration and clusters of each problem, once it is made."""
    return await queries.shown(session, await queries.report(session, user, report_id))


@router.get("/similarity/reports/{report_id}/pairs")
async def list_similarity_pairs(
    report_id: UUID,
    session: SessionDep,
    user: ReviewerDep,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    cursor: paging.CursorParam = None,
    *,
    stands_out: Annotated[bool, Query(description="Only those beyond chance.")] = False,
    decision: Annotated[Decision | None, Query(description="Only those decided so.")] = None,
) -> schemas.PairPage:
    """List the pairs of a report, the closest first, each with its evidence and last decision."""
    found = await queries.report(session, user, report_id)
    after = -1 if cursor is None else _number(paging.decode(cursor)[0])
    rows = await queries.pairs(
        session, found.id, after=after, limit=limit + 1, stands_out=stands_out, decided=decision
    )
    shown = rows[:limit]
    return schemas.PairPage(
        items=shown,
        next_cursor=paging.encode(str(shown[-1].position)) if len(rows) > limit else None,
    )


@router.get("/similarity/pairs/{one}/{other}")
async def get_similarity_pair(
    one: UUID, other: UUID, session: SessionDep, user: ReviewerDep
) -> schemas.PairDetail:
    """Return a pair: its decision, appeals, history, and what reports say of it."""
    return await queries.pair(session, user, deciding.ordered(one, other))


@router.put("/similarity/pairs/{one}/{other}/decision")
async def decide_similarity_pair(
    one: UUID, other: UUID, new: schemas.NewDecision, session: SessionDep, user: WriterDep
) -> schemas.PairDetail:
    """Decide about a pair; the decision is the pair's, so every later report shows it."""
    pair = deciding.ordered(one, other)
    await deciding.decide(session, user, pair, new)
    return await queries.pair(session, user, pair)


@router.get("/similarity/appeals")
async def list_similarity_appeals(
    session: SessionDep, user: ReviewerDep, limit: paging.LimitParam = paging.PAGE_DEFAULT
) -> schemas.Appeals:
    """List appeals that wait for an answer, the oldest first."""
    return schemas.Appeals(items=await queries.open_appeals(session, user, limit=limit))


@router.put("/similarity/appeals/{appeal_id}", responses=problems(409))
async def answer_similarity_appeal(
    appeal_id: UUID, said: schemas.Answer, session: SessionDep, user: WriterDep
) -> schemas.AppealShown:
    """Answer an appeal; one that is upheld dismisses the pair."""
    return queries.appeal(await deciding.answer(session, user, appeal_id, said))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error


def _number(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return int(text)
