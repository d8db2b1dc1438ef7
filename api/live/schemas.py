"""What is sent to get a ticket, and the ticket."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TOPICS_MAX = 50
TopicName = Annotated[
    str,
    StringConstraints(
        pattern=r"^(user:me|(submission|user|job|problem|event|room):"
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
    ),
]


class NewTicket(BaseModel):
    """What the stream is to follow."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"topics": ["user:me"]}]}
    )

    topics: Annotated[list[TopicName], Field(min_length=1, max_length=TOPICS_MAX)]


class Ticket(BaseModel):
    """A ticket for one stream."""

    ticket: str
    expires_in_s: int
    url: Annotated[str, Field(description="The stream's URL with the ticket in it.")]
