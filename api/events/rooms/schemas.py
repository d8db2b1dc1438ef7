"""Rooms, presence and the clock as clients see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.db.models import EventState, Presence
from api.problems.schemas import Sample, StatementText


class Clock(BaseModel):
    """What time it is in an event, for a countdown that does not trust the client's clock."""

    now: datetime
    state: EventState
    starts_at: datetime
    ends_at: Annotated[
        datetime | None,
        Field(description="For those without extra time; null while a pause has no end."),
    ]
    own_ends_at: Annotated[
        datetime | None,
        Field(description="For the caller, extra time included; null for who does not play."),
    ]
    freeze_at: datetime | None
    elapsed_s: Annotated[float, Field(description="Time played; negative before the start.")]
    paused: bool
    frozen: bool
    open: Annotated[bool, Field(description="Whether the caller may hand something in now.")]


class ProblemShown(BaseModel):
    """A problem of an event with all a player needs to work on it."""

    problem_id: UUID
    slug: str
    label: str
    position: int
    points: float
    title: str
    cpu_limit_ms: int
    memory_limit_bytes: int
    languages: Annotated[list[str] | None, Field(description="None means all.")]
    statements: list[StatementText]
    samples: list[Sample]


class Statements(BaseModel):
    """What is to be solved, in order."""

    items: list[ProblemShown]


class WatchedSource(BaseModel):
    """What an entry handed in some time ago."""

    submission_id: UUID
    problem_id: UUID
    entry_id: UUID
    language: str
    submitted_at: datetime
    files: dict[str, str]


class RoomSummary(BaseModel):
    """A room in a list."""

    id: UUID
    name: str
    entries: int
    people: int
    present: int
    ready: int
    own: bool


class RoomPage(BaseModel):
    """All rooms of an event, in order."""

    items: list[RoomSummary]
    next_cursor: str | None = None


class PersonShown(BaseModel):
    """Somebody in a room."""

    user_id: UUID
    name: str
    presence: Presence
    ready: bool


class EntryShown(BaseModel):
    """One side in a room: a player, or a team."""

    id: UUID
    name: str
    guild_id: UUID | None
    people: list[PersonShown]


class RoomDetail(BaseModel):
    """A room with a page of those who play in it."""

    id: UUID
    event_id: UUID
    name: str
    topic: Annotated[str, Field(description="What to follow on the stream.")]
    items: list[EntryShown]
    next_cursor: str | None = None


class Ready(BaseModel):
    """Whether one is ready to start."""

    model_config = ConfigDict(extra="forbid")

    ready: bool = True


class PresenceShown(BaseModel):
    """Where one is."""

    event_id: UUID
    entry_id: UUID
    room_id: UUID | None
    presence: Presence
    ready: bool
    heartbeat_s: Annotated[
        int,
        Field(description="Join again this often, or keep a stream of the room or event open."),
    ]
