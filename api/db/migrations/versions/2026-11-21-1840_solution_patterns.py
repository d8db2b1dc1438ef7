"""Approaches to a problem, and points they suggest."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "4b8e2d7a91c6"
down_revision: str | None = "2b6e9d41f7c3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TOUCHED = ("solution_patterns", "suggestion_rules")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "solution_patterns",
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=True),
        sa.Column("verified", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("derived_name", sa.Text(), nullable=False),
        sa.Column("medoid_id", sa.Uuid(), nullable=True),
        sa.Column("features", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("families", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("solutions", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        _now("made_at"),
        sa.Column("id", sa.Uuid(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint(
            "verified = (verified_at IS NOT NULL)", name=op.f("ck_solution_patterns_verified")
        ),
        sa.CheckConstraint(
            "solutions >= 0 AND solutions <= total", name=op.f("ck_solution_patterns_solutions")
        ),
        _to("solution_patterns", "problem_id", "code_problems", "CASCADE"),
        _to("solution_patterns", "medoid_id", "code_submissions", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_solution_patterns")),
        schema="codebattle",
    )
    op.create_table(
        "solution_pattern_members",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("pattern_id", sa.Uuid(), nullable=False),
        sa.Column("features", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _to("solution_pattern_members", "submission_id", "code_submissions", "CASCADE"),
        _to("solution_pattern_members", "pattern_id", "solution_patterns", "CASCADE"),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_solution_pattern_members")),
        schema="codebattle",
    )
    op.create_table(
        "suggestion_rules",
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("points_max", sa.Double(), nullable=False),
        sa.Column("closeness_min", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("points_max > 0", name=op.f("ck_suggestion_rules_points_max")),
        sa.CheckConstraint(
            "closeness_min >= 0 AND closeness_min <= 1",
            name=op.f("ck_suggestion_rules_closeness_min"),
        ),
        _to("suggestion_rules", "problem_id", "code_problems", "CASCADE"),
        sa.PrimaryKeyConstraint("problem_id", name=op.f("pk_suggestion_rules")),
        schema="codebattle",
    )
    op.create_table(
        "solution_suggestions",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("pattern_id", sa.Uuid(), nullable=True),
        sa.Column("closeness", sa.Double(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _now("made_at"),
        _to("solution_suggestions", "submission_id", "code_submissions", "CASCADE"),
        _to("solution_suggestions", "pattern_id", "solution_patterns", "CASCADE"),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_solution_suggestions")),
        schema="codebattle",
    )
    for table, column in INDEXED:
        op.create_index(
            op.f(f"ix_{table}_{column}"), table, [column], unique=False, schema="codebattle"
        )
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON codebattle.{table}"
            " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
        )


def downgrade() -> None:
    """Undo it."""
    for table, column in INDEXED:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table, schema="codebattle")
    op.drop_table("solution_suggestions", schema="codebattle")
    op.drop_table("suggestion_rules", schema="codebattle")
    op.drop_table("solution_pattern_members", schema="codebattle")
    op.drop_table("solution_patterns", schema="codebattle")


INDEXED = (
    ("solution_patterns", "problem_id"),
    ("solution_patterns", "medoid_id"),
    ("solution_pattern_members", "pattern_id"),
    ("solution_suggestions", "pattern_id"),
)


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _to(table: str, column: str, other: str, then: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"codebattle.{other}.id"],
        name=op.f(f"fk_{table}_{column}_{other}"),
        ondelete=then,
    )
