"""How everybody stood at every moment of an event that is over."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d58e13b7a264"
down_revision: str | None = "3f8b1d6a20e7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step; workers fill it with the events that are over."""
    op.create_table(
        "board_moments",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("virtual", sa.Boolean(), nullable=False),
        sa.Column("lost", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["codebattle.event_entries.id"],
            name=op.f("fk_board_moments_entry_id_event_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_moments_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "entry_id", "since_us", name=op.f("pk_board_moments")),
        schema="codebattle",
    )
    # A deleted entry finds its rows.
    op.create_index(
        "ix_board_moments_entry", "board_moments", ["entry_id"], unique=False, schema="codebattle"
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("board_moments", schema="codebattle")
