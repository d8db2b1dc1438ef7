"""Sign-ins, guilds, the log of deliveries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "817b3d5897ff"
down_revision: str | None = "9e5635992073"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TOUCHED = ("guild_member_refs", "guild_refs")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "guild_member_refs",
        sa.Column("guild_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_tie", sa.Text(), server_default="", nullable=False),
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
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_guild_member_refs")),
        schema="codebattle",
    )
    op.create_index(
        "ix_guild_member_refs_user",
        "guild_member_refs",
        ["user_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "guild_refs",
        sa.Column("guild_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_tie", sa.Text(), server_default="", nullable=False),
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
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guild_refs")),
        schema="codebattle",
    )
    op.create_table(
        "login_windows",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_windows")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_login_windows_ends_at"),
        "login_windows",
        ["ends_at"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("response_head", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["codebattle.webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id_webhook_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_webhook_attempts_at"),
        "webhook_attempts",
        ["at"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_webhook_attempts_delivery",
        "webhook_attempts",
        ["delivery_id", "number"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_inbound_events_received_at"),
        "inbound_events",
        ["received_at"],
        unique=False,
        schema="codebattle",
    )
    op.alter_column("outbox", "subject_id", new_column_name="key", schema="codebattle")
    op.alter_column(
        "outbox", "key", type_=sa.Text(), postgresql_using="key::text", schema="codebattle"
    )
    op.add_column(
        "tokens",
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "user_profiles_ref",
        sa.Column("event_version", sa.BigInteger(), server_default="0", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "user_profiles_ref",
        sa.Column("event_tie", sa.Text(), server_default="", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "webhook_deliveries",
        sa.Column("attempts_max", sa.BigInteger(), server_default="10", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "webhook_deliveries",
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        schema="codebattle",
    )
    op.create_index(
        "ix_webhook_deliveries_event_id",
        "webhook_deliveries",
        ["event_id"],
        unique=False,
        schema="codebattle",
    )
    op.drop_column("webhook_deliveries", "error", schema="codebattle")
    op.drop_column("webhook_deliveries", "status", schema="codebattle")
    op.add_column(
        "webhook_endpoints",
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        schema="codebattle",
    )
    op.add_column(
        "webhook_endpoints", sa.Column("old_secret", sa.Text(), nullable=True), schema="codebattle"
    )
    op.add_column(
        "webhook_endpoints",
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        schema="codebattle",
    )
    op.add_column(
        "webhook_endpoints",
        sa.Column("disabled_reason", sa.Text(), server_default="", nullable=False),
        schema="codebattle",
    )
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON codebattle.{table}"
            " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
        )


def downgrade() -> None:
    """Undo it."""
    op.drop_column("webhook_endpoints", "disabled_reason", schema="codebattle")
    op.drop_column("webhook_endpoints", "old_secret_until", schema="codebattle")
    op.drop_column("webhook_endpoints", "old_secret", schema="codebattle")
    op.drop_column("webhook_endpoints", "description", schema="codebattle")
    op.add_column(
        "webhook_deliveries",
        sa.Column("status", sa.BIGINT(), autoincrement=False, nullable=True),
        schema="codebattle",
    )
    op.add_column(
        "webhook_deliveries",
        sa.Column(
            "error",
            sa.TEXT(),
            server_default=sa.text("''::text"),
            autoincrement=False,
            nullable=False,
        ),
        schema="codebattle",
    )
    op.drop_index(
        "ix_webhook_deliveries_event_id", table_name="webhook_deliveries", schema="codebattle"
    )
    op.drop_column("webhook_deliveries", "given_up_at", schema="codebattle")
    op.drop_column("webhook_deliveries", "attempts_max", schema="codebattle")
    op.drop_column("user_profiles_ref", "event_tie", schema="codebattle")
    op.drop_column("user_profiles_ref", "event_version", schema="codebattle")
    op.drop_column("tokens", "prefix", schema="codebattle")
    # Not every key was an id; the event's own stands in.
    op.alter_column(
        "outbox", "key", type_=sa.Uuid(), postgresql_using="event_id", schema="codebattle"
    )
    op.alter_column("outbox", "key", new_column_name="subject_id", schema="codebattle")
    op.drop_index(
        op.f("ix_inbound_events_received_at"), table_name="inbound_events", schema="codebattle"
    )
    op.drop_index(
        "ix_webhook_attempts_delivery", table_name="webhook_attempts", schema="codebattle"
    )
    op.drop_index(
        op.f("ix_webhook_attempts_at"), table_name="webhook_attempts", schema="codebattle"
    )
    op.drop_table("webhook_attempts", schema="codebattle")
    op.drop_index(op.f("ix_login_windows_ends_at"), table_name="login_windows", schema="codebattle")
    op.drop_table("login_windows", schema="codebattle")
    op.drop_table("guild_refs", schema="codebattle")
    op.drop_index(
        "ix_guild_member_refs_user",
        table_name="guild_member_refs",
        schema="codebattle",
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.drop_table("guild_member_refs", schema="codebattle")
