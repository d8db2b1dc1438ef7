"""Long tasks people wait for: imports, verification, rejudging, exports; and quick trials."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, text
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

    @property
    def final(self) -> bool:
        """Tell whether nothing more will happen."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class JobLane(StrEnum):
    """Whether somebody waits at the keyboard, or it may take its time."""

    QUICK = "quick"
    LONG = "long"


class Job(Identified, Timed, Extensible, Base):
    """One long task; claimed with a lease and a fencing token as judgings are."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        CheckConstraint("(state = 'running') = (lease_expires_at IS NOT NULL)", name="lease"),
        Index("ix_jobs_queued", "lane", "due_at", postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_leased", "lease_expires_at", postgresql_where=text("state = 'running'")),
        Index(
            "ix_jobs_waiting_of_owner",
            "owner_id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_jobs_owner", "owner_id", "id"),
    )

    kind: Mapped[str]
    lane: Mapped[JobLane] = mapped_column(choice(JobLane), server_default="long")
    owner_id: Mapped[UUID | None]
    state: Mapped[JobState] = mapped_column(choice(JobState), server_default="queued")
    # The order of claiming; after a failure of ours also the time before which nobody tries again.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
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
