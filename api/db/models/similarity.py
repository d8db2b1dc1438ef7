"""Similarity: what is kept of submissions to compare them, what was found, what people decided.

Fingerprints and vectors are the truth of every index: an index is made from these rows. Pairs of
submissions are unordered; `first_id` is the smaller id, so a decision is found again by whoever
compares the two next.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Identified, Timed, choice


class Compared(StrEnum):
    """With what a submission was compared: `tokens` is the archive's index, without vectors."""

    NOTHING = "nothing"
    TOKENS = "tokens"
    ALL = "all"


class SimilarityFingerprint(Base):
    """The fingerprint of a judged submission, and its hashed vector; both deterministic."""

    __tablename__ = "similarity_fingerprints"
    __table_args__ = (
        Index("ix_similarity_fingerprints_problem", "problem_id", "family"),
        Index(
            "ix_similarity_fingerprints_uncompared",
            "submission_id",
            postgresql_where=text("compared <> 'all'"),
        ),
    )

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    problem_id: Mapped[UUID] = mapped_column(ForeignKey("code_problems.id", ondelete="CASCADE"))
    family: Mapped[str]
    own_tokens: Mapped[int]
    too_short: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    # float32, little-endian, as in the vector index.
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    compared: Mapped[Compared] = mapped_column(choice(Compared), server_default="nothing")


class SimilarityEmbedding(Base):
    """What a model makes of one chunk of a submission; only one model's are kept for long."""

    __tablename__ = "similarity_embeddings"

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True)
    first_line: Mapped[int]
    last_line: Mapped[int]
    dimension: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class SimilarityStatement(Base):
    """The vector of a problem's statement: hashed words, or what a model makes of it."""

    __tablename__ = "similarity_statements"

    problem_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_problems.id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[UUID]
    dimension: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class NeighbourKind(StrEnum):
    """How a neighbour was found: by tokens, which prove, or by meaning, which only hints."""

    TOKENS = "tokens"
    MEANING = "meaning"


class SimilarityNeighbour(Base):
    """Two submissions that came close when the later one was compared with the archive."""

    __tablename__ = "similarity_neighbours"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        Index("ix_similarity_neighbours_second", "second_id"),
    )

    first_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    second_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[NeighbourKind] = mapped_column(choice(NeighbourKind), primary_key=True)
    score: Mapped[float] = mapped_column(Double)
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SimilarityReport(Identified, Timed, Base):
    """A comparison of an event, a problem, or a set of submissions; a job of the same id makes it.

    `event_ids` are the events its submissions are from: who may read it depends on them.
    """

    __tablename__ = "similarity_reports"
    __table_args__ = (Index("ix_similarity_reports_maker", "created_by", "id"),)

    created_by: Mapped[UUID]
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Made for a game master, with submissions of events that go on.
    inside: Mapped[bool] = mapped_column(Boolean)
    event_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    finished_at: Mapped[datetime | None]


class SimilarityPair(Base):
    """A pair of a report, the closest first, with its evidence and what lies beside it."""

    __tablename__ = "similarity_pairs"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        Index("ix_similarity_pairs_both", "first_id", "second_id"),
        Index("ix_similarity_pairs_second", "second_id"),
    )

    report_id: Mapped[UUID] = mapped_column(
        ForeignKey("similarity_reports.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    problem_id: Mapped[UUID]
    first_id: Mapped[UUID] = mapped_column(ForeignKey("code_submissions.id", ondelete="CASCADE"))
    second_id: Mapped[UUID] = mapped_column(ForeignKey("code_submissions.id", ondelete="CASCADE"))
    score: Mapped[float] = mapped_column(Double)
    chance: Mapped[float | None] = mapped_column(Double)
    stands_out: Mapped[bool] = mapped_column(Boolean)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signals: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Decision(StrEnum):
    """What a reviewer made of a pair; nothing but a person ever writes one."""

    DISMISSED = "dismissed"
    SUSPICIOUS = "suspicious"
    CONFIRMED = "confirmed"


class AppealState(StrEnum):
    """Where an appeal against a confirmed decision is."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class SimilarityDecision(Timed, Base):
    """A decision about a pair of submissions: of the pair, not of a report, so it outlives those.

    The audit log has every decision there was; here is the last.
    """

    __tablename__ = "similarity_decisions"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        Index("ix_similarity_decisions_second", "second_id"),
    )

    first_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    second_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    decision: Mapped[Decision] = mapped_column(choice(Decision))
    note: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[UUID]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SimilarityAppeal(Identified, Timed, Base):
    """What somebody whose submission is in a confirmed pair says against it, and the answer."""

    __tablename__ = "similarity_appeals"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered"),
        Index("ix_similarity_appeals_pair", "first_id", "second_id"),
        Index("uq_similarity_appeals_once", "submission_id", "first_id", "second_id", unique=True),
    )

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE")
    )
    first_id: Mapped[UUID] = mapped_column(ForeignKey("code_submissions.id", ondelete="CASCADE"))
    second_id: Mapped[UUID] = mapped_column(ForeignKey("code_submissions.id", ondelete="CASCADE"))
    made_by: Mapped[UUID]
    text: Mapped[str]
    state: Mapped[AppealState] = mapped_column(choice(AppealState), server_default="open")
    answer: Mapped[str] = mapped_column(server_default="")
    answered_by: Mapped[UUID | None]
    answered_at: Mapped[datetime | None]
