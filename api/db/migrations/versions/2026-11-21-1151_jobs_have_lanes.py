"""Jobs have lanes and an order of claiming; those that run have a lease."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c41d7b02a6e9"
down_revision: str | None = "c3a7d0e4b915"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEMA = "codebattle"
LANE = sa.Enum("quick", "long", name="job_lane", native_enum=False, length=32)


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "jobs", sa.Column("lane", LANE, server_default="long", nullable=False), schema=SCHEMA
    )
    op.add_column(
        "jobs",
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        schema=SCHEMA,
    )
    op.create_check_constraint(
        op.f("ck_jobs_job_lane"), "jobs", "lane IN ('quick', 'long')", schema=SCHEMA
    )
    op.create_check_constraint(
        op.f("ck_jobs_lease"),
        "jobs",
        "(state = 'running') = (lease_expires_at IS NOT NULL)",
        schema=SCHEMA,
    )
    op.drop_index("ix_jobs_queued", table_name="jobs", schema=SCHEMA)
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["lane", "due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["lease_expires_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_waiting_of_owner",
        "jobs",
        ["owner_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_jobs_waiting_of_owner", table_name="jobs", schema=SCHEMA)
    op.drop_index("ix_jobs_leased", table_name="jobs", schema=SCHEMA)
    op.drop_index("ix_jobs_queued", table_name="jobs", schema=SCHEMA)
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["created_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_constraint(op.f("ck_jobs_lease"), "jobs", schema=SCHEMA)
    op.drop_column("jobs", "due_at", schema=SCHEMA)
    op.drop_column("jobs", "lane", schema=SCHEMA)
