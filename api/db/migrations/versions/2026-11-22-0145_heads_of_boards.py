"""How often an event's board was taken, so that what was read of it is known to be old."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e7a40b92c5d1"
down_revision: str | None = "d58e13b7a264"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "board_heads",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_heads_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_board_heads")),
        schema="codebattle",
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("board_heads", schema="codebattle")
