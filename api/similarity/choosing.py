"""Which submissions are compared: the first, the last and the best of each person and problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeSubmission, Judging, JudgingState
from judge.verdicts import Verdict

# What was judged; a judge error says nothing about a submission.
JUDGED = (Judging.is_current, Judging.state == JudgingState.DONE, Judging.verdict != Verdict.JE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A submission to compare, and what is told beside its pairs."""

    id: UUID
    user_id: UUID
    problem_id: UUID
    event_id: UUID | None
    room_id: UUID | None
    language: str
    submitted_at: datetime
    accepted: bool


async def choose(
    session: AsyncSession,
    *conditions: ColumnElement[bool],
    limit: int,
    every: bool = False,
) -> list[Chosen]:
    """Return the judged submissions that count; with `every`, all of them, up to a limit."""
    ranked = _ranked(conditions)
    wanted = select(ranked)
    if not every:
        wanted = wanted.where(or_(ranked.c.first == 1, ranked.c.last == 1, ranked.c.best == 1))
    rows = await session.execute(wanted.order_by(ranked.c.id).limit(limit))
    return [
        Chosen(
            id=row.id,
            user_id=row.user_id,
            problem_id=row.problem_id,
            event_id=row.event_id,
            room_id=row.room_id,
            language=row.language,
            submitted_at=row.submitted_at,
            accepted=row.verdict == Verdict.AC,
        )
        for row in rows
    ]


def _ranked(conditions: Sequence[ColumnElement[bool]]) -> Any:
    """Return judged submissions, each with its rank among those of its person and problem."""
    whose = (CodeSubmission.user_id, CodeSubmission.problem_id)
    accepted = case((Judging.verdict == Verdict.AC, 0), else_=1)
    orders = {
        "first": (CodeSubmission.submitted_at, CodeSubmission.id),
        "last": (CodeSubmission.submitted_at.desc(), CodeSubmission.id.desc()),
        "best": (accepted, Judging.score.desc().nulls_last(), CodeSubmission.submitted_at),
    }
    return (
        select(
            CodeSubmission.id,
            *whose,
            CodeSubmission.event_id,
            CodeSubmission.room_id,
            CodeSubmission.language,
            CodeSubmission.submitted_at,
            Judging.verdict,
            *(
                func.row_number().over(partition_by=whose, order_by=order).label(name)
                for name, order in orders.items()
            ),
        )
        .join(Judging, Judging.submission_id == CodeSubmission.id)
        .where(*JUDGED, *conditions)
        .subquery()
    )
