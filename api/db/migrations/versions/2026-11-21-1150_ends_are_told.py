"""Judgings know when followers were told of their end."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c3a7d0e4b915"
down_revision: str | None = "3c1f6b0d94a7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEX = "ix_judgings_untold"


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "judgings",
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        schema="codebattle",
    )
    # Nobody waits for ends of long ago.
    op.execute("UPDATE codebattle.judgings SET told_at = finished_at WHERE finished_at IS NOT NULL")
    op.create_index(
        INDEX,
        "judgings",
        ["finished_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("finished_at IS NOT NULL AND told_at IS NULL"),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_index(INDEX, table_name="judgings", schema="codebattle")
    op.drop_column("judgings", "told_at", schema="codebattle")
