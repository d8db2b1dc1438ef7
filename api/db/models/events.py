"""Events: what is played when by whom, and in which rooms.

An *entry* is what a leaderboard ranks: one player, or a team's side. Its participants are people,
who live in another service and are known by their UUID.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class EventState(StrEnum):
    """Where an event is in its life; `api.events.machine` says what may follow what."""

    REQUESTED = "requested"
    REJECTED = "rejected"
    APPROVED = "approved"
    ASSIGNED = "assigned"
    LOBBY = "lobby"
    LIVE = "live"
    FROZEN = "frozen"
    FINISHED = "finished"
    THAWED = "thawed"
    FINALISED = "finalised"
    CANCELLED = "cancelled"


class Entries(StrEnum):
    """Who stands behind an entry of an event: one person, or as many as make a team."""

    INDIVIDUAL = "individual"
    TEAM = "team"


class EntryKind(StrEnum):
    """How an entry takes part; only official ones are on the event's leaderboard."""

    OFFICIAL = "official"
    VIRTUAL = "virtual"
    PRACTICE = "practice"


class Presence(StrEnum):
    """Where a participant is."""

    INVITED = "invited"
    PRESENT = "present"
    DISCONNECTED = "disconnected"
    LEFT = "left"
    COMPLETED = "completed"


class Event(Identified, Timed, Extensible, Base):
    """One event. Times are planned until `started_at` and others say that they happened."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="slug"),
        CheckConstraint("duration_s > 0", name="duration_positive"),
        CheckConstraint("freeze_s BETWEEN 0 AND duration_s", name="freeze_within"),
        CheckConstraint("team_members_max > 0", name="team_members"),
        Index("ix_events_listing", "starts_at", "id"),
        # The clock looks at events that are not over, of which there are few.
        Index(
            "ix_events_moving",
            "starts_at",
            postgresql_where=text("state IN ('approved', 'assigned', 'lobby', 'live', 'frozen')"),
        ),
    )

    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    state: Mapped[EventState] = mapped_column(choice(EventState))
    format: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    starts_at: Mapped[datetime]
    duration_s: Mapped[int]
    freeze_s: Mapped[int | None]
    assign_s: Mapped[int] = mapped_column(server_default="900")
    lobby_s: Mapped[int] = mapped_column(server_default="600")
    # Removed intervals: [{"start": …, "end": …}], the last one open while the event is paused.
    removed: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    seed: Mapped[int]
    topics: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    individuals: Mapped[bool] = mapped_column(Boolean, server_default="true")
    entries: Mapped[Entries] = mapped_column(choice(Entries), server_default="individual")
    team_members_max: Mapped[int] = mapped_column(server_default="3")
    guilds_max: Mapped[int | None]
    guild_members_max: Mapped[int | None]
    room_entries: Mapped[int] = mapped_column(server_default="0")
    guild_board: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    awards: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    spectator_delay_s: Mapped[int | None]
    auto_thaw: Mapped[bool] = mapped_column(Boolean, server_default="false")
    start_when_ready: Mapped[bool] = mapped_column(Boolean, server_default="false")
    # Nobody knows of it but who takes part, who asked for it, and game masters.
    private: Mapped[bool] = mapped_column(Boolean, server_default="false")
    # What is kept of how and from where something is handed in; everybody is told so.
    record_writing: Mapped[bool] = mapped_column(Boolean, server_default="false")
    record_network: Mapped[bool] = mapped_column(Boolean, server_default="false")
    requested_by: Mapped[UUID]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(server_default="")
    started_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    thawed_at: Mapped[datetime | None]
    # How many cells of what the freeze hides are shown already, see `BoardReveal`.
    revealed: Mapped[int] = mapped_column(server_default="0")
    finalised_at: Mapped[datetime | None]


class EventProblem(Base):
    """A problem of an event: label, worth, place, and the limits that hold there.

    Kind, greatest score and limits are copied from the version when it is chosen, so that a board
    needs nothing else; `cpu_ms` and `memory_bytes` may be the event's own.
    """

    __tablename__ = "event_code_problems"
    __table_args__ = (
        UniqueConstraint("event_id", "label"),
        UniqueConstraint("event_id", "position", deferrable=True, initially="DEFERRED"),
        CheckConstraint("points >= 0", name="points"),
    )

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    problem_id: Mapped[UUID] = mapped_column(ForeignKey("code_problems.id"), primary_key=True)
    version_id: Mapped[UUID] = mapped_column(ForeignKey("code_problem_versions.id"))
    label: Mapped[str]
    position: Mapped[int]
    points: Mapped[Decimal] = mapped_column(Numeric, server_default="1")
    scoring: Mapped[bool] = mapped_column(Boolean)
    max_score: Mapped[Decimal | None] = mapped_column(Numeric)
    cpu_ms: Mapped[int]
    memory_bytes: Mapped[int]


class EventGuild(Timed, Base):
    """A guild that registered."""

    __tablename__ = "event_guilds"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    guild_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    registered_by: Mapped[UUID]


class Room(Identified, Timed, Base):
    """A group of entries that battle on a leaderboard and a feed of their own."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("event_id", "position"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    name: Mapped[str]
    position: Mapped[int]


class EventEntry(Identified, Timed, Extensible, Base):
    """What a leaderboard ranks. `starts_at` is a virtual entry's own start.

    `join_key` lets others into a team that somebody made by themselves, while people register.
    """

    __tablename__ = "event_entries"
    __table_args__ = (
        Index("ix_event_entries_event", "event_id", "kind", "id"),
        Index("ix_event_entries_room", "room_id"),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind), server_default="official")
    name: Mapped[str]
    guild_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("rooms.id"))
    extra_s: Mapped[int] = mapped_column(server_default="0")
    starts_at: Mapped[datetime | None]
    join_key: Mapped[str | None]


class EventParticipant(Timed, Base):
    """Somebody in an event; in one entry of each kind at most."""

    __tablename__ = "event_participants"
    __table_args__ = (
        Index("uq_event_participants_user", "event_id", "user_id", "kind", unique=True),
        Index("ix_event_participants_mine", "user_id", "event_id"),
    )

    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("event_entries.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind), server_default="official")
    name: Mapped[str]
    presence: Mapped[Presence] = mapped_column(choice(Presence), server_default="invited")
    ready_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    # When they first were in their room.
    came_at: Mapped[datetime | None]


class Draft(Base):
    """The last saved state of somebody's editor; handed in at the bell if they asked for it."""

    __tablename__ = "drafts"

    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    problem_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str]
    source: Mapped[str]
    hand_in: Mapped[bool] = mapped_column(Boolean, server_default="true")
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())
    submission_id: Mapped[UUID | None]


class Clarification(Identified, Timed, Base):
    """A question, an answer or an announcement; without `from_user_id` it is the jury's.

    Without `to_user_id` and from the jury it is to everybody.
    """

    __tablename__ = "clarifications"
    __table_args__ = (Index("ix_clarifications_event", "event_id", "id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    problem_id: Mapped[UUID | None]
    reply_to_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("clarifications.id", ondelete="CASCADE")
    )
    from_user_id: Mapped[UUID | None]
    to_user_id: Mapped[UUID | None]
    author_id: Mapped[UUID]
    text: Mapped[str]
