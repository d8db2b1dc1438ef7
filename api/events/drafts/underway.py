"""Drafts that are being saved: those of before a bell are waited for before it rings.

Whoever saves one says so before they ask what time it is. So all that were saved before some
moment are stored once nobody is at it who said so until then, however long it took them.
What closes an event waits for them and they for it, as for what is handed in.
"""

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event

_ALL_STORED = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


async def begin(session: AsyncSession, event: Event) -> None:
    """Say that a draft is being saved until the transaction ends; the event is up to date then."""
    await session.execute(
        select(Event, func.pg_advisory_xact_lock_shared(func.hashtextextended(_key(event.id), 0)))
        .where(Event.id == event.id)
        .with_for_update(read=True, key_share=True, of=Event)
        .execution_options(populate_existing=True)
    )


async def all_stored(session: AsyncSession, event_id: UUID) -> None:
    """Wait until what is being saved of an event is stored; nobody waits for us afterwards."""
    moment = await session.begin_nested()
    await session.execute(_ALL_STORED, {"key": _key(event_id)})
    await moment.rollback()


def _key(event_id: UUID) -> str:
    return f"codebattle.drafts:{event_id}"
