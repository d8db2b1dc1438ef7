"""Problems: an identity that lasts, versions that never change, and what they are made of."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base, Extensible, Identified, Timed, choice


class Visibility(StrEnum):
    """Who finds a problem."""

    PUBLIC = "public"
    HIDDEN = "hidden"


class CodeProblem(Identified, Timed, Extensible, Base):
    """A problem as people speak of it; `current_version_id` is what new submissions get."""

    __tablename__ = "code_problems"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="slug"),
        Index("ix_code_problems_listing", "visibility", "slug"),
        Index("ix_code_problems_keywords", "keywords", postgresql_using="gin"),
    )

    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    keywords: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    difficulty: Mapped[int | None]
    visibility: Mapped[Visibility] = mapped_column(choice(Visibility))
    owner_id: Mapped[UUID | None]
    current_version_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(
            "code_problem_versions.id", use_alter=True, deferrable=True, initially="DEFERRED"
        )
    )


class CodeProblemVersion(Identified, Timed, Extensible, Base):
    """One state of a problem: an edit makes a new row, old judgements keep theirs."""

    __tablename__ = "code_problem_versions"
    __table_args__ = (
        UniqueConstraint("problem_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("cpu_ms > 0", name="cpu_ms_positive"),
    )

    problem_id: Mapped[UUID] = mapped_column(ForeignKey("code_problems.id", ondelete="CASCADE"))
    number: Mapped[int]
    package_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    data_hash: Mapped[str]
    title: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    cpu_ms: Mapped[int]
    memory_bytes: Mapped[int]
    output_bytes: Mapped[int]
    source_bytes: Mapped[int]
    case_total: Mapped[int]
    statements: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    samples: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    findings: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    created_by: Mapped[UUID | None]


class TestGroup(Identified, Extensible, Base):
    """A node of a version's test data; the root's name is empty."""

    __tablename__ = "test_groups"
    __table_args__ = (UniqueConstraint("version_id", "name"),)
    __test__ = False

    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_problem_versions.id", ondelete="CASCADE")
    )
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("test_groups.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    position: Mapped[int]
    sample: Mapped[bool]
    max_score: Mapped[str | None]


class TestCase(Identified, Base):
    """A test case by the hashes of its files; the bytes are in the package."""

    __tablename__ = "test_cases"
    __table_args__ = (
        UniqueConstraint("version_id", "name"),
        UniqueConstraint("version_id", "position"),
        Index("ix_test_cases_content", "input_sha256", "answer_sha256"),
    )
    __test__ = False

    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("code_problem_versions.id", ondelete="CASCADE")
    )
    group_id: Mapped[UUID] = mapped_column(
        ForeignKey("test_groups.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    position: Mapped[int]
    sample: Mapped[bool]
    input_sha256: Mapped[str]
    input_bytes: Mapped[int]
    answer_sha256: Mapped[str | None]
    answer_bytes: Mapped[int]
