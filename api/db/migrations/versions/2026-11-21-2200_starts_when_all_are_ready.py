"""Events that start as soon as everybody in the lobby is ready."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "7e1d4a93c6f2"
down_revision: str | None = "5b1c7e20d9f4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "events",
        sa.Column("start_when_ready", sa.Boolean(), server_default="false", nullable=False),
        schema="codebattle",
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_column("events", "start_when_ready", schema="codebattle")
