"""Who of a duel was only selected, and who came by its start: their ratings go by it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e7a40d05c2f4"
down_revision: str | None = "e7a40c95b318"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "duel_members",
        sa.Column("selected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "event_participants",
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=True),
        schema="codebattle",
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("event_participants", "came_at", schema="codebattle")
    op.drop_column("duel_members", "selected", schema="codebattle")
