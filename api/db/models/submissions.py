"""Submissions: what was handed in. What came of it is a judging."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed


class CodeSubmission(Identified, Timed, Extensible, Base):
    """One attempt at one problem. People, events and rooms live in other services."""

    __tablename__ = "code_submissions"
    __table_args__ = (
        Index(
            "uq_code_submissions_idempotency",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("ix_code_submissions_mine", "user_id", "id"),
        Index("ix_code_submissions_problem", "problem_id", "id"),
        Index("ix_code_submissions_event", "event_id", "room_id", "id"),
        Index(
            "ix_code_submissions_entry",
            "entry_id",
            "id",
            postgresql_where=text("entry_id IS NOT NULL"),
        ),
    )

    user_id: Mapped[UUID]
    problem_id: Mapped[UUID] = mapped_column(ForeignKey("code_problems.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("code_problem_versions.id"), index=True)
    event_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None]
    # Whose attempt it is on the event's board; nobody's when the jury tries something out.
    entry_id: Mapped[UUID | None]
    language: Mapped[str]
    entry_point: Mapped[str | None]
    source_hash: Mapped[str] = mapped_column(index=True)
    source_bytes: Mapped[int]
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str]
    request_id: Mapped[str] = mapped_column(server_default="")


class SubmissionFile(Base):
    """A source file; bytes, since a source may be no text PostgreSQL would take."""

    __tablename__ = "submission_files"

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
