"""Who plays in one entry with somebody: what one of a team hands in is the whole team's."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import EventParticipant


async def shared(
    session: AsyncSession, user_id: UUID, entries: Collection[UUID | None]
) -> Collection[UUID | None]:
    """Return those of the entries that somebody is in; never the one that is none."""
    known = {each for each in entries if each is not None}
    if not known:
        return ()
    found = await session.scalars(
        select(EventParticipant.entry_id).where(
            EventParticipant.entry_id.in_(known), EventParticipant.user_id == user_id
        )
    )
    return set(found)


def people(entry_id: UUID) -> Select[UUID]:
    """Return the query of who is in an entry."""
    return select(EventParticipant.user_id).where(EventParticipant.entry_id == entry_id)
