"""Ranks from tallies by penalty as well."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c83e5f1a0d27"
down_revision: str | None = "a1d94c6e72b0"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As `api.leaderboards.tallies` had it when this was written.
_FILL = """
INSERT INTO codebattle.board_tallies (event_id, public, step, part, entries)
SELECT event_id, public, floor(lost), part, count(*) FROM codebattle.board_rows
CROSS JOIN LATERAL (
    SELECT greatest(0, 60 - position(B'1' IN penalty::bit(64))) AS rest
) AS width
CROSS JOIN LATERAL (
    SELECT CASE WHEN lost = floor(lost) THEN (penalty >> rest) << rest
        ELSE 9223372036854775807 END AS part
) AS placed
GROUP BY 1, 2, 3, 4
"""


def upgrade() -> None:
    """Take the step."""
    op.execute("TRUNCATE codebattle.board_tallies")
    op.add_column(
        "board_tallies", sa.Column("part", sa.BigInteger(), nullable=False), schema="codebattle"
    )
    op.drop_constraint("pk_board_tallies", "board_tallies", schema="codebattle")
    op.create_primary_key(
        "pk_board_tallies",
        "board_tallies",
        ["event_id", "public", "step", "part"],
        schema="codebattle",
    )
    op.execute(_FILL)


def downgrade() -> None:
    """Take it back."""
    op.execute("TRUNCATE codebattle.board_tallies")
    op.drop_constraint("pk_board_tallies", "board_tallies", schema="codebattle")
    op.drop_column("board_tallies", "part", schema="codebattle")
    op.create_primary_key(
        "pk_board_tallies", "board_tallies", ["event_id", "public", "step"], schema="codebattle"
    )
    op.execute("""
        INSERT INTO codebattle.board_tallies (event_id, public, step, entries)
        SELECT event_id, public, floor(lost), count(*) FROM codebattle.board_rows GROUP BY 1, 2, 3
    """)
