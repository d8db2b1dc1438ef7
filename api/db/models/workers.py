"""The workers there are, as they say themselves."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
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
    # Not empty from a quarantine to the release, also when the process has ended meanwhile.
    quarantine_reason: Mapped[str] = mapped_column(server_default="")


class FindingKind(StrEnum):
    """What speaks against a worker: others agreed without it, or did what it could not."""

    CONTRADICTED = "contradicted"
    FAILED = "failed"


class WorkerFinding(Identified, Timed, Base):
    """One judging that speaks against a worker; `settled` when somebody released it since."""

    __tablename__ = "worker_findings"
    __table_args__ = (
        UniqueConstraint("worker_id", "judging_id"),
        Index("ix_worker_findings_open", "worker_id", postgresql_where=text("NOT settled")),
    )

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("workers.id", ondelete="CASCADE"))
    judging_id: Mapped[UUID]
    user_id: Mapped[UUID]
    kind: Mapped[FindingKind] = mapped_column(choice(FindingKind))
    settled: Mapped[bool] = mapped_column(server_default=text("false"))
