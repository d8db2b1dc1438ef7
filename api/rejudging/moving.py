"""Who would move on the boards of events if a set were applied: tried out, then rolled back.

The set goes onto the boards as applying it would bring it there, so that the preview cannot be
another thing than what comes. The boards' writers wait for as long as it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import CodeSubmission, Event, EventEntry, Judging, Rejudging, RejudgingState
from api.rejudging import schemas, service
from api.submissions import boarding

EVENTS_MAX = 20
_RANKS = text("""
SELECT entry_id, lost, rank() OVER (ORDER BY lost, penalty, last) AS rank
FROM codebattle.board_rows WHERE event_id = :event_id AND NOT public
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    rank: int
    lost: Decimal


async def moves(session: AsyncSession, found: Rejudging, *, limit: int) -> schemas.Moves:
    """Return who moves on the jury's boards; nothing of it is kept.

    The session is rolled back: read from it before, not after.
    """
    if found.state in {RejudgingState.APPLIED, RejudgingState.CANCELLED}:
        raise service.wrong_state(found, "what it would move is told before it is applied")
    events = await _events(session, found.id)
    before = {event.id: await _ranks(session, event.id) for event in events}
    await boarding.rejudged(session, found.id, applied=False)
    boards = [await _moved(session, event, before[event.id], limit=limit) for event in events]
    await session.rollback()
    return schemas.Moves(events=boards)


async def _events(session: AsyncSession, rejudging_id: UUID) -> list[Event]:
    """Return the events with submissions of a set, and not more than a preview shows."""
    wanted = (
        select(CodeSubmission.event_id)
        .join(Judging, Judging.submission_id == CodeSubmission.id)
        .where(Judging.rejudging_id == rejudging_id, CodeSubmission.entry_id.is_not(None))
    )
    found = await session.scalars(
        select(Event).where(Event.id.in_(wanted)).order_by(Event.id).limit(EVENTS_MAX)
    )
    return list(found)


async def _ranks(session: AsyncSession, event_id: UUID) -> dict[UUID, _Place]:
    rows = await session.execute(_RANKS, {"event_id": event_id})
    return {row.entry_id: _Place(rank=row.rank, lost=row.lost) for row in rows}


async def _moved(
    session: AsyncSession, event: Event, before: Mapping[UUID, _Place], *, limit: int
) -> schemas.Moved:
    after = await _ranks(session, event.id)
    moved = sorted(
        (who for who, place in after.items() if who in before and before[who] != place),
        key=lambda who: (after[who].rank, who),
    )
    shown = moved[:limit]
    named = select(EventEntry.id, EventEntry.name).where(EventEntry.id.in_(shown))
    names = {row.id: row.name for row in await session.execute(named)}
    return schemas.Moved(
        event_id=event.id,
        slug=event.slug,
        state=event.state,
        moved=len(moved),
        entries=[
            schemas.Move(
                entry_id=who,
                name=names[who],
                rank_before=before[who].rank,
                rank=after[who].rank,
                score_before=float(-before[who].lost) or 0.0,
                score=float(-after[who].lost) or 0.0,
            )
            for who in shown
        ],
    )
