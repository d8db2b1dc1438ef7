"""Ranks from tallies, guilds from an index, and cells that are shown as arrays."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "a1d94c6e72b0"
down_revision: str | None = "7e1d4a93c6f2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TO_ARRAYS = """
UPDATE codebattle.{table} AS r SET cells = (
    SELECT coalesce(json_object_agg(key, json_build_array(
        value -> 'attempts', value -> 'pending', value -> 'score', value -> 'penalty',
        value -> 'at_us', value -> 'solved_us', value -> 'first'
    )), '{{}}') FROM json_each(cast(r.cells AS json))
)
"""
_TO_OBJECTS = """
UPDATE codebattle.{table} AS r SET cells = (
    SELECT coalesce(json_object_agg(key, json_build_object(
        'attempts', value -> 0, 'pending', value -> 1, 'score', value -> 2, 'penalty', value -> 3,
        'at_us', value -> 4, 'solved_us', value -> 5, 'first', value -> 6,
        'solved', value ->> 5 IS NOT NULL
    )), '{{}}') FROM json_each(cast(r.cells AS json))
)
"""


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "board_tallies",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("step", sa.Numeric(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_tallies_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "public", "step", name=op.f("pk_board_tallies")),
        schema="codebattle",
    )
    op.execute("""
        INSERT INTO codebattle.board_tallies
        SELECT event_id, public, floor(lost), count(*) FROM codebattle.board_rows GROUP BY 1, 2, 3
    """)
    op.drop_index("ix_board_rows_guild", table_name="board_rows", schema="codebattle")
    op.create_index(
        "ix_board_rows_guild",
        "board_rows",
        ["event_id", "public", "guild_id"],
        unique=False,
        schema="codebattle",
        postgresql_include=["entry_id", "lost", "penalty", "last"],
    )
    for table in ("board_rows", "board_apart"):
        op.execute(_TO_ARRAYS.format(table=table))


def downgrade() -> None:
    """Take it back."""
    for table in ("board_rows", "board_apart"):
        op.execute(_TO_OBJECTS.format(table=table))
    op.drop_index("ix_board_rows_guild", table_name="board_rows", schema="codebattle")
    op.create_index(
        "ix_board_rows_guild",
        "board_rows",
        ["event_id", "public", "guild_id"],
        unique=False,
        schema="codebattle",
    )
    op.drop_table("board_tallies", schema="codebattle")
