"""Fingerprints know with what they were compared, so that a restart makes up for what was not."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "3f8b1d6a20e7"
down_revision: str | None = "c83e5f1a0d27"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "similarity_fingerprints"


def upgrade() -> None:
    """Take the step; what is there was compared when it came in."""
    kinds = sa.Enum(
        "nothing",
        "tokens",
        "all",
        name="compared",
        native_enum=False,
        create_constraint=False,
        length=32,
    )
    op.add_column(
        _TABLE,
        sa.Column("compared", kinds, server_default="all", nullable=False),
        schema="codebattle",
    )
    op.create_check_constraint(
        op.f("ck_similarity_fingerprints_compared"),
        _TABLE,
        "compared IN ('nothing', 'tokens', 'all')",
        schema="codebattle",
    )
    op.alter_column(_TABLE, "compared", server_default="nothing", schema="codebattle")
    op.create_index(
        "ix_similarity_fingerprints_uncompared",
        _TABLE,
        ["submission_id"],
        schema="codebattle",
        postgresql_where=sa.text("compared <> 'all'"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_similarity_fingerprints_uncompared", table_name=_TABLE, schema="codebattle")
    op.drop_column(_TABLE, "compared", schema="codebattle")
