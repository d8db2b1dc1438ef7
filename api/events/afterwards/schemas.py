"""Virtual participations and practice as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from api.accounts.router import Moment
from api.db.models import EntryKind
from api.events.enrolment.schemas import NewGuild, NewRegistration

StartsAt = Annotated[
    Moment | None,
    Field(description="When the clock starts: within a week; now unless it is given."),
]


class Stage(StrEnum):
    """Where a virtual participation is by its own clock."""

    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


class NewVirtual(NewRegistration):
    """A virtual participation to begin; where teams play, with a new one or in one by its key."""

    starts_at: StartsAt = None

    @model_validator(mode="after")
    def _on_one_clock(self) -> Self:
        if self.key is not None and self.starts_at is not None:
            raise ValueError("starts_at is the team's")
        return self


class NewGuildVirtual(NewGuild):
    """The same of a guild: its members or teams play on one clock, each in an entry of its own."""

    starts_at: StartsAt = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.members and not self.teams:
            raise ValueError("members or teams")
        return self


class VirtualShown(BaseModel):
    """A virtual participation and its clock."""

    event_id: UUID
    entry_id: UUID
    user_id: UUID
    name: str
    team: Annotated[str | None, Field(description="Its team's name, where teams play.")]
    team_key: Annotated[
        str | None, Field(description="With it others join the team until its time is over.")
    ]
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
