"""Proving a board and mending it while people play on, and nobody waits longer than it takes."""

from uuid import UUID

from api.db.engine import Sessions
from api.db.models import Event
from api.leaderboards import moments, rebuilding, timelines, updating
from api.leaderboards.rebuilding import Proof


async def prove(sessions: Sessions, event_id: UUID) -> Proof:
    """Compare a board with one made from the log, both as of one moment; nobody waits for it."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return await rebuilding.check(session, await session.get_one(Event, event_id))


async def mend(sessions: Sessions, event_id: UUID) -> Proof:
    """Make a board anew and compare it afterwards.

    The event is locked for the board alone. How everybody stood at every moment is made a few
    entries at a time, and judgements are stored in between.
    """
    async with sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, event_id))
        timed = await moments.begun(session, event_id)
        await session.commit()
    if timed:
        await timelines.ensure(sessions, event_id)
    return await prove(sessions, event_id)
