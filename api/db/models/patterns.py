"""Approaches to a problem, and what they suggest for submissions that were not accepted.

What is computed may be computed anew at any time; `given_name`, `verified` and the rules of
suggestions are people's, and no computation writes them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Double, ForeignKey, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Identified, Timed


class SolutionPattern(Identified, Timed, Base):
    """One approach among the accepted solutions of a problem.

    `counts` says how many of them have each feature, `families` how many are in which languages,
    `vector` is what the vector index holds of it: float32, little-endian. One that somebody named
    or verified stays when no solution follows it any more.
    """

    __tablename__ = "solution_patterns"
    __table_args__ = (
        CheckConstraint("verified = (verified_at IS NOT NULL)", name="verified"),
        CheckConstraint("solutions >= 0 AND solutions <= total", name="solutions"),
    )

    problem_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_problems.id", ondelete="CASCADE"), index=True
    )
    given_name: Mapped[str | None]
    verified: Mapped[bool] = mapped_column(Boolean, server_default="false")
    verified_by: Mapped[UUID | None]
    verified_at: Mapped[datetime | None]
    derived_name: Mapped[str]
    medoid_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="SET NULL"), index=True
    )
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    counts: Mapped[dict[str, Any]]
    families: Mapped[dict[str, Any]]
    solutions: Mapped[int]
    people: Mapped[int]
    total: Mapped[int]
    version: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SolutionPatternMember(Base):
    """An accepted solution and the pattern it follows."""

    __tablename__ = "solution_pattern_members"

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    pattern_id: Mapped[UUID] = mapped_column(
        ForeignKey("solution_patterns.id", ondelete="CASCADE"), index=True
    )
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    distance: Mapped[float] = mapped_column(Double)
    version: Mapped[int]


class SuggestionRule(Timed, Base):
    """An author's switch: whether points are suggested for a problem, and how many at most."""

    __tablename__ = "suggestion_rules"
    __table_args__ = (
        CheckConstraint("points_max > 0", name="points_max"),
        CheckConstraint("closeness_min >= 0 AND closeness_min <= 1", name="closeness_min"),
    )

    problem_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_problems.id", ondelete="CASCADE"), primary_key=True
    )
    enabled: Mapped[bool] = mapped_column(Boolean)
    points_max: Mapped[float] = mapped_column(Double)
    closeness_min: Mapped[float] = mapped_column(Double)
    changed_by: Mapped[UUID]


class SolutionSuggestion(Base):
    """How close a submission that was not accepted is to a verified pattern, with the evidence.

    No points are in here: they are worked out when somebody asks, and go nowhere else.
    Without a pattern `evidence` says why there is none.
    """

    __tablename__ = "solution_suggestions"

    submission_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_submissions.id", ondelete="CASCADE"), primary_key=True
    )
    pattern_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("solution_patterns.id", ondelete="CASCADE"), index=True
    )
    closeness: Mapped[float] = mapped_column(Double)
    evidence: Mapped[dict[str, Any]]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
