"""What is read of similarity. What a caller may not see is as if it were not there."""

from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import (
    AppealState,
    CodeSubmission,
    Compared,
    Decision,
    Job,
    JobState,
    SimilarityAppeal,
    SimilarityDecision,
    SimilarityFingerprint,
    SimilarityNeighbour,
    SimilarityPair,
    SimilarityReport,
)
from api.errors import NotFoundError
from api.similarity import access, deciding, schemas
from api.similarity.recorded import Recorded, recorded

HISTORY_MAX = 100
FOUND_MAX = 20


async def report(session: AsyncSession, user: CurrentUser, report_id: UUID) -> SimilarityReport:
    """Return a report the caller may see; raises `NotFoundError`."""
    found = await session.get(SimilarityReport, report_id)
    if found is None or not await _readable(session, user, found):
        raise NotFoundError("there is no such report", slug="report-not-found")
    return found


async def shown(session: AsyncSession, found: SimilarityReport) -> schemas.ReportDetail:
    """Return a report in full."""
    told = found.summary or {}
    return schemas.ReportDetail(
        **(await _summary(session, found)).model_dump(),
        submissions=told.get("submissions"),
        pairs=told.get("pairs"),
        threshold=told.get("threshold"),
        problems=told.get("problems"),
    )


async def reports(
    session: AsyncSession, user: CurrentUser, *, before: UUID | None, limit: int
) -> tuple[list[schemas.ReportSummary], UUID | None]:
    """Return reports the caller may see, latest first, and after which one the next page begins.

    A page may be short: what the caller may not see is left out of it.
    """
    wanted = select(SimilarityReport).order_by(SimilarityReport.id.desc()).limit(limit + 1)
    if before is not None:
        wanted = wanted.where(SimilarityReport.id < before)
    rows = list(await session.scalars(wanted))
    page = rows[:limit]
    items = [await _summary(session, each) for each in page if await _readable(session, user, each)]
    return items, page[-1].id if len(rows) > limit else None


async def pairs(
    session: AsyncSession,
    report_id: UUID,
    *,
    after: int,
    limit: int,
    stands_out: bool,
    decided: Decision | None,
) -> list[schemas.PairShown]:
    """Return pairs of a report, the closest first."""
    conditions = [
        SimilarityPair.report_id == report_id,
        SimilarityPair.position > after,
    ]
    if stands_out:
        conditions.append(SimilarityPair.stands_out.is_(True))
    if decided is not None:
        conditions.append(SimilarityDecision.decision == decided)
    wanted = (
        select(SimilarityPair, SimilarityDecision)
        .outerjoin(
            SimilarityDecision,
            and_(
                SimilarityDecision.first_id == SimilarityPair.first_id,
                SimilarityDecision.second_id == SimilarityPair.second_id,
            ),
        )
        .where(*conditions)
        .order_by(SimilarityPair.position)
        .limit(limit)
    )
    rows = (await session.execute(wanted)).all()
    beside = await recorded(
        session, {each for row in rows for each in (row[0].first_id, row[0].second_id)}
    )
    return [_pair(row[0], row[1], beside) for row in rows]


async def pair(
    session: AsyncSession, user: CurrentUser, both: tuple[UUID, UUID]
) -> schemas.PairDetail:
    """Return all there is about a pair."""
    await deciding.seen(session, user, both)
    decision = await session.get(SimilarityDecision, both)
    appeals = await session.scalars(
        select(SimilarityAppeal)
        .where(SimilarityAppeal.first_id == both[0], SimilarityAppeal.second_id == both[1])
        .order_by(SimilarityAppeal.id)
    )
    rows = await session.execute(
        select(SimilarityPair, SimilarityReport)
        .join(SimilarityReport, SimilarityReport.id == SimilarityPair.report_id)
        .where(SimilarityPair.first_id == both[0], SimilarityPair.second_id == both[1])
        .order_by(SimilarityReport.id.desc())
        .limit(FOUND_MAX)
    )
    beside = await recorded(session, both)
    kind, identity = deciding.subject(both)
    history, _ = await audit.page(
        session, limit=HISTORY_MAX, subject_kind=kind, subject_id=identity
    )
    return schemas.PairDetail(
        first_id=both[0],
        second_id=both[1],
        decision=_decision(decision),
        appeals=[appeal(each) for each in appeals],
        history=[
            schemas.Act(at=each.at, actor_id=each.actor_id, action=each.action, detail=each.detail)
            for each in history
        ],
        found=[
            _pair(row[0], decision, beside)
            for row in rows
            if await _readable(session, user, row[1])
        ],
    )


async def open_appeals(
    session: AsyncSession, user: CurrentUser, *, limit: int
) -> list[schemas.AppealShown]:
    """Return appeals nobody has answered, the oldest first."""
    wanted = (
        select(SimilarityAppeal)
        .join(CodeSubmission, CodeSubmission.id == SimilarityAppeal.submission_id)
        .where(SimilarityAppeal.state == AppealState.OPEN, *access.comparable(user))
        .order_by(SimilarityAppeal.id)
        .limit(limit)
    )
    return [appeal(each) for each in await session.scalars(wanted)]


def appeal(row: SimilarityAppeal) -> schemas.AppealShown:
    """Return an appeal as reviewers see it."""
    return schemas.AppealShown(
        id=row.id,
        submission_id=row.submission_id,
        first_id=row.first_id,
        second_id=row.second_id,
        text=row.text,
        state=row.state,
        answer=row.answer,
        made_at=row.created_at,
        answered_at=row.answered_at,
    )


async def similar(
    session: AsyncSession, user: CurrentUser, submission_id: UUID, *, limit: int
) -> schemas.SimilarSubmissions:
    """Return what is close to a submission, as far as the caller may compare."""
    asked = await session.get(CodeSubmission, submission_id)
    if asked is None or not await access.may_see(session, user, [asked.event_id]):
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    kept = (
        await session.execute(
            select(SimilarityFingerprint.too_short, SimilarityFingerprint.compared).where(
                SimilarityFingerprint.submission_id == submission_id
            )
        )
    ).first()
    either = or_(
        and_(
            SimilarityNeighbour.first_id == submission_id,
            SimilarityNeighbour.second_id == CodeSubmission.id,
        ),
        and_(
            SimilarityNeighbour.second_id == submission_id,
            SimilarityNeighbour.first_id == CodeSubmission.id,
        ),
    )
    rows = await session.execute(
        select(CodeSubmission, SimilarityNeighbour, SimilarityDecision.decision)
        .join(SimilarityNeighbour, either)
        .outerjoin(
            SimilarityDecision,
            and_(
                SimilarityDecision.first_id == SimilarityNeighbour.first_id,
                SimilarityDecision.second_id == SimilarityNeighbour.second_id,
            ),
        )
        .where(*access.comparable(user))
        # What proves comes before what only hints.
        .order_by(
            SimilarityNeighbour.kind.desc(), SimilarityNeighbour.score.desc(), CodeSubmission.id
        )
        .limit(limit)
    )
    return schemas.SimilarSubmissions(
        submission_id=submission_id,
        compared=kept is not None and kept.compared is not Compared.NOTHING,
        too_short=kept is not None and kept.too_short,
        items=[_similar(*row) for row in rows],
    )


def _similar(
    row: CodeSubmission, found: SimilarityNeighbour, decision: Decision | None
) -> schemas.SimilarSubmission:
    return schemas.SimilarSubmission(
        submission_id=row.id,
        problem_id=row.problem_id,
        user_id=row.user_id,
        event_id=row.event_id,
        language=row.language,
        submitted_at=row.submitted_at,
        score=found.score,
        kind=found.kind,
        decision=decision,
    )


async def _readable(session: AsyncSession, user: CurrentUser, found: SimilarityReport) -> bool:
    """Tell whether a report may be read; one made inside holds what goes on until it is known."""
    if found.inside and found.finished_at is None and not access.jury(user):
        return False
    return await access.may_see(session, user, found.event_ids)


async def _summary(session: AsyncSession, found: SimilarityReport) -> schemas.ReportSummary:
    job = await session.get(Job, found.id)
    done = found.finished_at is not None
    state = job.state if job is not None else JobState.DONE if done else JobState.CANCELLED
    return schemas.ReportSummary(
        id=found.id,
        created_by=found.created_by,
        created_at=found.created_at,
        scope=found.scope,
        state=state,
        progress=100 if done else job.progress if job is not None else 0,
        finished_at=found.finished_at,
    )


def _pair(
    row: SimilarityPair, decision: SimilarityDecision | None, beside: Recorded
) -> schemas.PairShown:
    return schemas.PairShown(
        report_id=row.report_id,
        position=row.position,
        problem_id=row.problem_id,
        first_id=row.first_id,
        second_id=row.second_id,
        score=row.score,
        chance=row.chance,
        stands_out=row.stands_out,
        evidence=row.evidence,
        signals=row.signals | beside.signals(row.first_id, row.second_id),
        decision=_decision(decision),
    )


def _decision(row: SimilarityDecision | None) -> schemas.DecisionShown | None:
    if row is None:
        return None
    return schemas.DecisionShown(
        decision=row.decision, note=row.note, decided_by=row.decided_by, decided_at=row.decided_at
    )
