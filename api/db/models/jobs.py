"""Long tasks people wait for: imports, verification, rejudging, exports."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class JobState(StrEnum):
    """Where a long task is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Identified, Timed, Extensible, Base):
    """One long task; claimed with a lease and a fencing token as judgings are."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        Index("ix_jobs_queued", "created_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_owner", "owner_id", "id"),
    )

    kind: Mapped[str]
    owner_id: Mapped[UUID | None]
    state: Mapped[JobState] = mapped_column(choice(JobState), server_default="queued")
    progress: Mapped[int] = mapped_column(server_default="0")
    message: Mapped[str] = mapped_column(server_default="")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempt: Mapped[int] = mapped_column(server_default="0")
    lease_owner: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    fencing_token: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
