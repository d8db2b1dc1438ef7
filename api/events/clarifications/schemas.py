"""Clarifications as clients send and see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.submissions.schemas import Name

TEXT_MAX = 2000
CANNED_MAX = 50
# Without NUL, which is no text for PostgreSQL; nor are halves of characters, which match nothing.
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX, pattern=r"^[^\x00]*$")]


class To(StrEnum):
    """Whom something is for."""

    ALL = "all"
    ASKER = "asker"
    JURY = "jury"


class NewClarification(BaseModel):
    """A question, or an announcement; `problem` is a label, slug or id."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "May n be zero?", "problem": "A"}]},
    )

    text: Text
    problem: Name | None = None


class NewAnswer(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    to: Annotated[To, Field(description="asker or all.")] = To.ASKER


class ClarificationShown(BaseModel):
    """A question, an answer, or an announcement."""

    clarification_id: UUID
    event_id: UUID
    problem_id: UUID | None = None
    reply_to_id: UUID | None = None
    text: str
    to: To
    own: Annotated[bool, Field(description="Whether the caller asked it.")]
    from_user_id: Annotated[UUID | None, Field(description="Who asked; for the jury only.")] = None
    at: datetime


class ClarificationPage(BaseModel):
    """A page, latest first."""

    items: list[ClarificationShown]
    next_cursor: str | None = None


class Canned(BaseModel):
    """Answers that are often the right ones."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[list[Text], Field(max_length=CANNED_MAX)]
