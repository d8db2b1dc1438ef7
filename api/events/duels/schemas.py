"""Duels as clients send and see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.db.models import DuelSide, DuelState

MEMBERS_MAX = 8
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00\r\n]*$")]
Others = Annotated[
    list[UUID],
    Field(max_length=MEMBERS_MAX - 1, description="Who plays beside the captain, if anybody."),
]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=64, to_lower=True, pattern=r"^[^\x00]*$")
]


class Terms(BaseModel):
    """What is played: first to solve with one round, best of n with more."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rounds: Annotated[int, Field(ge=1, le=9, description="Problems; most rounds win.")] = 1
    duration_s: Annotated[int, Field(ge=60, le=4 * 3600)] = 1800
    countdown_s: Annotated[int, Field(ge=3, le=300, description="From accepting to start.")] = 10
    start_when_ready: Annotated[
        bool, Field(description="Start before the countdown's end once all of it are ready.")
    ] = False
    tag: Tag | None = None
    difficulty_min: Annotated[int | None, Field(ge=0, le=10_000)] = None
    difficulty_max: Annotated[int | None, Field(ge=0, le=10_000)] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        least, most = self.difficulty_min, self.difficulty_max
        if least is not None and most is not None and least > most:
            raise ValueError("difficulty_min is above difficulty_max")
        return self


class NewDuel(BaseModel):
    """A challenge by one captain of another: one against one, or with members beside them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "opponent_id": "00000000-0000-4000-8000-000000000002",
                    "terms": {"rounds": 3, "tag": "graphs"},
                }
            ]
        },
    )

    opponent_id: UUID
    members: Others = []
    team: Annotated[Name | None, Field(description="What the side is called.")] = None
    terms: Terms = Terms()
    expires_in_s: Annotated[int, Field(ge=30, le=86_400)] = 300


class NewSide(BaseModel):
    """The side that accepts: as many as the challenger brings."""

    model_config = ConfigDict(extra="forbid")

    members: Others = []
    team: Annotated[Name | None, Field(description="What the side is called.")] = None


class DuelOutcome(StrEnum):
    """What came of a duel."""

    CHALLENGER = "challenger"
    OPPONENT = "opponent"
    DRAWN = "drawn"
    CANCELLED = "cancelled"


class DuelMemberShown(BaseModel):
    """Somebody named for a duel."""

    user_id: UUID
    name: str
    joined: bool
    selected: Annotated[
        bool, Field(description="By a guild master, and they have not said yes themselves.")
    ]


class DuelSideShown(BaseModel):
    """One of the two sides."""

    side: DuelSide
    name: str
    captain_id: UUID
    members: Annotated[list[DuelMemberShown], Field(description="With its captain, who is first.")]


class DuelShown(BaseModel):
    """A duel, to those of it."""

    id: UUID
    challenger_id: UUID
    opponent_id: UUID
    state: DuelState
    terms: Terms
    sides: list[DuelSideShown]
    expires_at: datetime
    event_id: Annotated[UUID | None, Field(description="The event it became.")]
    outcome: Annotated[DuelOutcome | None, Field(description="Null until it is over.")] = None
    created_at: datetime


class DuelPage(BaseModel):
    """A page of one's duels, latest first."""

    items: list[DuelShown]
    next_cursor: str | None = None
