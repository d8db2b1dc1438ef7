"""What is read of submissions, and how rows become what a caller may see."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, mates, redaction
from api.auth import CurrentUser
from api.db.models import CodeProblem, CodeSubmission, Judging, Run, SubmissionFile
from api.errors import NotFoundError
from api.redaction import Audience, Phase
from api.submissions import schemas
from judge.verdicts import Verdict

Row = tuple[CodeSubmission, Judging, CodeProblem]


async def one(
    session: AsyncSession, user: CurrentUser, submission_id: UUID
) -> tuple[Row, Audience, Phase]:
    """Return a submission the caller may see, and when; raises `NotFoundError` for all others."""
    found = (await session.execute(_rows().where(CodeSubmission.id == submission_id))).first()
    if found is None:
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    row: Row = (found[0], found[1], found[2])
    # What is handed in for a team belongs to each of it.
    mate = await mates.shared(session, user.id, [row[0].entry_id])
    owner_id = user.id if mate else row[0].user_id
    who = redaction.audience(user, owner_id, author_id=row[2].owner_id)
    if who is Audience.PUBLIC:
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    event_id = row[0].event_id
    known = await clocks.phases(session, [event_id])
    return row, who, redaction.phase_of(event_id, known.get(event_id) if event_id else None)


async def detail(
    session: AsyncSession, user: CurrentUser, submission_id: UUID
) -> schemas.SubmissionDetail:
    """Return all the caller may know of a submission."""
    row, who, phase = await one(session, user, submission_id)
    submission, judging, _ = row
    runs = await session.scalars(
        select(Run).where(Run.judging_id == judging.id).order_by(Run.position)
    )
    written = redaction.override(judging, who)
    shown = [each for row in runs if (each := redaction.run(row, who)) is not None]
    return schemas.SubmissionDetail(
        **summary(row, who, phase).model_dump(),
        version_id=judging.version_id,
        event_id=submission.event_id,
        room_id=submission.room_id,
        **redaction.about_source(submission, who, phase),
        judging_id=judging.id,
        queued_at=judging.queued_at,
        started_at=judging.started_at,
        finished_at=judging.finished_at,
        case_total=judging.case_total,
        compile_log=redaction.compile_log(judging, who),
        reason=redaction.reason(judging, who),
        override=schemas.OverrideShown.model_validate(written) if written else None,
        runs=[schemas.RunShown.model_validate(asdict(each)) for each in shown],
    )


def summary(row: Row, who: Audience, phase: Phase = Phase.FROZEN) -> schemas.SubmissionSummary:
    """Return a submission as a list shows it; owner and jury see the same in every phase."""
    submission, judging, problem = row
    verdict = redaction.verdict(judging, who, phase)
    decided = verdict is not None and verdict is not Verdict.JE
    used = decided and redaction.may_see_usage(who)
    return schemas.SubmissionSummary(
        id=submission.id,
        problem_id=submission.problem_id,
        problem=problem.slug,
        user_id=submission.user_id,
        language=submission.language,
        submitted_at=submission.submitted_at,
        state=judging.state,
        verdict=verdict,
        big5=verdict.big5 if verdict is not None else None,
        score=float(judging.score) if decided and judging.score is not None else None,
        cpu_ms=-(-judging.cpu_us // 1000) if used and judging.cpu_us is not None else None,
        memory_bytes=judging.memory_bytes if used else None,
        overridden=decided and redaction.override(judging, who) is not None,
    )


async def mine(
    session: AsyncSession,
    user: CurrentUser,
    *,
    before: UUID | None,
    limit: int,
    problem: str | None,
    entry_id: UUID | None = None,
) -> list[Row]:
    """Return the caller's submissions, or those of an entry the caller is in, latest first."""
    query = _rows().order_by(CodeSubmission.id.desc()).limit(limit)
    if entry_id is None:
        query = query.where(CodeSubmission.user_id == user.id)
    elif await mates.shared(session, user.id, [entry_id]):
        query = query.where(CodeSubmission.entry_id == entry_id)
    else:
        raise NotFoundError("you are in no such entry", slug="entry-not-found")
    if before is not None:
        query = query.where(CodeSubmission.id < before)
    if problem is not None:
        query = query.where(CodeProblem.slug == problem)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def source(session: AsyncSession, submission_id: UUID) -> dict[str, bytes]:
    """Return a submission's files by name."""
    rows = await session.execute(
        select(SubmissionFile.name, SubmissionFile.content).where(
            SubmissionFile.submission_id == submission_id
        )
    )
    return {name: bytes(content) for name, content in rows}


def _rows() -> Select[CodeSubmission, Judging, CodeProblem]:
    return (
        select(CodeSubmission, Judging, CodeProblem)
        .join(Judging, (Judging.submission_id == CodeSubmission.id) & Judging.is_current)
        .join(CodeProblem, CodeProblem.id == CodeSubmission.problem_id)
    )
