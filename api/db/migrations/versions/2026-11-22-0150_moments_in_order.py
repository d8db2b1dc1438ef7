"""Moments of boards in the order of the board, with all that a rank needs."""

from collections.abc import Sequence

from alembic import op

revision: str = "e7a40c95b318"
down_revision: str | None = "e7a40b92c5d1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_index(
        "ix_board_moments_order",
        "board_moments",
        ["event_id", "virtual", "lost", "penalty", "last", "entry_id"],
        unique=False,
        schema="codebattle",
        postgresql_include=["since_us", "until_us"],
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_board_moments_order", table_name="board_moments", schema="codebattle")
