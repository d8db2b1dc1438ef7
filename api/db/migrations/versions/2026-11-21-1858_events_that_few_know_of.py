"""Events that only who takes part and game masters know of."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "6d0c3f82b5e9"
down_revision: str | None = "4b8e6d2f91a3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "events",
        sa.Column("private", sa.Boolean(), server_default="false", nullable=False),
        schema="codebattle",
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_column("events", "private", schema="codebattle")
