"""Who asks about an event: what they are in it, and until when they may act there.

An event that somebody may not know of and one that is not there look the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.auth import CurrentUser
from api.db.base import is_id
from api.db.models import EntryKind, Event, EventEntry, EventParticipant
from api.errors import ConflictError, ForbiddenError, NotFoundError
from api.events.machine import RUNNING
from api.leaderboards import scoring
from api.live import event_state
from judge.scoring.schedule import Schedule

# Whoever may act in several ways acts in the first of them.
ORDER = (EntryKind.OFFICIAL, EntryKind.VIRTUAL, EntryKind.PRACTICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One entry of somebody, and they themselves in it."""

    entry: EventEntry
    participant: EventParticipant

    def clock(self, event: Event) -> Schedule:
        """Return the clock of this entry."""
        base = scoring.schedule(event)
        if self.entry.kind is EntryKind.OFFICIAL or self.entry.starts_at is None:
            return base
        return scoring.virtual(base, self.entry.starts_at)

    def ends_at(self, event: Event) -> datetime | None:
        """Return when this entry's time is over, or None while a pause has no end."""
        return ends_at(self.clock(event), self.entry.extra_s)

    def open(self, event: Event, now: datetime) -> bool:
        """Tell whether this entry may act now: an official one while the event goes on."""
        if self.entry.kind is EntryKind.OFFICIAL:
            if event.state not in RUNNING:
                return False
        elif not clocks.played(event, now):
            return False
        if self.entry.kind is EntryKind.PRACTICE:
            return True
        return self.clock(event).open(now, extra=timedelta(seconds=self.entry.extra_s))

    def racing(self, event: Event, now: datetime) -> bool:
        """Tell whether it has time before it, or will have: others' ways are not for it to see."""
        if self.entry.kind is EntryKind.OFFICIAL:
            return event.state in RUNNING
        ends_at = self.ends_at(event)
        return self.entry.kind is EntryKind.VIRTUAL and ends_at is not None and now < ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """Somebody at an event that they may know of."""

    event: Event
    user: CurrentUser
    places: tuple[Place, ...]

    @property
    def jury(self) -> bool:
        """Tell whether they run the event."""
        return self.user.jury

    @property
    def official(self) -> Place | None:
        """Return where they play on the event's own board."""
        return self.of(EntryKind.OFFICIAL)

    def of(self, kind: EntryKind) -> Place | None:
        """Return where they play in one way, of which there is one at most."""
        return next((each for each in self.places if each.entry.kind is kind), None)

    def timed(self, now: datetime) -> Place | None:
        """Return the place whose clock is theirs now: the virtual one once they have it."""
        if self.official is not None and self.official.open(self.event, now):
            return self.official
        return self.of(EntryKind.VIRTUAL) or self.official or self.of(EntryKind.PRACTICE)

    def racing(self, now: datetime) -> bool:
        """Tell whether they play for time in this event."""
        return any(each.racing(self.event, now) for each in self.places)

    def playing(self) -> Place:
        """Return the same; raises `ForbiddenError` for those who do not take part."""
        if self.official is None:
            raise ForbiddenError("you do not take part in this event", slug="event-not-yours")
        return self.official

    def active(self, now: datetime) -> Place:
        """Return the place from which they may act now; raises who has none, or not now."""
        if not self.places:
            raise ForbiddenError("you do not take part in this event", slug="event-not-yours")
        for place in self.places:
            if place.open(self.event, now):
                return place
        raise ConflictError(
            f"the event is {self.event.state.value}, or your time in it is over",
            slug="event-closed",
        )

    def need_jury(self) -> None:
        """Raise `ForbiddenError` unless they run the event."""
        if not self.jury:
            raise ForbiddenError("only those who run the event may do that")


async def attend(
    session: AsyncSession, user: CurrentUser, name: str, *, key: str | None = None
) -> Attendance:
    """Return somebody's attendance at an event by its id or slug; raises `NotFoundError`.

    Whoever has the `key` of one of its teams was told of the event by somebody in it.
    """
    event = await session.scalar(select(Event).where(_named(name))) if "\0" not in name else None
    if event is None:
        raise NotFoundError("there is no such event", slug="event-not-found")
    found = await session.execute(
        select(EventEntry, EventParticipant)
        .join(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .where(EventParticipant.event_id == event.id, EventParticipant.user_id == user.id)
    )
    places = sorted(
        (Place(entry=entry, participant=who) for entry, who in found.all()),
        key=lambda place: ORDER.index(place.entry.kind),
    )
    plays = bool(places) or (key is not None and await _opens(session, event, key))
    if not event_state.may_know(user, event, plays=plays):
        raise NotFoundError("there is no such event", slug="event-not-found")
    return Attendance(event=event, user=user, places=tuple(places))


async def _opens(session: AsyncSession, event: Event, key: str) -> bool:
    found = await session.scalar(
        select(EventEntry.id).where(
            EventEntry.event_id == event.id,
            EventEntry.join_key == key,
        )
    )
    return found is not None


def ends_at(clock: Schedule, extra_s: int) -> datetime | None:
    """Return when somebody's time is over, or None while a pause has no end."""
    return clock.moment(clock.duration + timedelta(seconds=extra_s))


def _named(name: str) -> ColumnElement[bool]:
    return Event.id == UUID(name) if is_id(name) else Event.slug == name
