"""Starting before the time, where an event says so: as soon as all who play are there and ready.

The lobby's clock goes on beside it, so that nobody waits for ever for somebody who does not come.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select

from api.db.engine import Sessions
from api.db.models import EntryKind, Event, EventParticipant, EventState, Presence
from api.errors import ConflictError
from api.events import acting
from api.events.machine import Act


async def start_ready(sessions: Sessions, *, now: datetime) -> int:
    """Start the events for which everybody is ready; return how many."""
    async with sessions() as session:
        ready = (await session.scalars(select(Event.id).where(*_all_ready()))).all()
    started = 0
    for event_id in ready:
        async with sessions() as session:
            event = await session.scalar(
                select(Event)
                .where(Event.id == event_id, *_all_ready())
                .with_for_update(skip_locked=True, key_share=True, of=Event)
            )
            if event is None or event.starts_at <= now:
                # Somebody else is at it, took it back, or the clock has it now.
                continue
            event.starts_at = now
            try:
                await acting.act(session, event_id, Act.START, by=acting.CLOCK, now=now)
            except ConflictError:
                # It cannot start, which its game masters are told at the planned time.
                await session.rollback()
                continue
            await session.commit()
            started += 1
    return started


def _all_ready() -> list[ColumnElement[bool]]:
    plays = and_(EventParticipant.event_id == Event.id, EventParticipant.kind == EntryKind.OFFICIAL)
    late = or_(EventParticipant.ready_at.is_(None), EventParticipant.presence != Presence.PRESENT)
    return [
        Event.state == EventState.LOBBY,
        Event.start_when_ready.is_(True),
        exists().where(plays),
        ~exists().where(plays, late),
    ]
