"""What boards do not show yet has rows of its own: those of the log are never written again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5b1c7e20d9f4"
down_revision: str | None = "6d0c3f82b5e9"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "event_unshown",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_unshown_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "attempt_id", name=op.f("pk_event_unshown")),
        schema="codebattle",
    )
    op.execute("""
        INSERT INTO codebattle.event_unshown
        SELECT event_id, id, entry_id, problem_id FROM codebattle.event_attempts WHERE NOT shown
    """)
    op.drop_index("ix_event_attempts_unshown", table_name="event_attempts", schema="codebattle")
    op.drop_column("event_attempts", "shown", schema="codebattle")


def downgrade() -> None:
    """Take it back."""
    op.add_column(
        "event_attempts",
        sa.Column("shown", sa.Boolean(), server_default="true", nullable=False),
        schema="codebattle",
    )
    op.execute("""
        UPDATE codebattle.event_attempts SET shown = false
        WHERE (event_id, id) IN (SELECT event_id, attempt_id FROM codebattle.event_unshown)
    """)
    op.alter_column("event_attempts", "shown", server_default="false", schema="codebattle")
    op.create_index(
        "ix_event_attempts_unshown",
        "event_attempts",
        ["event_id", "id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("NOT shown"),
    )
    op.drop_table("event_unshown", schema="codebattle")
