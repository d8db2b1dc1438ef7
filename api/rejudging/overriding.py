"""The jury's word in the place of the judge's: overrides, and taking them back.

An override is a rejudge set of one submission whose judging a person writes. It is applied at once
by what applies every set, so it is audited, told, and brought onto boards like any other, and
what the judge said stays beside it. Taking it back is a set that brings that judging again. A set
that is made later replaces an override as it would any judging; its preview shows that.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.base import new_id
from api.db.models import (
    CodeProblemVersion,
    CodeSubmission,
    EventProblem,
    Judging,
    JudgingState,
    Queue,
    Rejudging,
    RejudgingState,
    Run,
)
from api.errors import ConflictError, InvalidError, NotFoundError
from api.events import choosing
from api.rejudging import applying, schemas
from judge.problem import ProblemKind
from judge.scoring.base import DECIMALS

# What a judging keeps of the override that made it, in its metadata.
OVERRIDE = "override"
_NOT_COPIED = frozenset({"id", "rejudging_id", "replaces_id", "is_current", "told_at", "extra"})
_FINAL = frozenset({JudgingState.DONE, JudgingState.FAILED})


async def override(
    session: AsyncSession, user: CurrentUser, submission_id: UUID, new: schemas.NewOverride
) -> Rejudging:
    """Make a set that is ready, with the judging that somebody wrote; the caller applies it."""
    submission, current = await _judged(session, submission_id)
    score = await _score(session, submission, new)
    made = _set(user, new.reason, submission, {"verdict": new.verdict.value, "score": new.score})
    session.add(made)
    await session.flush()
    session.add(
        Judging(
            **_of(submission, current, made),
            state=JudgingState.DONE,
            queue=Queue.REJUDGE,
            started_at=func.now(),
            finished_at=func.now(),
            verdict=new.verdict,
            score=score,
            # What it took is as it was measured: formats may count that.
            cpu_us=current.cpu_us,
            wall_us=current.wall_us,
            memory_bytes=current.memory_bytes,
            extra={
                OVERRIDE: {
                    "by": str(user.id),
                    "reason": new.reason,
                    "of": _original(current),
                }
            },
        )
    )
    await session.flush()
    before = {"verdict": current.verdict, "score": _plain(current.score)}
    _noted(session, user, submission, "overridden", new.reason, before=before, after=made.selection)
    return made


async def restore(
    session: AsyncSession, user: CurrentUser, submission_id: UUID, reason: str
) -> Rejudging:
    """Make a set that is ready, with what the judge had said; the caller applies it."""
    submission, current = await _judged(session, submission_id)
    if OVERRIDE not in current.extra:
        raise ConflictError("the judge's own verdict counts", slug="submission-not-overridden")
    said = await session.get_one(Judging, UUID(current.extra[OVERRIDE]["of"]))
    if said.state is not JudgingState.DONE:
        raise ConflictError(
            "the judge had failed at it; rejudge it instead", slug="submission-not-overridden"
        )
    made = _set(user, reason, submission, None)
    session.add(made)
    await session.flush()
    kept = {
        each.key: getattr(said, each.key)
        for each in Judging.__mapper__.column_attrs
        if each.key not in _NOT_COPIED
    }
    again = Judging(**kept | _of(submission, current, made))
    session.add(again)
    await session.flush()
    await _copy_runs(session, said.id, again.id)
    after = {"verdict": said.verdict, "score": _plain(said.score)}
    _noted(session, user, submission, "restored", reason, after=after)
    return made


async def _judged(session: AsyncSession, submission_id: UUID) -> tuple[CodeSubmission, Judging]:
    """Return a submission and the judging that counts, which is at its end, and stays that."""
    await applying.one_at_a_time(session)
    submission = await session.get(CodeSubmission, submission_id, with_for_update=True)
    if submission is None:
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    current = (
        await session.scalars(
            select(Judging)
            .where(Judging.submission_id == submission_id, Judging.is_current)
            .execution_options(populate_existing=True)
        )
    ).one()
    if current.state not in _FINAL:
        raise ConflictError(
            "it is still being judged", slug="submission-unjudged", state=current.state.value
        )
    return submission, current


async def _score(
    session: AsyncSession, submission: CodeSubmission, new: schemas.NewOverride
) -> Decimal | None:
    """Return the score to store; raises unless there is one exactly where the problem has some."""
    scoring, most = await _scoring(session, submission)
    if not scoring:
        if new.score is not None:
            raise InvalidError("score: this problem has none")
        return None
    if new.score is None:
        raise InvalidError("score: this problem needs one")
    score = round(Decimal(str(new.score)), DECIMALS)
    if most is not None and score > most:
        raise InvalidError(f"score: at most {_plain(most)}")
    return score


async def _scoring(
    session: AsyncSession, submission: CodeSubmission
) -> tuple[bool, Decimal | None]:
    chosen = None
    if submission.event_id is not None:
        key = (submission.event_id, submission.problem_id)
        chosen = await session.get(EventProblem, key)
    if chosen is not None:
        return chosen.scoring, chosen.max_score
    version = await session.get_one(CodeProblemVersion, submission.version_id)
    most = await choosing.greatest(session, [version.id])
    return ProblemKind.SCORING.value in version.kinds, most.get(version.id)


def _set(
    user: CurrentUser, reason: str, submission: CodeSubmission, said: dict[str, Any] | None
) -> Rejudging:
    return Rejudging(
        id=new_id(),
        reason=reason,
        state=RejudgingState.READY,
        selection={"submission_ids": [str(submission.id)], OVERRIDE: said},
        created_by=user.id,
        created_at=func.clock_timestamp(),
        extra={"against": None, "selected": 1},
    )


def _of(submission: CodeSubmission, current: Judging, made: Rejudging) -> dict[str, Any]:
    """Return what the judgings of both kinds of sets have in common."""
    return {
        "id": new_id(),
        "submission_id": submission.id,
        "version_id": current.version_id,
        "user_id": submission.user_id,
        "room_id": submission.room_id,
        "rejudging_id": made.id,
        "replaces_id": current.id,
        "is_current": False,
        "due_at": func.now(),
        # Applying it tells its end, if that changed anything.
        "told_at": func.now(),
    }


def _original(current: Judging) -> str:
    """Return the judging that a judge made, whatever was written over it since."""
    before = current.extra.get(OVERRIDE)
    return str(current.id) if before is None else str(before["of"])


async def _copy_runs(session: AsyncSession, source: UUID, target: UUID) -> None:
    names = [each.key for each in Run.__table__.columns if each.key != "judging_id"]
    columns = [getattr(Run, name) for name in names]
    rows = (await session.execute(select(*columns).where(Run.judging_id == source))).mappings()
    copies = [{**row, "judging_id": target} for row in rows]
    if copies:
        await session.execute(insert(Run), copies)


def _noted(
    session: AsyncSession,
    user: CurrentUser,
    submission: CodeSubmission,
    action: str,
    reason: str,
    **detail: Any,
) -> None:
    audit.record(
        session,
        user,
        f"submission.{action}",
        subject=("submission", submission.id),
        detail={"reason": reason, **detail},
    )


def _plain(score: Decimal | None) -> float | None:
    return None if score is None else float(score)
