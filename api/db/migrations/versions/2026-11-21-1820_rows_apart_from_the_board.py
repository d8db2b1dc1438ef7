"""Rows apart from the official board: virtual entries and practice."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "2b6e9d41f7c3"
down_revision: str | None = "c4a7d0e95b12"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "board_apart",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "official",
                "virtual",
                "practice",
                name="entry_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("guild_id", sa.Uuid(), nullable=True),
        sa.Column("lost", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["codebattle.event_entries.id"],
            name=op.f("fk_board_apart_entry_id_event_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_apart_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "entry_id", name=op.f("pk_board_apart")),
        schema="codebattle",
    )
    op.create_index(
        "ix_board_apart_order",
        "board_apart",
        ["event_id", "kind", "lost", "penalty", "last", "entry_id"],
        unique=False,
        schema="codebattle",
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("board_apart", schema="codebattle")
