"""Who judged what, what a judging replaces or checks, findings about workers, waiting by room."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "3c1f6b0d94a7"
down_revision: str | None = "817b3d5897ff"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = "state IN ('queued', 'compiling', 'running')"


def upgrade() -> None:
    """Take the step."""
    for name in ("replaces_id", "checks_id", "judged_by"):
        op.add_column("judgings", sa.Column(name, sa.Uuid(), nullable=True), schema="codebattle")
    op.add_column(
        "judgings",
        sa.Column(
            "barred_workers",
            postgresql.ARRAY(sa.Uuid()),
            server_default="{}",
            nullable=False,
        ),
        schema="codebattle",
    )
    op.drop_index(op.f("ix_judgings_rejudging_id"), table_name="judgings", schema="codebattle")
    op.create_index(
        "uq_judgings_rejudging",
        "judgings",
        ["rejudging_id", "submission_id"],
        unique=True,
        schema="codebattle",
        postgresql_where=sa.text("rejudging_id IS NOT NULL"),
    )
    op.create_index(
        "ix_judgings_unfinished_of_rejudging",
        "judgings",
        ["rejudging_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text(f"rejudging_id IS NOT NULL AND {WAITING}"),
    )
    op.create_index(
        "ix_judgings_waiting_of_room",
        "judgings",
        ["room_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text(f"room_id IS NOT NULL AND is_current AND {WAITING}"),
    )
    op.create_index(
        "ix_judgings_of_worker",
        "judgings",
        ["judged_by", "finished_at"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("judged_by IS NOT NULL"),
    )
    _findings()


def _findings() -> None:
    op.create_table(
        "worker_findings",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("judging_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "contradicted",
                "failed",
                name="finding_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
            ["worker_id"],
            ["codebattle.workers.id"],
            name=op.f("fk_worker_findings_worker_id_workers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_findings")),
        sa.UniqueConstraint(
            "worker_id", "judging_id", name=op.f("uq_worker_findings_worker_id_judging_id")
        ),
        schema="codebattle",
    )
    op.create_index(
        "ix_worker_findings_open",
        "worker_findings",
        ["worker_id"],
        unique=False,
        schema="codebattle",
        postgresql_where=sa.text("NOT settled"),
    )
    op.execute(
        "CREATE TRIGGER touch BEFORE UPDATE ON codebattle.worker_findings"
        " FOR EACH ROW EXECUTE FUNCTION codebattle.touch()"
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("worker_findings", schema="codebattle")
    for name in (
        "ix_judgings_of_worker",
        "ix_judgings_waiting_of_room",
        "ix_judgings_unfinished_of_rejudging",
        "uq_judgings_rejudging",
    ):
        op.drop_index(name, table_name="judgings", schema="codebattle")
    op.create_index(
        op.f("ix_judgings_rejudging_id"),
        "judgings",
        ["rejudging_id"],
        unique=False,
        schema="codebattle",
    )
    for name in ("barred_workers", "judged_by", "checks_id", "replaces_id"):
        op.drop_column("judgings", name, schema="codebattle")
