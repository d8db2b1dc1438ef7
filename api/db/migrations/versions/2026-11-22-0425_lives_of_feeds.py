"""Feeds know which life of the database they are in, and how far the ones before came."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "e7a40e17d3a6"
down_revision: str | None = "e7a40d05c2f4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    for name in ("epoch", "place"):
        op.add_column(
            "contest_feeds",
            sa.Column(name, sa.Text(), server_default="", nullable=False),
            schema="codebattle",
        )
    op.add_column(
        "contest_feeds",
        sa.Column("looks", sa.BigInteger(), server_default="0", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "contest_feeds",
        sa.Column("epochs", postgresql.JSONB(), server_default="[]", nullable=False),
        schema="codebattle",
    )


def downgrade() -> None:
    """Go back."""
    for name in ("epochs", "looks", "place", "epoch"):
        op.drop_column("contest_feeds", name, schema="codebattle")
