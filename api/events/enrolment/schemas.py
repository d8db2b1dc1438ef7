"""Who is to take part, as clients say it."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.events.life.schemas import DAY_S, Asked, Reason

TeamName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00\r\n]*$")
]


class NewTeam(Asked):
    """A team of a guild."""

    name: TeamName
    members: Annotated[list[UUID], Field(min_length=1, max_length=100)]


class NewGuild(Asked):
    """Who plays for a guild; where teams play, `members` are one team, called as the guild is."""

    members: Annotated[list[UUID], Field(max_length=1000, default_factory=list)]
    teams: Annotated[list[NewTeam], Field(max_length=100, default_factory=list)]

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.members and self.teams:
            raise ValueError("members or teams, not both")
        return self


class NewRegistration(Asked):
    """How somebody takes part where teams play: alone, with a new team, or in one by its key."""

    team: TeamName | None = None
    key: Annotated[
        str | None,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$"),
        Field(description="What its first member was given."),
    ] = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.team is not None and self.key is not None:
            raise ValueError("team or key, not both")
        return self


class EntryChanges(Asked):
    """What is different for one entry."""

    extra_s: Annotated[int, Field(ge=0, le=7 * DAY_S, description="Its extra time.")]
    reason: Reason = ""
