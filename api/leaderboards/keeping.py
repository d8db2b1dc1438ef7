"""Keeping boards no older than a moment: what is in the log alone is shown, by whoever has time.

Judgements bring the board up to date themselves; handing something in only leaves its row in the
log, so that players wait for nobody. Workers come by here a few times a second.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.engine import Sessions
from api.leaderboards import updating
from api.leaderboards.updating import Changed
from api.submissions import boarding
from api.wiring import Parts

# With what is kept for readers (`api.wiring.RECENT_S`) less than the second that is promised.
EVERY_S = 0.3
_MINE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('codebattle.board:' || :id, 0))")


async def keep(parts: Parts) -> None:
    """Show on every board what its log has, and tell who follows."""
    await boarding.tell(parts.publisher, await show(parts.sessions))


async def show(sessions: Sessions) -> list[Changed]:
    """Show on every board what its log has; return what changed.

    An event that another worker is at is left to it.
    """
    async with sessions() as session:
        behind = await updating.behind(session)
    changed = []
    for event_id in behind:
        async with sessions() as session:
            if await session.scalar(_MINE, {"id": str(event_id)}):
                changed += await _caught_up(session, event_id)
    return changed


async def _caught_up(session: AsyncSession, event_id: UUID) -> list[Changed]:
    try:
        done = await updating.catch_up(session, event_id)
    except LookupError:
        # It was deleted just now, and its log with it.
        return []
    await session.commit()
    return [done]
