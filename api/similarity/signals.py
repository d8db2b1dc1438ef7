"""What is known of two submissions beside their code: it is shown, and never mixed into a score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import EntryKind, EventEntry, EventParticipant, UserProfileRef
from api.similarity.choosing import Chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who took part with whom, as far as events and profiles say."""

    entries: dict[tuple[UUID, UUID], EventEntry] = field(default_factory=dict)
    guilds: dict[UUID, UUID] = field(default_factory=dict)

    def author(self, one: Chosen) -> str:
        """Return whose work a submission is: a team shares its code."""
        entry = self._entry(one)
        return str(one.user_id if entry is None else entry.id)

    def signals(self, one: Chosen, other: Chosen) -> dict[str, Any]:
        """Return what lies beside a pair."""
        earlier, later = sorted((one, other), key=lambda each: (each.submitted_at, each.id))
        gap = later.submitted_at - earlier.submitted_at
        return {
            "earlier_id": str(earlier.id),
            "gap_s": round(gap.total_seconds(), 3),
            "both_accepted": one.accepted and other.accepted,
            "same_event": one.event_id is not None and one.event_id == other.event_id,
            "same_room": self._room(one) is not None and self._room(one) == self._room(other),
            "same_guild": self._guild(one) is not None and self._guild(one) == self._guild(other),
            "users": {str(each.id): str(each.user_id) for each in (one, other)},
            "languages": {str(each.id): each.language for each in (one, other)},
        }

    def _entry(self, one: Chosen) -> EventEntry | None:
        return None if one.event_id is None else self.entries.get((one.event_id, one.user_id))

    def _room(self, one: Chosen) -> UUID | None:
        entry = self._entry(one)
        return one.room_id or (entry.room_id if entry is not None else None)

    def _guild(self, one: Chosen) -> UUID | None:
        entry = self._entry(one)
        own = entry.guild_id if entry is not None else None
        return own or self.guilds.get(one.user_id)


async def people(session: AsyncSession, chosen: Sequence[Chosen]) -> People:
    """Read who the authors of submissions took part with."""
    users = {each.user_id for each in chosen}
    events = {each.event_id for each in chosen if each.event_id is not None}
    entries = await session.execute(
        select(EventParticipant.event_id, EventParticipant.user_id, EventEntry)
        .join(EventEntry, EventEntry.id == EventParticipant.entry_id)
        .where(
            EventParticipant.event_id.in_(events),
            # Whoever plays again afterwards was in a room and a guild of the event once.
            EventParticipant.kind == EntryKind.OFFICIAL,
        )
    )
    guilds = await session.execute(
        select(UserProfileRef.user_id, UserProfileRef.guild_id).where(
            UserProfileRef.user_id.in_(users), UserProfileRef.guild_id.is_not(None)
        )
    )
    return People(
        entries={(row[0], row[1]): row[2] for row in entries},
        guilds={user: guild for user, guild in guilds if guild is not None},
    )
