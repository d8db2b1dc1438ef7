"""Moves the schema up and down. One at a time: whoever starts together takes turns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from api.db.base import SCHEMA, Base

DIRECTORY = Path(__file__).with_name("migrations")
# Any number, as long as nothing else in this database locks it.
_LOCK = 0x636F6465
_LOCK_TIMEOUT = "15s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where the schema is; None means that there is none yet."""

    current: str | None
    head: str
    pending: tuple[str, ...]


async def upgrade(url: str, target: str = "head") -> None:
    """Move the schema up."""
    await _run(url, lambda config: command.upgrade(config, target))


async def downgrade(url: str, target: str) -> None:
    """Move the schema down; `base` removes it all."""
    await _run(url, lambda config: command.downgrade(config, target))


async def new(url: str, message: str) -> None:
    """Write the step from the schema as it is to the models as they are."""
    await _run(url, lambda config: command.revision(config, message, autogenerate=True))


async def status(url: str) -> Status:
    """Compare the database with the steps there are."""
    script = ScriptDirectory.from_config(_config())
    head = script.get_current_head()
    assert head is not None
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            current = await connection.run_sync(_current)
    finally:
        await engine.dispose()
    steps = [each.revision for each in script.iterate_revisions(head, current or "base")]
    return Status(current=current, head=head, pending=tuple(reversed(steps)))


def revisions() -> frozenset[str]:
    """Return all steps this version knows."""
    script = ScriptDirectory.from_config(_config())
    return frozenset(each.revision for each in script.walk_revisions())


async def differences(url: str) -> list[object]:
    """Return what the models have and the migrated schema lacks, or the other way round."""

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
                "compare_type": True,
            },
        )
        return list(compare_metadata(context, Base.metadata))

    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()


def _engine(url: str) -> AsyncEngine:
    # A user called like the schema would make it the default one, which Alembic leaves out.
    return create_async_engine(
        url, poolclass=NullPool, connect_args={"server_settings": {"search_path": "public"}}
    )


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version", schema=SCHEMA):
        return None
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


async def _run(url: str, step: Callable[[Config], object]) -> None:
    engine = _engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(lambda bare: step(_config(bare)))
    finally:
        await engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY))
    config.set_main_option(
        "file_template", "%%(year)d-%%(month).2d-%%(day).2d-%%(hour).2d%%(minute).2d_%%(slug)s"
    )
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
