"""Similarity: fingerprints, vectors, reports, decisions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "8dfd47c6de40"
down_revision: str | None = "7c1f9b20d4e3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TOUCHED = ("similarity_appeals", "similarity_decisions", "similarity_reports")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "similarity_reports",
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("event_ids", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_similarity_reports")),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_reports_maker",
        "similarity_reports",
        ["created_by", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "similarity_statements",
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["problem_id"],
            ["codebattle.code_problems.id"],
            name=op.f("fk_similarity_statements_problem_id_code_problems"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("problem_id", "model", name=op.f("pk_similarity_statements")),
        schema="codebattle",
    )
    op.create_table(
        "similarity_appeals",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "upheld",
                "rejected",
                name="appeal_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(state = 'open') = (answered_at IS NULL)", name=op.f("ck_similarity_appeals_answered")
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_similarity_appeals_ordered")),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_appeals_first_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_appeals_second_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_appeals_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_similarity_appeals")),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_appeals_pair",
        "similarity_appeals",
        ["first_id", "second_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "uq_similarity_appeals_once",
        "similarity_appeals",
        ["submission_id", "first_id", "second_id"],
        unique=True,
        schema="codebattle",
    )
    op.create_table(
        "similarity_decisions",
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "dismissed",
                "suspicious",
                "confirmed",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_similarity_decisions_ordered")),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_decisions_first_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_decisions_second_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_similarity_decisions")),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_decisions_second",
        "similarity_decisions",
        ["second_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "similarity_embeddings",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("chunk", sa.BigInteger(), nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=False),
        sa.Column("last_line", sa.BigInteger(), nullable=False),
        sa.Column("dimension", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_embeddings_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "submission_id", "model", "chunk", name=op.f("pk_similarity_embeddings")
        ),
        schema="codebattle",
    )
    op.create_table(
        "similarity_fingerprints",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("own_tokens", sa.BigInteger(), nullable=False),
        sa.Column("too_short", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["problem_id"],
            ["codebattle.code_problems.id"],
            name=op.f("fk_similarity_fingerprints_problem_id_code_problems"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_fingerprints_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_similarity_fingerprints")),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_fingerprints_problem",
        "similarity_fingerprints",
        ["problem_id", "family"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "similarity_neighbours",
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "tokens",
                "meaning",
                name="neighbour_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_similarity_neighbours_ordered")),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_neighbours_first_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_neighbours_second_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "first_id", "second_id", "kind", name=op.f("pk_similarity_neighbours")
        ),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_neighbours_second",
        "similarity_neighbours",
        ["second_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "similarity_pairs",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=True),
        sa.Column("stands_out", sa.Boolean(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_similarity_pairs_ordered")),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_pairs_first_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["codebattle.similarity_reports.id"],
            name=op.f("fk_similarity_pairs_report_id_similarity_reports"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_similarity_pairs_second_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "position", name=op.f("pk_similarity_pairs")),
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_pairs_both",
        "similarity_pairs",
        ["first_id", "second_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_similarity_pairs_second",
        "similarity_pairs",
        ["second_id"],
        unique=False,
        schema="codebattle",
    )
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON codebattle.{table}"
            " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
        )


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_similarity_pairs_second", table_name="similarity_pairs", schema="codebattle")
    op.drop_index("ix_similarity_pairs_both", table_name="similarity_pairs", schema="codebattle")
    op.drop_table("similarity_pairs", schema="codebattle")
    op.drop_index(
        "ix_similarity_neighbours_second", table_name="similarity_neighbours", schema="codebattle"
    )
    op.drop_table("similarity_neighbours", schema="codebattle")
    op.drop_index(
        "ix_similarity_fingerprints_problem",
        table_name="similarity_fingerprints",
        schema="codebattle",
    )
    op.drop_table("similarity_fingerprints", schema="codebattle")
    op.drop_table("similarity_embeddings", schema="codebattle")
    op.drop_index(
        "ix_similarity_decisions_second", table_name="similarity_decisions", schema="codebattle"
    )
    op.drop_table("similarity_decisions", schema="codebattle")
    op.drop_index(
        "uq_similarity_appeals_once", table_name="similarity_appeals", schema="codebattle"
    )
    op.drop_index(
        "ix_similarity_appeals_pair", table_name="similarity_appeals", schema="codebattle"
    )
    op.drop_table("similarity_appeals", schema="codebattle")
    op.drop_table("similarity_statements", schema="codebattle")
    op.drop_index(
        "ix_similarity_reports_maker", table_name="similarity_reports", schema="codebattle"
    )
    op.drop_table("similarity_reports", schema="codebattle")
