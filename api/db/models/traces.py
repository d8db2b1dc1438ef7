"""What events record, if their rules say so, of how and from where something was handed in.

Reviewers of similarity read it (`api.similarity.signals`); it ends as `api.traces` says.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base


class DraftStretch(Base):
    """How somebody's draft of a problem grew between two submissions; `nth` counts from 0.

    `grown_bytes` is the most by which one save was longer than the one before, at
    `grown_at`; `pasted` is what the client said.
    """

    __tablename__ = "draft_stretches"
    __table_args__ = (
        Index("ix_draft_stretches_user_id", "user_id"),
        Index("ix_draft_stretches_first_at", "first_at"),
    )

    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("event_entries.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    problem_id: Mapped[UUID] = mapped_column(primary_key=True)
    nth: Mapped[int] = mapped_column(primary_key=True)
    saves: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    # Of the last save.
    source_bytes: Mapped[int]
    grown_bytes: Mapped[int]
    grown_at: Mapped[datetime]
    pasted: Mapped[int | None]


class SubmissionTrace(Base):
    """From where something was handed in (`api.traces.Networks`), and what its client said."""

    __tablename__ = "submission_traces"
    __table_args__ = (Index("ix_submission_traces_recorded_at", "recorded_at"),)

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    network: Mapped[str | None]
    pasted: Mapped[int | None]
    recorded_at: Mapped[datetime]
