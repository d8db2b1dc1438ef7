"""What is read of rejudge sets: the list, the progress, and who would change."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api import paging
from api.auth import CurrentUser
from api.db.models import CodeSubmission, Judging, JudgingState, Rejudging, RejudgingState
from api.errors import BadRequestError
from api.rejudging import schemas
from api.rejudging.service import ALLOWED, UNFINISHED


async def page(
    session: AsyncSession,
    user: CurrentUser,
    *,
    limit: int,
    cursor: str | None,
    state: RejudgingState | None,
) -> schemas.RejudgingPage:
    """Return sets the caller may know of, latest first."""
    wanted = select(Rejudging).order_by(Rejudging.id.desc()).limit(limit + 1)
    if not user.jury:
        wanted = wanted.where(Rejudging.created_by == user.id)
    if state is not None:
        wanted = wanted.where(Rejudging.state == state)
    if cursor is not None:
        wanted = wanted.where(Rejudging.id < _last(cursor))
    found = list(await session.scalars(wanted))
    return schemas.RejudgingPage(
        items=await shown(session, found[:limit]),
        next_cursor=paging.encode(str(found[limit - 1].id)) if len(found) > limit else None,
    )


async def shown(session: AsyncSession, found: Sequence[Rejudging]) -> list[schemas.RejudgingShown]:
    """Return sets with their progress."""
    rows = await session.execute(
        select(Judging.rejudging_id, func.count())
        .where(Judging.rejudging_id.in_([each.id for each in found]), UNFINISHED)
        .group_by(Judging.rejudging_id)
    )
    unfinished = {row[0]: row[1] for row in rows}
    return [_shown(each, unfinished.get(each.id, 0)) for each in found]


def _shown(found: Rejudging, unfinished: int) -> schemas.RejudgingShown:
    total = int(found.extra.get("selected", 0))
    return schemas.RejudgingShown(
        id=found.id,
        state=found.state,
        reason=found.reason,
        selection=found.selection,
        against=found.extra.get("against"),
        created_by=found.created_by,
        created_at=found.created_at,
        applied_by=found.applied_by,
        finished_at=found.finished_at,
        progress=schemas.Progress(
            done=total - unfinished - int(found.extra.get("removed", 0)), total=total
        ),
        outcome=found.extra.get("outcome"),
        allowed=list(ALLOWED[found.state]),
        url=f"/v1/rejudgings/{found.id}",
    )


async def preview(
    session: AsyncSession,
    found: Rejudging,
    *,
    limit: int,
    cursor: str | None,
    changed: bool,
    failed: bool,
) -> schemas.Preview:
    """Compare a set with what counts now or, once it is applied, with what counted before."""
    old = aliased(Judging)
    matched = (
        old.id == Judging.replaces_id
        if found.state is RejudgingState.APPLIED
        else and_(old.submission_id == Judging.submission_id, old.is_current)
    )
    differs = and_(
        Judging.state == JudgingState.DONE,
        old.verdict.is_distinct_from(Judging.verdict) | old.score.is_distinct_from(Judging.score),
    )

    def members(*columns: Any) -> Select[*tuple[Any, ...]]:
        return select(*columns).join(old, matched).where(Judging.rejudging_id == found.id)

    cells = (
        await session.execute(
            members(old.verdict, Judging.verdict, func.count(), func.count().filter(differs))
            .group_by(old.verdict, Judging.verdict)
            .order_by(old.verdict, Judging.verdict)
        )
    ).all()
    query = (
        members(Judging, old, CodeSubmission, differs)
        .join(CodeSubmission, CodeSubmission.id == Judging.submission_id)
        .order_by(Judging.submission_id)
        .limit(limit + 1)
    )
    conditions: list[ColumnElement[bool]] = []
    if changed:
        conditions.append(differs)
    if failed:
        conditions.append(Judging.state == JudgingState.FAILED)
    if cursor is not None:
        conditions.append(Judging.submission_id > _last(cursor))
    rows = (await session.execute(query.where(*conditions))).all()
    more = len(rows) > limit
    items = [_compared(*row) for row in rows[:limit]]
    ends = {
        each: await session.scalar(
            select(func.count()).where(Judging.rejudging_id == found.id, condition)
        )
        for each, condition in (
            ("failed", Judging.state == JudgingState.FAILED),
            ("unfinished", UNFINISHED),
        )
    }
    return schemas.Preview(
        state=found.state,
        matrix=[schemas.Cell(old=row[0], new=row[1], count=row[2]) for row in cells],
        changed=sum(row[3] for row in cells),
        failed=ends["failed"] or 0,
        unfinished=ends["unfinished"] or 0,
        items=items,
        next_cursor=paging.encode(str(items[-1].submission_id)) if more else None,
    )


def _compared(
    new: Judging,
    old: Judging,
    submission: CodeSubmission,
    differs: bool,  # noqa: FBT001 - a column of the row
) -> schemas.Compared:
    return schemas.Compared(
        submission_id=submission.id,
        user_id=submission.user_id,
        problem_id=submission.problem_id,
        language=submission.language,
        old=_judged(old),
        new=_judged(new),
        changed=differs,
        current=new.is_current,
    )


def _judged(judging: Judging) -> schemas.Judged:
    return schemas.Judged(
        judging_id=judging.id,
        state=judging.state,
        verdict=judging.verdict,
        score=float(judging.score) if judging.score is not None else None,
        reason=judging.reason,
    )


def _last(cursor: str) -> UUID:
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
