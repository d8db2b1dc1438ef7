"""Teams: several people in one entry of an event, and on each side of a duel."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "4b8e6d2f91a3"
down_revision: str | None = "4b8e2d7a91c6"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEMA = "codebattle"
BEFORE = ("offered", "accepted", "declined", "withdrawn", "expired")
AFTER = ("offered", "gathering", "accepted", "declined", "withdrawn", "expired")


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "events",
        sa.Column(
            "entries",
            sa.Enum(
                "individual",
                "team",
                name="entries",
                native_enum=False,
                create_constraint=False,
                length=32,
            ),
            server_default="individual",
            nullable=False,
        ),
        schema=SCHEMA,
    )
    op.create_check_constraint(
        op.f("ck_events_entries"), "events", "entries IN ('individual', 'team')", schema=SCHEMA
    )
    op.add_column(
        "events",
        sa.Column("team_members_max", sa.BigInteger(), server_default="3", nullable=False),
        schema=SCHEMA,
    )
    op.create_check_constraint(
        op.f("ck_events_team_members"), "events", "team_members_max > 0", schema=SCHEMA
    )
    op.add_column("event_entries", sa.Column("join_key", sa.Text(), nullable=True), schema=SCHEMA)
    op.create_index(
        "ix_code_submissions_entry",
        "code_submissions",
        ["entry_id", "id"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("entry_id IS NOT NULL"),
    )
    _states(AFTER)
    _members()


def downgrade() -> None:
    """Undo it: what was gathering is declined, since it was never played."""
    op.execute("UPDATE codebattle.duels SET state = 'declined' WHERE state = 'gathering'")
    _states(BEFORE)
    op.drop_table("duel_members", schema=SCHEMA)
    op.drop_index("ix_code_submissions_entry", table_name="code_submissions", schema=SCHEMA)
    op.drop_column("event_entries", "join_key", schema=SCHEMA)
    op.drop_column("events", "team_members_max", schema=SCHEMA)
    op.drop_column("events", "entries", schema=SCHEMA)


def _states(known: Sequence[str]) -> None:
    op.drop_constraint(op.f("ck_duels_duel_state"), "duels", schema=SCHEMA)
    listed = ", ".join(f"'{each}'" for each in known)
    op.create_check_constraint(
        op.f("ck_duels_duel_state"), "duels", f"state IN ({listed})", schema=SCHEMA
    )


def _members() -> None:
    """Make the table, with the two of each duel there is."""
    op.create_table(
        "duel_members",
        sa.Column("duel_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "side",
            sa.Enum(
                "challenger",
                "opponent",
                name="duel_side",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema=SCHEMA,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["duel_id"],
            ["codebattle.duels.id"],
            name=op.f("fk_duel_members_duel_id_duels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("duel_id", "user_id", name=op.f("pk_duel_members")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_duel_members_mine", "duel_members", ["user_id", "duel_id"], unique=False, schema=SCHEMA
    )
    op.execute(
        "CREATE TRIGGER touch BEFORE UPDATE ON codebattle.duel_members"
        " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
    )
    op.execute(
        "INSERT INTO codebattle.duel_members (duel_id, user_id, side, name, joined_at)"
        " SELECT id, challenger_id, 'challenger', coalesce(terms->>'challenger', ''), created_at"
        " FROM codebattle.duels UNION ALL SELECT id, opponent_id, 'opponent', '',"
        " CASE WHEN state = 'accepted' THEN updated_at END FROM codebattle.duels"
    )
