"""What of a frozen board is shown already, step by step, before all of it is (`thawed`).

A revealed cell is on the public board what it is on the jury's, whatever becomes known of it
later; all others stay as the freeze left them. So a board that is being revealed is made of the
log and of these cells alone. Only an event of which something was revealed is asked for them.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import BoardReveal, Event
from api.leaderboards.desk import Target

NONE: frozenset[Target] = frozenset()


async def shown(
    session: AsyncSession, event: Event, entries: Collection[UUID] | None = None
) -> frozenset[Target]:
    """Return the cells that were revealed, of some entries or of all."""
    if not event.revealed:
        return NONE
    found = select(BoardReveal.entry_id, BoardReveal.problem_id).where(
        BoardReveal.event_id == event.id, BoardReveal.step <= event.revealed
    )
    if entries is not None:
        found = found.where(BoardReveal.entry_id.in_(entries))
    return frozenset((who, task) for who, task in await session.execute(found))


async def told(
    session: AsyncSession, event: Event, *, after: int, limit: int
) -> Sequence[BoardReveal]:
    """Return the steps that were taken, as they were told, in order."""
    found = await session.scalars(
        select(BoardReveal)
        .where(
            BoardReveal.event_id == event.id,
            BoardReveal.step > after,
            BoardReveal.step <= event.revealed,
        )
        .order_by(BoardReveal.step)
        .limit(limit)
    )
    return found.all()
