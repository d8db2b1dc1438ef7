"""The first schema."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "9e5635992073"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CURRENT_VERSION = "fk_code_problems_current_version_id_code_problem_versions"
TOUCH = """
CREATE FUNCTION codebattle.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.updated_at = now(); RETURN NEW; END $$
"""
TOUCHED = (
    "accounts",
    "code_problem_versions",
    "code_problems",
    "code_submissions",
    "jobs",
    "judgings",
    "rejudgings",
    "tokens",
    "user_profiles_ref",
    "webhook_deliveries",
    "webhook_endpoints",
    "workers",
)


def upgrade() -> None:
    """Take the step."""
    op.execute(sa.schema.CreateSequence(sa.Sequence("fencing_tokens", schema="codebattle")))
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        schema="codebattle",
    )
    op.create_index(
        "uq_accounts_name_folded",
        "accounts",
        [sa.literal_column("lower(name)")],
        unique=True,
        schema="codebattle",
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        schema="codebattle",
    )
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"], unique=False, schema="codebattle")
    op.create_index(
        "ix_audit_log_subject",
        "audit_log",
        ["subject_kind", "subject_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_blobs_sha256")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
        schema="codebattle",
    )
    op.create_table(
        "code_problems",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("keywords", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("difficulty", sa.BigInteger(), nullable=True),
        sa.Column(
            "visibility",
            sa.Enum(
                "public",
                "hidden",
                name="visibility",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("current_version_id", sa.Uuid(), nullable=True),
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
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name=op.f("ck_code_problems_slug")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_problems")),
        sa.UniqueConstraint("slug", name=op.f("uq_code_problems_slug")),
        schema="codebattle",
    )
    op.create_index(
        "ix_code_problems_keywords",
        "code_problems",
        ["keywords"],
        unique=False,
        schema="codebattle",
        postgresql_using="gin",
    )
    op.create_index(
        "ix_code_problems_listing",
        "code_problems",
        ["visibility", "slug"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "inbound_events",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("source", "message_id", name=op.f("pk_inbound_events")),
        schema="codebattle",
    )
    op.create_table(
        "jobs",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "failed",
                "cancelled",
                name="job_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("progress", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attempt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fencing_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_jobs_progress")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        schema="codebattle",
    )
    op.create_index("ix_jobs_owner", "jobs", ["owner_id", "id"], unique=False, schema="codebattle")
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["created_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
        schema="codebattle",
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("dispatched_at IS NULL"),
    )
    op.create_table(
        "rejudgings",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "judging",
                "ready",
                "applied",
                "cancelled",
                name="rejudging_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("selection", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejudgings")),
        schema="codebattle",
    )
    op.create_table(
        "user_profiles_ref",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("guild_id", sa.Uuid(), nullable=True),
        sa.Column("guild_name", sa.Text(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_profiles_ref")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_user_profiles_ref_guild_id"),
        "user_profiles_ref",
        ["guild_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        schema="codebattle",
    )
    op.create_table(
        "workers",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("slots", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "draining",
                "quarantined",
                "gone",
                name="worker_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "heartbeat_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("self_test", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "images", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("quarantine_reason", sa.Text(), server_default="", nullable=False),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_workers_heartbeat_at"),
        "workers",
        ["heartbeat_at"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "code_problem_versions",
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("package_sha256", sa.Text(), nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("cpu_ms", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("output_bytes", sa.BigInteger(), nullable=False),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("case_total", sa.BigInteger(), nullable=False),
        sa.Column(
            "statements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "samples", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "findings", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
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
        sa.CheckConstraint("cpu_ms > 0", name=op.f("ck_code_problem_versions_cpu_ms_positive")),
        sa.CheckConstraint("number > 0", name=op.f("ck_code_problem_versions_number_positive")),
        sa.ForeignKeyConstraint(
            ["package_sha256"],
            ["codebattle.blobs.sha256"],
            name=op.f("fk_code_problem_versions_package_sha256_blobs"),
        ),
        sa.ForeignKeyConstraint(
            ["problem_id"],
            ["codebattle.code_problems.id"],
            name=op.f("fk_code_problem_versions_problem_id_code_problems"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_problem_versions")),
        sa.UniqueConstraint(
            "problem_id", "number", name=op.f("uq_code_problem_versions_problem_id_number")
        ),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_code_problem_versions_package_sha256"),
        "code_problem_versions",
        ["package_sha256"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "tokens",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "refresh",
                "personal",
                name="token_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
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
            ["account_id"],
            ["codebattle.accounts.id"],
            name=op.f("fk_tokens_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_tokens_account_id"), "tokens", ["account_id"], unique=False, schema="codebattle"
    )
    op.create_index(
        op.f("ix_tokens_family_id"), "tokens", ["family_id"], unique=False, schema="codebattle"
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
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
            ["endpoint_id"],
            ["codebattle.webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id_webhook_endpoints"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["codebattle.outbox.event_id"],
            name=op.f("fk_webhook_deliveries_event_id_outbox"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        schema="codebattle",
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "uq_webhook_deliveries_once",
        "webhook_deliveries",
        ["endpoint_id", "event_id"],
        unique=True,
        schema="codebattle",
    )
    op.create_table(
        "code_submissions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("entry_point", sa.Text(), nullable=True),
        sa.Column("source_hash", sa.Text(), nullable=False),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
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
            ["problem_id"],
            ["codebattle.code_problems.id"],
            name=op.f("fk_code_submissions_problem_id_code_problems"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["codebattle.code_problem_versions.id"],
            name=op.f("fk_code_submissions_version_id_code_problem_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_submissions")),
        schema="codebattle",
    )
    op.create_index(
        "ix_code_submissions_event",
        "code_submissions",
        ["event_id", "room_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_code_submissions_mine",
        "code_submissions",
        ["user_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_code_submissions_problem",
        "code_submissions",
        ["problem_id", "id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_code_submissions_source_hash"),
        "code_submissions",
        ["source_hash"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_code_submissions_version_id"),
        "code_submissions",
        ["version_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "uq_code_submissions_idempotency",
        "code_submissions",
        ["user_id", "idempotency_key"],
        unique=True,
        schema="codebattle",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "test_groups",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("max_score", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["codebattle.test_groups.id"],
            name=op.f("fk_test_groups_parent_id_test_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["codebattle.code_problem_versions.id"],
            name=op.f("fk_test_groups_version_id_code_problem_versions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_groups")),
        sa.UniqueConstraint("version_id", "name", name=op.f("uq_test_groups_version_id_name")),
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_test_groups_parent_id"),
        "test_groups",
        ["parent_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "judgings",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("rejudging_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "compiling",
                "running",
                "done",
                "failed",
                name="judging_state",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column(
            "queue",
            sa.Enum(
                "interactive",
                "batch",
                "rejudge",
                name="queue",
                native_enum=False,
                create_constraint=True,
                length=32,
                schema="codebattle",
            ),
            nullable=False,
        ),
        sa.Column(
            "queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "tried_workers", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False
        ),
        sa.Column("lease_owner", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fencing_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.Column("cpu_us", sa.BigInteger(), nullable=True),
        sa.Column("wall_us", sa.BigInteger(), nullable=True),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("case_total", sa.BigInteger(), nullable=True),
        sa.Column("compile_log", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
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
        sa.CheckConstraint(
            "(state IN ('compiling', 'running')) = (lease_expires_at IS NOT NULL)",
            name=op.f("ck_judgings_lease"),
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (verdict IS NOT NULL)",
            name=op.f("ck_judgings_verdict_set"),
        ),
        sa.ForeignKeyConstraint(
            ["rejudging_id"],
            ["codebattle.rejudgings.id"],
            name=op.f("fk_judgings_rejudging_id_rejudgings"),
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_judgings_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["codebattle.code_problem_versions.id"],
            name=op.f("fk_judgings_version_id_code_problem_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgings")),
        schema="codebattle",
    )
    op.create_index(
        "ix_judgings_leased",
        "judgings",
        ["lease_expires_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("state IN ('compiling', 'running')"),
    )
    op.create_index(
        "ix_judgings_queued",
        "judgings",
        ["due_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        op.f("ix_judgings_rejudging_id"),
        "judgings",
        ["rejudging_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_judgings_submission_id"),
        "judgings",
        ["submission_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_judgings_version_id"),
        "judgings",
        ["version_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        "ix_judgings_waiting_of_user",
        "judgings",
        ["user_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("state IN ('queued', 'compiling', 'running')"),
    )
    op.create_index(
        "uq_judgings_current",
        "judgings",
        ["submission_id"],
        unique=True,
        schema="codebattle",
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "submission_files",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["codebattle.code_submissions.id"],
            name=op.f("fk_submission_files_submission_id_code_submissions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", "name", name=op.f("pk_submission_files")),
        schema="codebattle",
    )
    op.create_table(
        "test_cases",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("input_sha256", sa.Text(), nullable=False),
        sa.Column("input_bytes", sa.BigInteger(), nullable=False),
        sa.Column("answer_sha256", sa.Text(), nullable=True),
        sa.Column("answer_bytes", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["codebattle.test_groups.id"],
            name=op.f("fk_test_cases_group_id_test_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["codebattle.code_problem_versions.id"],
            name=op.f("fk_test_cases_version_id_code_problem_versions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_cases")),
        sa.UniqueConstraint("version_id", "name", name=op.f("uq_test_cases_version_id_name")),
        sa.UniqueConstraint(
            "version_id", "position", name=op.f("uq_test_cases_version_id_position")
        ),
        schema="codebattle",
    )
    op.create_index(
        "ix_test_cases_content",
        "test_cases",
        ["input_sha256", "answer_sha256"],
        unique=False,
        schema="codebattle",
    )
    op.create_index(
        op.f("ix_test_cases_group_id"),
        "test_cases",
        ["group_id"],
        unique=False,
        schema="codebattle",
    )
    op.create_table(
        "runs",
        sa.Column("judging_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("case_name", sa.Text(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
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
            nullable=False,
        ),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("cpu_us", sa.BigInteger(), nullable=False),
        sa.Column("wall_us", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("team_message", sa.Text(), server_default="", nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["judging_id"],
            ["codebattle.judgings.id"],
            name=op.f("fk_runs_judging_id_judgings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("judging_id", "position", name=op.f("pk_runs")),
        schema="codebattle",
    )
    op.create_foreign_key(
        CURRENT_VERSION,
        "code_problems",
        "code_problem_versions",
        ["current_version_id"],
        ["id"],
        source_schema="codebattle",
        referent_schema="codebattle",
        initially="DEFERRED",
        deferrable=True,
    )
    op.execute(TOUCH)
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON codebattle.{table}"
            " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
        )


def downgrade() -> None:
    """Undo it."""
    op.drop_constraint(CURRENT_VERSION, "code_problems", schema="codebattle")
    op.drop_table("runs", schema="codebattle")
    op.drop_index(op.f("ix_test_cases_group_id"), table_name="test_cases", schema="codebattle")
    op.drop_index("ix_test_cases_content", table_name="test_cases", schema="codebattle")
    op.drop_table("test_cases", schema="codebattle")
    op.drop_table("submission_files", schema="codebattle")
    op.drop_index(
        "uq_judgings_current",
        table_name="judgings",
        schema="codebattle",
        postgresql_where=sa.text("is_current"),
    )
    op.drop_index(
        "ix_judgings_waiting_of_user",
        table_name="judgings",
        schema="codebattle",
        postgresql_where=sa.text("state IN ('queued', 'compiling', 'running')"),
    )
    op.drop_index(op.f("ix_judgings_version_id"), table_name="judgings", schema="codebattle")
    op.drop_index(op.f("ix_judgings_submission_id"), table_name="judgings", schema="codebattle")
    op.drop_index(op.f("ix_judgings_rejudging_id"), table_name="judgings", schema="codebattle")
    op.drop_index(
        "ix_judgings_queued",
        table_name="judgings",
        schema="codebattle",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index(
        "ix_judgings_leased",
        table_name="judgings",
        schema="codebattle",
        postgresql_where=sa.text("state IN ('compiling', 'running')"),
    )
    op.drop_table("judgings", schema="codebattle")
    op.drop_index(op.f("ix_test_groups_parent_id"), table_name="test_groups", schema="codebattle")
    op.drop_table("test_groups", schema="codebattle")
    op.drop_index(
        "uq_code_submissions_idempotency",
        table_name="code_submissions",
        schema="codebattle",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_code_submissions_version_id"), table_name="code_submissions", schema="codebattle"
    )
    op.drop_index(
        op.f("ix_code_submissions_source_hash"), table_name="code_submissions", schema="codebattle"
    )
    op.drop_index("ix_code_submissions_problem", table_name="code_submissions", schema="codebattle")
    op.drop_index("ix_code_submissions_mine", table_name="code_submissions", schema="codebattle")
    op.drop_index("ix_code_submissions_event", table_name="code_submissions", schema="codebattle")
    op.drop_table("code_submissions", schema="codebattle")
    op.drop_index(
        "uq_webhook_deliveries_once", table_name="webhook_deliveries", schema="codebattle"
    )
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        schema="codebattle",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.drop_table("webhook_deliveries", schema="codebattle")
    op.drop_index(op.f("ix_tokens_family_id"), table_name="tokens", schema="codebattle")
    op.drop_index(op.f("ix_tokens_account_id"), table_name="tokens", schema="codebattle")
    op.drop_table("tokens", schema="codebattle")
    op.drop_index(
        op.f("ix_code_problem_versions_package_sha256"),
        table_name="code_problem_versions",
        schema="codebattle",
    )
    op.drop_table("code_problem_versions", schema="codebattle")
    op.drop_index(op.f("ix_workers_heartbeat_at"), table_name="workers", schema="codebattle")
    op.drop_table("workers", schema="codebattle")
    op.drop_table("webhook_endpoints", schema="codebattle")
    op.drop_index(
        op.f("ix_user_profiles_ref_guild_id"), table_name="user_profiles_ref", schema="codebattle"
    )
    op.drop_table("user_profiles_ref", schema="codebattle")
    op.drop_table("rejudgings", schema="codebattle")
    op.drop_index(
        "ix_outbox_waiting",
        table_name="outbox",
        schema="codebattle",
        postgresql_where=sa.text("dispatched_at IS NULL"),
    )
    op.drop_table("outbox", schema="codebattle")
    op.drop_index(
        "ix_jobs_queued",
        table_name="jobs",
        schema="codebattle",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("ix_jobs_owner", table_name="jobs", schema="codebattle")
    op.drop_table("jobs", schema="codebattle")
    op.drop_table("inbound_events", schema="codebattle")
    op.drop_index("ix_code_problems_listing", table_name="code_problems", schema="codebattle")
    op.drop_index(
        "ix_code_problems_keywords",
        table_name="code_problems",
        schema="codebattle",
        postgresql_using="gin",
    )
    op.drop_table("code_problems", schema="codebattle")
    op.drop_table("blobs", schema="codebattle")
    op.drop_index("ix_audit_log_subject", table_name="audit_log", schema="codebattle")
    op.drop_index(op.f("ix_audit_log_at"), table_name="audit_log", schema="codebattle")
    op.drop_table("audit_log", schema="codebattle")
    op.drop_index("uq_accounts_name_folded", table_name="accounts", schema="codebattle")
    op.drop_table("accounts", schema="codebattle")
    op.execute("DROP FUNCTION codebattle.touch()")
    op.execute(sa.schema.DropSequence(sa.Sequence("fencing_tokens", schema="codebattle")))
