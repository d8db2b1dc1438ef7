"""What we tell other services (through the outbox) and what they told us."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed


class Outbox(Base):
    """Something that happened, written in the transaction that made it so.

    `event_id` is made from kind and key, so that telling the same thing twice tells it once.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "id", postgresql_where=text("dispatched_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    dispatched_at: Mapped[datetime | None]


class WebhookEndpoint(Identified, Timed, Extensible, Base):
    """Where events are sent; empty `kinds` means all. A secret replaced lives on for a while."""

    __tablename__ = "webhook_endpoints"

    url: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    old_secret_until: Mapped[datetime | None]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str] = mapped_column(server_default="")


class WebhookDelivery(Identified, Timed, Base):
    """One event for one endpoint. `next_at` is when to try next; empty once that is settled."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("uq_webhook_deliveries_once", "endpoint_id", "event_id", unique=True),
        Index("ix_webhook_deliveries_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_webhook_deliveries_event_id", "event_id"),
    )

    endpoint_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.event_id", ondelete="CASCADE"))
    attempts: Mapped[int] = mapped_column(server_default="0")
    attempts_max: Mapped[int] = mapped_column(server_default="10")
    next_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]


class WebhookAttempt(Identified, Base):
    """One attempt: what came back, or why nothing did. Rows are only ever added."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery", "delivery_id", "number"),)

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE")
    )
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    status: Mapped[int | None]
    duration_ms: Mapped[int]
    response_head: Mapped[str] = mapped_column(server_default="")
    error: Mapped[str] = mapped_column(server_default="")


class InboundEvent(Base):
    """An event somebody sent us, by its id, so that a second delivery changes nothing."""

    __tablename__ = "inbound_events"

    source: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
