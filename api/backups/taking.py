"""Takes a backup: a dump, the blobs it needs, a manifest; a directory that is whole or not there.

Dump, counts and hashes are made from one snapshot of the database, while the service goes on.
Blobs are copied after it: they are stored before the rows that name them, and never change.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from api.backups import counting
from api.backups.manifest import DUMP, NAME, Manifest, backups, blob_path
from api.backups.programs import programs
from api.blobs import BlobStore
from api.db import migrating
from api.db.base import SCHEMA
from judge.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A backup that was taken, and the older ones that were removed for it."""

    directory: Path
    manifest: Manifest
    removed: tuple[Path, ...]


async def take(
    url: str, blobs: BlobStore, into: Path, *, with_blobs: bool, keep: int | None = None
) -> Taken:
    """Write a backup into a new directory below `into`; keep so many, the newest."""
    older, making = _begun(into)
    try:
        manifest = await _written(url, making, with_blobs=with_blobs)
        if with_blobs:
            for sha256 in manifest.blobs:
                await _copy(blobs, sha256, making, older[:1])
        manifest.write(making)
        made = _ended(making, into, datetime.fromisoformat(manifest.made_at))
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    removed = tuple(older[keep - 1 :]) if keep else ()
    for each in removed:
        # Without a manifest it is no backup any more, however far the removal gets.
        (each / NAME).unlink()
        shutil.rmtree(each)
    return Taken(directory=made, manifest=manifest, removed=removed)


def _begun(into: Path) -> tuple[list[Path], Path]:
    """Return the backups there are, and a directory to make the next one in."""
    if into.exists() and not into.is_dir():
        raise UsageError(f"{into}: not a directory")
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    return list(backups(into)), Path(tempfile.mkdtemp(prefix=".making-", dir=into))


def _ended(making: Path, into: Path, at: datetime) -> Path:
    """Give a backup its name once all of it is on the disk."""
    _sync(*making.rglob("*"), making)
    made = into / f"codebattle-{at:%Y%m%dT%H%M%S.%fZ}"
    making.rename(made)
    _sync(into)
    return made


async def _written(url: str, making: Path, *, with_blobs: bool) -> Manifest:
    state = await migrating.status(url)
    if state.current is None:
        raise UsageError("there is nothing to back up: the database has no schema of ours")
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    try:
        async with engine.connect() as connection:
            return await _from_snapshot(
                connection, url, making, state.current, with_blobs=with_blobs
            )
    finally:
        await engine.dispose()


async def _from_snapshot(
    connection: AsyncConnection, url: str, making: Path, revision: str, *, with_blobs: bool
) -> Manifest:
    made_at = datetime.now(UTC)
    snapshot = await connection.scalar(text("SELECT pg_export_snapshot()"))
    server = await counting.server_major(connection)
    tool = programs(server=server)
    dump = making / DUMP
    await tool.dump(
        url,
        "--format=custom",
        f"--schema={SCHEMA}",
        f"--snapshot={snapshot}",
        "--no-owner",
        "--no-privileges",
        f"--file={dump}",
    )
    with dump.open("rb") as opened:
        hashed = hashlib.file_digest(opened, "sha256").hexdigest()
    return Manifest(
        made_at=made_at.isoformat(),
        codebattle=version("codebattle"),
        revision=revision,
        server=server,
        pg_dump=tool.major,
        dump_bytes=dump.stat().st_size,
        dump_sha256=hashed,
        tables=await counting.tables(connection),
        blobs=await counting.blobs(connection),
        with_blobs=with_blobs,
    )


async def _copy(blobs: BlobStore, sha256: str, making: Path, older: list[Path]) -> None:
    """Copy a blob, or link the last backup's copy; either is compared with its hash."""
    target = blob_path(making, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    for backup in older:
        with suppress(OSError):
            os.link(blob_path(backup, sha256), target)
            with target.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() == sha256:
                    return
            target.unlink()
    await blobs.fetch(sha256, target)


def _sync(*paths: Path) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
