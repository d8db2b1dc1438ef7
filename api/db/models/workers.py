"""The workers there are, as they say themselves."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class WorkerState(StrEnum):
    """Whether a worker takes work."""

    ACTIVE = "active"
    DRAINING = "draining"
    QUARANTINED = "quarantined"
    GONE = "gone"


class Worker(Identified, Timed, Extensible, Base):
    """One worker process from its start to its end."""

    __tablename__ = "workers"

    host: Mapped[str]
    process_id: Mapped[int]
    version: Mapped[str]
    backend: Mapped[str]
    slots: Mapped[int]
    state: Mapped[WorkerState] = mapped_column(choice(WorkerState))
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    self_test: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    images: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    quarantine_reason: Mapped[str] = mapped_column(server_default="")
