"""What events recorded of how and from where two submissions were handed in: shown beside a pair.

It is read when a pair is, and never stored with one: what was erased is gone from old reports too.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from api import traces
from api.db.models import CodeSubmission, DraftStretch, SubmissionTrace


class Recorded:
    """What was recorded of some submissions; what was not is None, never false."""

    def __init__(self, rows: Collection[Any], drafts: dict[UUID, Any]) -> None:
        self._rows = {row.id: row for row in rows}
        self._drafts = drafts

    def signals(self, first: UUID, second: UUID) -> dict[str, Any]:
        """Return what lies beside a pair: the network, how each was written, what clients said."""
        both = (first, second)
        return {
            "same_network": self._same_network(first, second),
            "writing": {str(each): self._writing(each) for each in both},
            "pasted_said": {str(each): self._pasted(each) for each in both},
        }

    def _same_network(self, first: UUID, second: UUID) -> bool | None:
        one, other = self._rows.get(first), self._rows.get(second)
        # Of two events the hashes have different keys.
        if one is None or other is None or one.event_id != other.event_id:
            return None
        return traces.same(one.network, other.network)

    def _writing(self, submission_id: UUID) -> dict[str, Any] | None:
        """Return how the draft grew until the submission: times are seconds before that."""
        row, draft = self._rows.get(submission_id), self._drafts.get(submission_id)
        if row is None or draft is None:
            return None

        def before(moment: Any) -> float:
            passed: float = (row.submitted_at - moment).total_seconds()
            return round(max(0.0, passed), 3)

        return {
            "saves": int(draft.saves),
            "first_s": before(draft.first_at),
            "last_s": before(draft.last_at),
            "draft_bytes": draft.source_bytes,
            "grown_bytes": draft.grown_bytes,
            "grown_s": before(draft.grown_at),
            "submitted_bytes": row.source_bytes,
        }

    def _pasted(self, submission_id: UUID) -> int | None:
        row, draft = self._rows.get(submission_id), self._drafts.get(submission_id)
        if row is not None and row.pasted is not None:
            return int(row.pasted)
        return None if draft is None else draft.pasted


async def recorded(session: AsyncSession, ids: Collection[UUID]) -> Recorded:
    """Read what was recorded of submissions."""
    rows = await session.execute(
        select(
            CodeSubmission.id,
            CodeSubmission.event_id,
            CodeSubmission.submitted_at,
            CodeSubmission.source_bytes,
            SubmissionTrace.network,
            SubmissionTrace.pasted,
        )
        .outerjoin(SubmissionTrace, SubmissionTrace.submission_id == CodeSubmission.id)
        .where(CodeSubmission.id.in_(ids))
    )

    def first(column: Any, *order: Any) -> Any:
        return func.array_agg(aggregate_order_by(column, *order))[1]

    # What was saved afterwards, for the next submission, is no part of it.
    drafts = await session.execute(
        select(
            CodeSubmission.id,
            func.sum(DraftStretch.saves).label("saves"),
            func.min(DraftStretch.first_at).label("first_at"),
            func.max(DraftStretch.last_at).label("last_at"),
            first(DraftStretch.source_bytes, DraftStretch.nth.desc()).label("source_bytes"),
            func.max(DraftStretch.grown_bytes).label("grown_bytes"),
            first(DraftStretch.grown_at, DraftStretch.grown_bytes.desc(), DraftStretch.nth).label(
                "grown_at"
            ),
            func.max(DraftStretch.pasted).label("pasted"),
        )
        .join(
            DraftStretch,
            and_(
                DraftStretch.entry_id == CodeSubmission.entry_id,
                DraftStretch.user_id == CodeSubmission.user_id,
                DraftStretch.problem_id == CodeSubmission.problem_id,
                DraftStretch.first_at <= CodeSubmission.submitted_at,
            ),
        )
        .where(CodeSubmission.id.in_(ids))
        .group_by(CodeSubmission.id)
    )
    return Recorded(rows.all(), {row.id: row for row in drafts})
