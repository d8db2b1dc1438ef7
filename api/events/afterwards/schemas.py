"""Virtual participations and practice as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.accounts.router import Moment
from api.db.models import EntryKind

StartsAt = Annotated[
    Moment | None,
    Field(description="When the clock starts: within a week; now unless it is given."),
]


class Stage(StrEnum):
    """Where a virtual participation is by its own clock."""

    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


class NewVirtual(BaseModel):
    """A virtual participation to begin."""

    model_config = ConfigDict(extra="forbid")

    starts_at: StartsAt = None


class NewGuildVirtual(NewVirtual):
    """The same of a guild: its members play on one clock, each in an entry of their own."""

    members: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class VirtualShown(BaseModel):
    """A virtual participation and its clock."""

    event_id: UUID
    entry_id: UUID
    user_id: UUID
    name: str
    guild_id: UUID | None
    stage: Stage
    now: Annotated[datetime, Field(description="The server's clock.")]
    starts_at: datetime
    ends_at: datetime
    elapsed_s: Annotated[
        float, Field(description="Seconds of its own time; negative before the start.")
    ]


class GuildVirtualShown(BaseModel):
    """A guild's virtual participations."""

    event_id: UUID
    guild_id: UUID
    items: list[VirtualShown]


class PracticeShown(BaseModel):
    """Somebody's practice in an event."""

    event_id: UUID
    entry_id: UUID
    kind: EntryKind
    name: str
