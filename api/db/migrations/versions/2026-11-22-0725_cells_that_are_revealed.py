"""Cells of a frozen board that are shown before all of it is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e7a40e1c2f05"
down_revision: str | None = "e7a40e1b7d93"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "events",
        sa.Column("revealed", sa.BigInteger(), server_default="0", nullable=False),
        schema="codebattle",
    )
    op.create_table(
        "board_reveals",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("cell", sa.JSON(), nullable=False),
        sa.Column("overtaken_id", sa.Uuid(), nullable=True),
        sa.Column("score", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("rank_before", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_reveals_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "step", name=op.f("pk_board_reveals")),
        sa.UniqueConstraint(
            "event_id",
            "entry_id",
            "problem_id",
            name=op.f("uq_board_reveals_event_id_entry_id_problem_id"),
        ),
        schema="codebattle",
    )


def downgrade() -> None:
    """Go back: boards that are being revealed have to be rebuilt, or thawed."""
    op.drop_table("board_reveals", schema="codebattle")
    op.drop_column("events", "revealed", schema="codebattle")
