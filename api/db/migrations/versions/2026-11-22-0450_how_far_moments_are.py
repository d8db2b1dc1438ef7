"""How far the moments of an event are written down, so that it is done a few entries at a time."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e7a40e1b7d93"
down_revision: str | None = "e7a40e17d3a6"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step; what is there is whole."""
    op.create_table(
        "board_timelines",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("last_entry_id", sa.Uuid(), nullable=True),
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_timelines_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_board_timelines")),
        schema="codebattle",
    )
    op.execute(
        "INSERT INTO codebattle.board_timelines (event_id, whole) SELECT id, true"
        " FROM codebattle.events AS e WHERE EXISTS (SELECT FROM codebattle.board_moments AS m"
        " WHERE m.event_id = e.id AND NOT m.virtual)"
    )


def downgrade() -> None:
    """Go back; what is not whole is made anew."""
    op.execute(
        "DELETE FROM codebattle.board_moments AS m USING codebattle.board_timelines AS t"
        " WHERE t.event_id = m.event_id AND NOT t.whole AND NOT m.virtual"
    )
    op.drop_table("board_timelines", schema="codebattle")
