"""What Alembic runs: `api.db.migrating` hands over an open connection."""

from alembic import context
from sqlalchemy import text

import api.db.models  # noqa: F401 - makes all tables known
from api.db.base import SCHEMA, Base


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name == SCHEMA


connection = context.config.attributes["connection"]
connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_schemas=True,
    include_name=_ours,
    version_table_schema=SCHEMA,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
