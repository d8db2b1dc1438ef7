"""Puts a backup back: everything is verified before the database is touched, and again after.

What the database held is kept under another name until the copy is whole, then dropped; if
anything fails it gets its name back.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from api.backups import counting
from api.backups.manifest import DUMP, Manifest, Table, blob_path, read
from api.backups.programs import Programs, programs
from api.blobs import BlobStore
from api.db import migrating
from api.db.base import SCHEMA
from judge.errors import EngineError, UsageError

ASIDE = f"{SCHEMA}_before_restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back; `pending` are migrations the backup is older than."""

    manifest: Manifest
    pending: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Return how many rows that are."""
        return sum(each.rows for each in self.manifest.tables.values())


async def restore(
    url: str, blobs: BlobStore, backup: Path, *, force: str | None = None
) -> Restored:
    """Restore into an empty database, or over the one that `force` names."""
    manifest = read(backup)
    verify(backup, manifest)
    if manifest.revision not in migrating.revisions():
        raise UsageError(
            f"{backup}: its schema {manifest.revision} is unknown here:"
            f" it was made by codebattle {manifest.codebattle}, use that or a later one"
        )
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            tool = programs(server=await counting.server_major(connection), dump=manifest.pg_dump)
            held = await _held(connection, force)
        await _put_blobs(blobs, backup, manifest)
        await _replace(engine, url, tool, backup, manifest, held=held)
    finally:
        await engine.dispose()
    return Restored(manifest=manifest, pending=(await migrating.status(url)).pending)


def verify(backup: Path, manifest: Manifest) -> None:
    """Compare a backup's files with its manifest; raises `UsageError`."""
    wanted = {backup / DUMP: manifest.dump_sha256}
    if manifest.with_blobs:
        wanted |= {blob_path(backup, sha256): sha256 for sha256 in manifest.blobs}
    for path, sha256 in wanted.items():
        try:
            with path.open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise UsageError(f"{path} is missing: this backup is not whole") from error
        if found != sha256:
            raise UsageError(f"{path} is damaged: its hash is not the manifest's")


async def _held(connection: AsyncConnection, force: str | None) -> bool:
    """Tell whether there is something of ours that `force` allows to replace."""
    using = await connection.scalars(
        text(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND application_name LIKE 'codebattle%' ORDER BY 1"
        )
    )
    if names := using.all():
        raise EngineError(f"the database is in use by {', '.join(names)}: stop the service first")
    tables = await connection.scalar(
        text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema"), {"schema": SCHEMA}
    )
    name = await connection.scalar(text("SELECT current_database()"))
    if tables and force is None:
        raise UsageError(
            f"the database {name} is not empty ({tables} tables of ours):"
            f" restore into an empty one, or give its name: --force {name}"
        )
    if force not in {None, name}:
        raise UsageError(f"--force {force}: the database is called {name}")
    exists = await connection.scalar(
        text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": SCHEMA}
    )
    return exists is not None


async def _put_blobs(blobs: BlobStore, backup: Path, manifest: Manifest) -> None:
    for sha256 in manifest.blobs:
        if manifest.with_blobs:
            await blobs.put(blob_path(backup, sha256))
        elif not await blobs.has(sha256):
            raise EngineError(
                f"blob {sha256} is neither in the backup nor in the store:"
                " bring the store back first"
            )


async def _replace(
    engine: AsyncEngine,
    url: str,
    tool: Programs,
    backup: Path,
    manifest: Manifest,
    *,
    held: bool,
) -> None:
    if held:
        await _run(
            engine,
            f"DROP SCHEMA IF EXISTS {ASIDE} CASCADE",
            f"ALTER SCHEMA {SCHEMA} RENAME TO {ASIDE}",
        )
    try:
        await tool.restore(
            url,
            f"--dbname={engine.url.database}",
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            str(backup / DUMP),
        )
        await _compare(engine, manifest)
    except BaseException:
        await _run(engine, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        if held:
            await _run(engine, f"ALTER SCHEMA {ASIDE} RENAME TO {SCHEMA}")
        raise
    if held:
        await _run(engine, f"DROP SCHEMA {ASIDE} CASCADE")


async def _compare(engine: AsyncEngine, manifest: Manifest) -> None:
    async with engine.begin() as connection:
        different = compare(manifest.tables, await counting.tables(connection))
    if different:
        raise EngineError(f"what was restored is not what was backed up: {different[0]}")


def compare(wanted: dict[str, Table], found: dict[str, Table]) -> list[str]:
    """Return the differences between two counts, one line each."""
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        was, now = wanted.get(name), found.get(name)
        if was is None or now is None:
            lines.append(f"table {name} is {'new' if was is None else 'missing'}")
        elif was.rows != now.rows:
            lines.append(f"table {name} has {now.rows} rows instead of {was.rows}")
        elif was.hash != now.hash:
            lines.append(f"table {name} has other contents in its {was.rows} rows")
    return lines


async def _run(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
