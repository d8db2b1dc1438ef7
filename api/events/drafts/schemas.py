"""Drafts as clients send and see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.submissions.schemas import Name, Pasted

# PostgreSQL's text holds no NUL; the bound of characters is that of bytes, checked afterwards.
Text = Annotated[str, StringConstraints(max_length=1 << 20, pattern=r"^[^\x00]*$")]


class NewDraft(BaseModel):
    """What is in the editor now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"language": "python3", "source": "print(1)"}]},
    )

    language: Annotated[Name, Field(description="Id of a language, see /v1/languages.")]
    source: Annotated[Text, Field(description="Its bound is that of a submission.")]
    hand_in: Annotated[
        bool, Field(description="Hand it in when the time is over, if nothing newer was.")
    ] = True
    pasted: Pasted = None


class DraftSummary(BaseModel):
    """A draft in a list."""

    user_id: Annotated[UUID, Field(description="Who saved it: the caller, or one of the team.")]
    problem_id: UUID
    label: str
    language: str
    hand_in: bool
    saved_at: datetime
    submission_id: Annotated[UUID | None, Field(description="What it became at the bell.")]


class DraftShown(DraftSummary):
    """A draft."""

    source: str


class DraftList(BaseModel):
    """One's team's drafts in an event, in the order of its problems."""

    items: list[DraftSummary]
