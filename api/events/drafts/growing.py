"""How a draft grows, where the event's rules say that it is kept: saves are counted, no text.

A row is a stretch of saves without a submission in between, so that what is told of a submission
is what was there before it, and there is never more than one row for each submission and one.
What a save adds is how much longer the source is than at the save before: whoever rewrites a
program in its place adds nothing, and is not suspected of having pasted it.
"""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import case, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeSubmission, DraftStretch
from api.events.drafts.schemas import NewDraft


class Whose(TypedDict):
    """Somebody's draft of a problem in one of their entries."""

    entry_id: UUID
    user_id: UUID
    problem_id: UUID


async def note(session: AsyncSession, whose: Whose, new: NewDraft, *, now: datetime) -> None:
    """Note a save; the caller commits."""
    last = await _last(session, whose)
    nth, before = (0, 0) if last is None else last
    source_bytes = len(new.source.encode())
    row = insert(DraftStretch).values(
        **whose,
        nth=nth,
        saves=1,
        first_at=now,
        last_at=now,
        source_bytes=source_bytes,
        grown_bytes=max(0, source_bytes - before),
        grown_at=now,
        pasted=new.pasted,
    )
    more = row.excluded.grown_bytes > DraftStretch.grown_bytes
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[*whose, "nth"],
            set_={
                "saves": DraftStretch.saves + 1,
                "last_at": row.excluded.last_at,
                "source_bytes": row.excluded.source_bytes,
                "grown_bytes": func.greatest(DraftStretch.grown_bytes, row.excluded.grown_bytes),
                "grown_at": case((more, row.excluded.grown_at), else_=DraftStretch.grown_at),
                # Of two PostgreSQL takes the one that is said.
                "pasted": func.greatest(DraftStretch.pasted, row.excluded.pasted),
            },
        )
    )


async def _last(session: AsyncSession, whose: Whose) -> tuple[int, int] | None:
    """Return the number of the stretch a save belongs to, and how long the last source was."""
    handed_in = (
        exists()
        .where(
            CodeSubmission.entry_id == DraftStretch.entry_id,
            CodeSubmission.user_id == DraftStretch.user_id,
            CodeSubmission.problem_id == DraftStretch.problem_id,
            CodeSubmission.submitted_at > DraftStretch.last_at,
        )
        .correlate(DraftStretch)
    )
    found = await session.execute(
        select(DraftStretch.nth, DraftStretch.source_bytes, handed_in)
        .filter_by(**whose)
        .order_by(DraftStretch.nth.desc())
        .limit(1)
    )
    row = found.first()
    return None if row is None else (row[0] + bool(row[2]), row[1])
