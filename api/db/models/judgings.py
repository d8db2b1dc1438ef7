"""Judgings: attempts at a judgement, the queue they wait in, and the runs they leave behind.

The row is the truth of the queue. `due_at` is the one order of claiming: the time of queueing,
plus what the queue and the user's other waiting work cost. A claim sets a lease and a new fencing
token; whoever holds an older token can store nothing any more.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    Sequence,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice
from judge.verdicts import Verdict

FENCING = Sequence("fencing_tokens", metadata=Base.metadata)


class JudgingState(StrEnum):
    """Where the job is; not a verdict. `failed` is our failure: the verdict is JE."""

    QUEUED = "queued"
    COMPILING = "compiling"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Tell whether nothing more will happen."""
        return self in {JudgingState.DONE, JudgingState.FAILED}


ACTIVE = (JudgingState.COMPILING, JudgingState.RUNNING)


class Queue(StrEnum):
    """Which kind of work it is."""

    INTERACTIVE = "interactive"
    BATCH = "batch"
    REJUDGE = "rejudge"


class Judging(Identified, Timed, Extensible, Base):
    """One judging of a submission against one version; at most one per submission is current."""

    __tablename__ = "judgings"
    __table_args__ = (
        Index(
            "uq_judgings_current",
            "submission_id",
            unique=True,
            postgresql_where=text("is_current"),
        ),
        Index("ix_judgings_queued", "due_at", postgresql_where=text("state = 'queued'")),
        Index(
            "ix_judgings_leased",
            "lease_expires_at",
            postgresql_where=text("state IN ('compiling', 'running')"),
        ),
        Index(
            "ix_judgings_untold",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL AND told_at IS NULL"),
        ),
        Index(
            "ix_judgings_waiting_of_user",
            "user_id",
            postgresql_where=text("state IN ('queued', 'compiling', 'running')"),
        ),
        Index(
            "ix_judgings_waiting_of_room",
            "room_id",
            postgresql_where=text(
                "room_id IS NOT NULL AND is_current AND state IN ('queued', 'compiling', 'running')"
            ),
        ),
        Index(
            "uq_judgings_rejudging",
            "rejudging_id",
            "submission_id",
            unique=True,
            postgresql_where=text("rejudging_id IS NOT NULL"),
        ),
        Index(
            "ix_judgings_unfinished_of_rejudging",
            "rejudging_id",
            postgresql_where=text(
                "rejudging_id IS NOT NULL AND state IN ('queued', 'compiling', 'running')"
            ),
        ),
        Index(
            "ix_judgings_of_worker",
            "judged_by",
            "finished_at",
            postgresql_where=text("judged_by IS NOT NULL"),
        ),
        CheckConstraint(
            "(state IN ('compiling', 'running')) = (lease_expires_at IS NOT NULL)", name="lease"
        ),
        CheckConstraint(
            "(state IN ('done', 'failed')) = (verdict IS NOT NULL)", name="verdict_set"
        ),
    )

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), index=True
    )
    version_id: Mapped[UUID] = mapped_column(ForeignKey("code_problem_versions.id"), index=True)
    rejudging_id: Mapped[UUID | None] = mapped_column(ForeignKey("rejudgings.id"))
    # Of a rejudge set: the judging that was current when it was chosen, or that it took over from.
    replaces_id: Mapped[UUID | None]
    # The judging this one was made to check, on another worker.
    checks_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    room_id: Mapped[UUID | None]
    is_current: Mapped[bool]

    state: Mapped[JudgingState] = mapped_column(choice(JudgingState))
    queue: Mapped[Queue] = mapped_column(choice(Queue))
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(server_default="0")
    # Workers that failed at it: they wait before they try again.
    tried_workers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    # Workers that never get it, since it is there to look at what they judged.
    barred_workers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")

    lease_owner: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]
    fencing_token: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # When followers were told of the end; until then a sweep tells them.
    told_at: Mapped[datetime | None]
    judged_by: Mapped[UUID | None]

    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict))
    score: Mapped[Decimal | None] = mapped_column(Numeric)
    cpu_us: Mapped[int | None]
    wall_us: Mapped[int | None]
    memory_bytes: Mapped[int | None]
    case_total: Mapped[int | None]
    compile_log: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    # Judgement.to_json without its runs: what `codebattle replay` needs.
    record: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Run(Base):
    """The judgement of one test case. Messages here are for the jury unless they say otherwise."""

    __tablename__ = "runs"

    judging_id: Mapped[UUID] = mapped_column(
        ForeignKey("judgings.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    case_name: Mapped[str]
    sample: Mapped[bool]
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    score: Mapped[Decimal | None] = mapped_column(Numeric)
    cpu_us: Mapped[int]
    wall_us: Mapped[int]
    memory_bytes: Mapped[int]
    team_message: Mapped[str] = mapped_column(Text, server_default="")
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
