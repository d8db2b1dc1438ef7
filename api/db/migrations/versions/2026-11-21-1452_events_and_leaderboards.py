"""Events and leaderboards."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0e7474dbe998"
down_revision: str | None = "c41d7b02a6e9"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TOUCHED = (
    "clarifications",
    "duels",
    "event_entries",
    "event_guilds",
    "event_participants",
    "events",
    "guild_leaderboard_entries",
    "leaderboard_entries",
    "rating_changes",
    "ratings",
    "rooms",
)


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "events",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "rejected",
                "approved",
                "assigned",
                "lobby",
                "live",
                "frozen",
                "finished",
                "thawed",
                "finalised",
                "cancelled",
                name="event_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_s", sa.BigInteger(), nullable=False),
        sa.Column("freeze_s", sa.BigInteger(), nullable=True),
        sa.Column("assign_s", sa.BigInteger(), server_default="900", nullable=False),
        sa.Column("lobby_s", sa.BigInteger(), server_default="600", nullable=False),
        sa.Column(
            "removed", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column(
            "topics", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("individuals", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("guilds_max", sa.BigInteger(), nullable=True),
        sa.Column("guild_members_max", sa.BigInteger(), nullable=True),
        sa.Column("room_entries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "guild_board",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column(
            "awards", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("spectator_delay_s", sa.BigInteger(), nullable=True),
        sa.Column("auto_thaw", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("thawed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finalised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
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
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name=op.f("ck_events_slug")),
        sa.CheckConstraint("duration_s > 0", name=op.f("ck_events_duration_positive")),
        sa.CheckConstraint(
            "freeze_s BETWEEN 0 AND duration_s", name=op.f("ck_events_freeze_within")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("slug", name=op.f("uq_events_slug")),
        schema="codebattle",
    )
    op.create_index(
        "ix_events_listing", "events", ["starts_at", "id"], unique=False, schema="codebattle"
    )
    op.create_index(
        "ix_events_moving",
        "events",
        ["starts_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("state IN ('approved', 'assigned', 'lobby', 'live', 'frozen')"),
    )
    op.create_table(
        "ratings",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.BigInteger(), nullable=False),
        sa.Column("games", sa.BigInteger(), nullable=False),
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
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_ratings")),
        schema="codebattle",
    )
    op.create_index(
        "ix_ratings_order", "ratings", ["rating", "user_id"], unique=False, schema="codebattle"
    )
    op.create_table(
        "board_cells",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("pending_since_us", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=True),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("solved_us", sa.BigInteger(), nullable=True),
        sa.Column("solved_submission", sa.Uuid(), nullable=True),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.Column("bonus", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_cells_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "event_id", "public", "entry_id", "problem_id", name=op.f("pk_board_cells")
        ),
        schema="codebattle",
    )
    op.create_index(
        "ix_board_cells_pending",
        "board_cells",
        ["event_id", "public", "problem_id", "pending_since_us"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("pending > 0"),
    )
    op.create_index(
        "ix_board_cells_solved",
        "board_cells",
        ["event_id", "public", "problem_id", "solved_us", "solved_submission"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("solved_us IS NOT NULL"),
    )
    op.create_table(
        "board_guilds",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=False),
        sa.Column("lost", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_guilds_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "public", "guild_id", name=op.f("pk_board_guilds")),
        schema="codebattle",
    )
    op.create_index(
        "ix_board_guilds_order",
        "board_guilds",
        ["event_id", "public", "lost", "penalty", "last"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "board_rows",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("guild_id", sa.Uuid(), nullable=True),
        sa.Column("lost", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_board_rows_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "public", "entry_id", name=op.f("pk_board_rows")),
        schema="codebattle",
    )
    op.create_index(
        "ix_board_rows_guild",
        "board_rows",
        ["event_id", "public", "guild_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_board_rows_order",
        "board_rows",
        ["event_id", "public", "lost", "penalty", "last", "entry_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_board_rows_room",
        "board_rows",
        ["event_id", "public", "room_id", "lost", "penalty", "last", "entry_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "clarifications",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=True),
        sa.Column("reply_to_id", sa.Uuid(), nullable=True),
        sa.Column("from_user_id", sa.Uuid(), nullable=True),
        sa.Column("to_user_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_clarifications_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reply_to_id"],
            ["codebattle.clarifications.id"],
            name=op.f("fk_clarifications_reply_to_id_clarifications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clarifications")),
        schema="codebattle",
    )
    op.create_index(
        "ix_clarifications_event",
        "clarifications",
        ["event_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "drafts",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hand_in", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_drafts_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "user_id", "problem_id", name=op.f("pk_drafts")),
        schema="codebattle",
    )
    op.create_table(
        "duels",
        sa.Column("challenger_id", sa.Uuid(), nullable=False),
        sa.Column("opponent_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "withdrawn",
                "expired",
                name="duel_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="offered",
            nullable=False,
        ),
        sa.Column(
            "terms", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_duels_event_id_events"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duels")),
        schema="codebattle",
    )
    op.create_index(
        "ix_duels_challenger", "duels", ["challenger_id", "id"], unique=False, schema="codebattle"
    )
    op.create_index(
        "ix_duels_opponent", "duels", ["opponent_id", "id"], unique=False, schema="codebattle"
    )
    op.create_table(
        "event_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("judging_id", sa.Uuid(), nullable=True),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "AC",
                "WA",
                "TLE",
                "MLE",
                "OLE",
                "RTE",
                "CE",
                "SV",
                "JE",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=True,
        ),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("groups", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("cpu_us", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shown", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_attempts_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_attempts")),
        schema="codebattle",
    )
    op.create_index(
        "ix_event_attempts_cell",
        "event_attempts",
        ["event_id", "entry_id", "problem_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_event_attempts_log",
        "event_attempts",
        ["event_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_event_attempts_submission",
        "event_attempts",
        ["submission_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_event_attempts_unshown",
        "event_attempts",
        ["event_id", "id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("NOT shown"),
    )
    op.create_table(
        "event_guilds",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_guilds_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "guild_id", name=op.f("pk_event_guilds")),
        schema="codebattle",
    )
    op.create_table(
        "guild_leaderboard_entries",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("experience", sa.BigInteger(), server_default="0", nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_guild_leaderboard_entries_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "guild_id", name=op.f("pk_guild_leaderboard_entries")),
        schema="codebattle",
    )
    op.create_index(
        "ix_guild_leaderboard_entries_rank",
        "guild_leaderboard_entries",
        ["event_id", "rank"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "leaderboard_entries",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("room_rank", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.Numeric(), nullable=False),
        sa.Column("penalty", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("experience", sa.BigInteger(), server_default="0", nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_leaderboard_entries_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "entry_id", name=op.f("pk_leaderboard_entries")),
        schema="codebattle",
    )
    op.create_index(
        "ix_leaderboard_entries_rank",
        "leaderboard_entries",
        ["event_id", "rank"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "rating_changes",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_rating_changes_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "user_id", name=op.f("pk_rating_changes")),
        schema="codebattle",
    )
    op.create_table(
        "rooms",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
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
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_rooms_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("event_id", "position", name=op.f("uq_rooms_event_id_position")),
        schema="codebattle",
    )
    op.create_table(
        "event_code_problems",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Numeric(), server_default="1", nullable=False),
        sa.Column("scoring", sa.Boolean(), nullable=False),
        sa.Column("max_score", sa.Numeric(), nullable=True),
        sa.Column("cpu_ms", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_event_code_problems_points")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_code_problems_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["problem_id"],
            ["codebattle.code_problems.id"],
            name=op.f("fk_event_code_problems_problem_id_code_problems"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["codebattle.code_problem_versions.id"],
            name=op.f("fk_event_code_problems_version_id_code_problem_versions"),
        ),
        sa.PrimaryKeyConstraint("event_id", "problem_id", name=op.f("pk_event_code_problems")),
        sa.UniqueConstraint(
            "event_id", "label", name=op.f("uq_event_code_problems_event_id_label")
        ),
        sa.UniqueConstraint(
            "event_id",
            "position",
            deferrable=True,
            initially="DEFERRED",
            name=op.f("uq_event_code_problems_event_id_position"),
        ),
        schema="codebattle",
    )
    op.create_table(
        "event_entries",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "official",
                "virtual",
                "practice",
                name="entry_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="official",
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("extra_s", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
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
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_entries_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["codebattle.rooms.id"], name=op.f("fk_event_entries_room_id_rooms")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_entries")),
        schema="codebattle",
    )
    op.create_index(
        "ix_event_entries_event",
        "event_entries",
        ["event_id", "kind", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_event_entries_room", "event_entries", ["room_id"], unique=False, schema="codebattle"
    )
    op.create_table(
        "event_participants",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "official",
                "virtual",
                "practice",
                name="entry_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="official",
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "presence",
            sa.Enum(
                "invited",
                "present",
                "disconnected",
                "left",
                "completed",
                name="presence",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="invited",
            nullable=False,
        ),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
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
            ["entry_id"],
            ["codebattle.event_entries.id"],
            name=op.f("fk_event_participants_entry_id_event_entries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.events.id"],
            name=op.f("fk_event_participants_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", "user_id", name=op.f("pk_event_participants")),
        schema="codebattle",
    )
    op.create_index(
        "ix_event_participants_mine",
        "event_participants",
        ["user_id", "event_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "uq_event_participants_user",
        "event_participants",
        ["event_id", "user_id", "kind"],
        unique=True,
        schema="codebattle",
    )
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON codebattle.{table}"
            " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
        )


def downgrade() -> None:
    """Undo it."""
    op.drop_index(
        "uq_event_participants_user", table_name="event_participants", schema="codebattle"
    )
    op.drop_index(
        "ix_event_participants_mine", table_name="event_participants", schema="codebattle"
    )
    op.drop_table("event_participants", schema="codebattle")
    op.drop_index("ix_event_entries_room", table_name="event_entries", schema="codebattle")
    op.drop_index("ix_event_entries_event", table_name="event_entries", schema="codebattle")
    op.drop_table("event_entries", schema="codebattle")
    op.drop_table("event_code_problems", schema="codebattle")
    op.drop_table("rooms", schema="codebattle")
    op.drop_table("rating_changes", schema="codebattle")
    op.drop_index(
        "ix_leaderboard_entries_rank", table_name="leaderboard_entries", schema="codebattle"
    )
    op.drop_table("leaderboard_entries", schema="codebattle")
    op.drop_index(
        "ix_guild_leaderboard_entries_rank",
        table_name="guild_leaderboard_entries",
        schema="codebattle",
    )
    op.drop_table("guild_leaderboard_entries", schema="codebattle")
    op.drop_table("event_guilds", schema="codebattle")
    op.drop_index(
        "ix_event_attempts_unshown",
        table_name="event_attempts",
        schema="codebattle",
        postgresql_where=sa.text("NOT shown"),
    )
    op.drop_index("ix_event_attempts_submission", table_name="event_attempts", schema="codebattle")
    op.drop_index("ix_event_attempts_log", table_name="event_attempts", schema="codebattle")
    op.drop_index("ix_event_attempts_cell", table_name="event_attempts", schema="codebattle")
    op.drop_table("event_attempts", schema="codebattle")
    op.drop_index("ix_duels_opponent", table_name="duels", schema="codebattle")
    op.drop_index("ix_duels_challenger", table_name="duels", schema="codebattle")
    op.drop_table("duels", schema="codebattle")
    op.drop_table("drafts", schema="codebattle")
    op.drop_index("ix_clarifications_event", table_name="clarifications", schema="codebattle")
    op.drop_table("clarifications", schema="codebattle")
    op.drop_index("ix_board_rows_room", table_name="board_rows", schema="codebattle")
    op.drop_index("ix_board_rows_order", table_name="board_rows", schema="codebattle")
    op.drop_index("ix_board_rows_guild", table_name="board_rows", schema="codebattle")
    op.drop_table("board_rows", schema="codebattle")
    op.drop_index("ix_board_guilds_order", table_name="board_guilds", schema="codebattle")
    op.drop_table("board_guilds", schema="codebattle")
    op.drop_index(
        "ix_board_cells_solved",
        table_name="board_cells",
        schema="codebattle",
        postgresql_where=sa.text("solved_us IS NOT NULL"),
    )
    op.drop_index(
        "ix_board_cells_pending",
        table_name="board_cells",
        schema="codebattle",
        postgresql_where=sa.text("pending > 0"),
    )
    op.drop_table("board_cells", schema="codebattle")
    op.drop_index("ix_ratings_order", table_name="ratings", schema="codebattle")
    op.drop_table("ratings", schema="codebattle")
    op.drop_index(
        "ix_events_moving",
        table_name="events",
        schema="codebattle",
        postgresql_where=sa.text("state IN ('approved', 'assigned', 'lobby', 'live', 'frozen')"),
    )
    op.drop_index("ix_events_listing", table_name="events", schema="codebattle")
    op.drop_table("events", schema="codebattle")
