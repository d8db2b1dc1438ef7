"""Events may record how and from where something was handed in; none that is there does."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e7a40f2d61b8"
down_revision: str | None = "e7a40e1c2f05"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SCHEMA = "codebattle"
_RULES = ("record_writing", "record_network")


def upgrade() -> None:
    """Take the step."""
    for rule in _RULES:
        op.add_column(
            "events",
            sa.Column(rule, sa.Boolean(), server_default=sa.text("false"), nullable=False),
            schema=_SCHEMA,
        )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "draft_stretches",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("saves", sa.BigInteger(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("grown_bytes", sa.BigInteger(), nullable=False),
        sa.Column("grown_at", moment, nullable=False),
        sa.Column("pasted", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["codebattle.event_entries.id"],
            name=op.f("fk_draft_stretches_entry_id_event_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "entry_id", "user_id", "problem_id", "nth", name=op.f("pk_draft_stretches")
        ),
        schema=_SCHEMA,
    )
    op.create_table(
        "submission_traces",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("pasted", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_submission_traces_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_submission_traces")),
        schema=_SCHEMA,
    )
    for table, column in (
        ("draft_stretches", "user_id"),
        ("draft_stretches", "first_at"),
        ("submission_traces", "recorded_at"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column], schema=_SCHEMA)


def downgrade() -> None:
    """Take it back, with what was recorded."""
    op.drop_table("submission_traces", schema=_SCHEMA)
    op.drop_table("draft_stretches", schema=_SCHEMA)
    for rule in _RULES:
        op.drop_column("events", rule, schema=_SCHEMA)
