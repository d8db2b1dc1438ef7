"""Submissions know whose attempt they are on an event's board."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b7d2a4f6c138"
down_revision: str | None = "0e7474dbe998"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEMA = "codebattle"


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "code_submissions", sa.Column("entry_id", sa.Uuid(), nullable=True), schema=SCHEMA
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_column("code_submissions", "entry_id", schema=SCHEMA)
