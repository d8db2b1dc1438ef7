"""The order of the Contest API's feed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "7c1f9b20d4e3"
down_revision: str | None = "5e9a31c7d048"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "contest_feeds",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("context", sa.Text(), server_default="", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at_all", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_contest_feeds_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_contest_feeds")),
        schema="codebattle",
    )
    op.create_table(
        "contest_marks",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("public_seq", sa.BigInteger(), nullable=True),
        sa.Column("public_digest", sa.Text(), nullable=True),
        sa.Column("pending", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_contest_marks_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "rank", "object_id", name=op.f("pk_contest_marks")),
        schema="codebattle",
    )
    for name, columns, where in (
        ("jury", ["event_id", "rank", "seq"], None),
        ("public", ["event_id", "rank", "public_seq"], "public_seq IS NOT NULL"),
        ("own", ["event_id", "entry_id", "rank", "seq"], "entry_id IS NOT NULL"),
        ("pending", ["event_id", "object_id"], "pending"),
    ):
        op.create_index(
            f"ix_contest_marks_{name}",
            "contest_marks",
            columns,
            schema="codebattle",
            postgresql_where=None if where is None else sa.text(where),
        )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("contest_marks", schema="codebattle")
    op.drop_table("contest_feeds", schema="codebattle")
