"""Giving an accepted duel up: the captain's to do, and lost by it, whatever the board says.

The event remembers which side it was; what is written down at its end, and the ratings, follow
that. Before the start there is nothing to lose: the event is cancelled, and nobody is rated.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, clocks
from api.auth import CurrentUser
from api.db.models import Duel, DuelState, EntryKind, EventParticipant, EventState
from api.errors import ConflictError, ForbiddenError
from api.events import acting
from api.events.duels import service
from api.events.finalising import RESIGNED
from api.events.machine import RUNNING, STARTED, Act


async def resign(session: AsyncSession, user: CurrentUser, duel_id: UUID) -> Duel:
    """Give a duel up; again is no error. The caller commits."""
    duel = await service.locked(session, user, duel_id)
    if user.id not in {duel.challenger_id, duel.opponent_id}:
        raise ForbiddenError("only its captains give a duel up")
    if duel.state is not DuelState.ACCEPTED or duel.event_id is None:
        raise ConflictError(f"the challenge is {duel.state.value}", slug="duel-state")
    event = await acting.held(session, duel.event_id, Act.FINISH)
    mine = await session.scalar(
        select(EventParticipant.entry_id).where(
            EventParticipant.event_id == event.id,
            EventParticipant.user_id == user.id,
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
    )
    if event.extra.get(RESIGNED) == str(mine):
        return duel
    if event.state in STARTED - RUNNING or event.state is EventState.CANCELLED:
        raise ConflictError("the duel is over", slug="duel-state")
    event.extra = {**event.extra, RESIGNED: str(mine)}
    now = await clocks.now(session)
    if event.state in RUNNING:
        acting.cut(event, now)
        await acting.act(session, event.id, Act.FINISH, by=acting.CLOCK, now=now, reason="resigned")
    else:
        await acting.act(session, event.id, Act.CANCEL, by=acting.CLOCK, now=now, reason="resigned")
    audit.record(session, user, "duel.resign", subject=("duel", duel.id))
    return duel
