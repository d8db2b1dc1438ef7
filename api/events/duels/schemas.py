"""Duels as clients send and see them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.db.models import DuelState

Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=64, to_lower=True, pattern=r"^[^\x00]*$")
]


class Terms(BaseModel):
    """What is played: first to solve with one round, best of n with more."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rounds: Annotated[int, Field(ge=1, le=9, description="Problems; most rounds win.")] = 1
    duration_s: Annotated[int, Field(ge=60, le=4 * 3600)] = 1800
    countdown_s: Annotated[int, Field(ge=3, le=300, description="From accepting to start.")] = 10
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
    """A challenge."""

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
    terms: Terms = Terms()
    expires_in_s: Annotated[int, Field(ge=30, le=86_400)] = 300


class DuelShown(BaseModel):
    """A duel, to the two of it."""

    id: UUID
    challenger_id: UUID
    opponent_id: UUID
    state: DuelState
    terms: Terms
    expires_at: datetime
    event_id: Annotated[UUID | None, Field(description="The event it became.")]
    created_at: datetime


class DuelPage(BaseModel):
    """A page of one's duels, latest first."""

    items: list[DuelShown]
    next_cursor: str | None = None
