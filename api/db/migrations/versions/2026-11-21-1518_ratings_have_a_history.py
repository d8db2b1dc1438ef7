"""The history of a rating is read by person."""

from collections.abc import Sequence

from alembic import op

revision: str = "5e9a31c7d048"
down_revision: str | None = "b7d2a4f6c138"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEX = "ix_rating_changes_user"


def upgrade() -> None:
    """Take the step."""
    op.create_index(
        INDEX,
        "rating_changes",
        ["user_id", "created_at", "event_id"],
        unique=False,
        schema="codebattle",
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index(INDEX, table_name="rating_changes", schema="codebattle")
