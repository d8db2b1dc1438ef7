"""What the endpoints of neighbours read and write."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.neighbours.inbound import Effect

Kind = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Url = Annotated[str, Field(max_length=2000, examples=["https://guild.example/hooks/codebattle"])]
KINDS_MAX = 50


class Taken(BaseModel):
    """What became of an inbound event."""

    effect: Effect


class EndpointWanted(BaseModel):
    """A place events are to be sent to; no kinds means all."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    kinds: list[Kind] = Field(default=[], max_length=KINDS_MAX)
    description: Line = ""


class EndpointChange(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    kinds: list[Kind] | None = Field(None, max_length=KINDS_MAX)
    description: Line | None = None
    disabled: bool | None = None


class EndpointShown(BaseModel):
    """A place events are sent to, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    url: str
    kinds: list[str]
    description: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str


class EndpointMade(EndpointShown):
    """A place events are sent to, with the secret for this one time."""

    secret: str


class SecretMade(BaseModel):
    """A new secret, shown this once; the one before signs as well until then."""

    secret: str
    old_secret_until: datetime


class EndpointList(BaseModel):
    """All places events are sent to."""

    items: list[EndpointShown]


class DeliveryShown(BaseModel):
    """One event for one place."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    kind: str
    created_at: datetime
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    given_up_at: datetime | None


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryShown]
    next_cursor: str | None


class AttemptShown(BaseModel):
    """One attempt: what came back first, or why nothing did."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    status: int | None
    duration_ms: int
    response_head: str
    error: str


class DeliveryDetail(DeliveryShown):
    """A delivery with what was sent and every attempt."""

    payload: dict[str, Any]
    log: list[AttemptShown]
