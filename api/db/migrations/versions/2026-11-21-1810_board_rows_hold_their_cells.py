"""Rows of boards hold what is shown of their cells; who was first is found by an index."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c4a7d0e95b12"
down_revision: str | None = "8dfd47c6de40"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "board_rows",
        sa.Column(
            "cells",
            sa.JSON(),
            server_default="{}",
            nullable=False,
        ),
        schema="codebattle",
    )
    op.create_index(
        "ix_board_cells_first",
        "board_cells",
        ["event_id", "public", "problem_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("first"),
    )
    op.execute("""
        UPDATE codebattle.board_rows AS r SET cells = made.cells FROM (
            SELECT event_id, public, entry_id, json_object_agg(problem_id, json_build_object(
                'attempts', attempts, 'pending', pending, 'solved', solved_us IS NOT NULL,
                'score', score + bonus, 'penalty', penalty, 'at_us', at_us,
                'solved_us', solved_us, 'first', first
            )) AS cells
            FROM codebattle.board_cells WHERE attempts > 0 OR pending > 0
            GROUP BY event_id, public, entry_id
        ) AS made
        WHERE (r.event_id, r.public, r.entry_id) = (made.event_id, made.public, made.entry_id)
    """)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_board_cells_first", table_name="board_cells", schema="codebattle")
    op.drop_column("board_rows", "cells", schema="codebattle")
