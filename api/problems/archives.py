"""Package archives in the blob store, each with its row; what nothing needs any more goes.

The row is written before the bytes, in one transaction: its lock keeps `prune` from removing
bytes that somebody stores again at the same moment.
"""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.blobs import BlobAwayError, BlobStore
from api.db.models import Blob, CodeProblemVersion, Job, JobState
from api.logs import logger

PACKAGE_TYPE = "application/zip"
# The kind of the jobs that need what was uploaded.
IMPORT = "import"
# No import lasts as long as what nothing refers to is kept.
KEPT_S = 2 * 24 * 3600.0
_AT_ONCE = 100
_RETRY_FIRST_S = 0.25
_RETRY_MAX_S = 5.0
_log = logger(__name__)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Slow: reads all of it."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


async def keep(session: AsyncSession, blobs: BlobStore, archive: Path, sha256: str) -> None:
    """Store an archive and its row; the caller commits."""
    size = (await asyncio.to_thread(archive.stat)).st_size
    await session.execute(
        insert(Blob)
        .values(sha256=sha256, size_bytes=size, media_type=PACKAGE_TYPE)
        .on_conflict_do_update(index_elements=["sha256"], set_={"created_at": func.now()})
    )
    stored = await blobs.put(archive)
    assert stored == sha256


async def fetched(blobs: BlobStore, sha256: str, target: Path) -> None:
    """Fetch a blob, however long the store is away: that delays work, and fails none.

    Whoever waits here keeps the lease, and gives the work back when the worker drains.
    """
    delay = _RETRY_FIRST_S
    while True:
        try:
            await blobs.fetch(sha256, target)
        except BlobAwayError as error:
            _log.warning("blobs.away", error=str(error), retry_s=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _RETRY_MAX_S)
        else:
            return


async def prune(session: AsyncSession, blobs: BlobStore, *, kept_s: float = KEPT_S) -> int:
    """Remove archives that no version and no import that has not ended needs; commits."""
    wanted = (
        select(CodeProblemVersion.id)
        .where(CodeProblemVersion.package_sha256 == Blob.sha256)
        .exists()
    )
    awaited = (
        select(Job.id)
        .where(
            Job.kind == IMPORT,
            Job.state.in_((JobState.QUEUED, JobState.RUNNING)),
            Job.payload["sha256"].astext == Blob.sha256,
        )
        .exists()
    )
    old = (
        select(Blob.sha256)
        .where(
            Blob.media_type == PACKAGE_TYPE,
            Blob.created_at < func.now() - timedelta(seconds=kept_s),
            ~wanted,
            ~awaited,
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    gone = list(await session.scalars(old))
    # Rows first: should a version have come after all, its reference stops us here.
    await session.execute(delete(Blob).where(Blob.sha256.in_(gone)))
    for sha256 in gone:
        await blobs.delete(sha256)
    await session.commit()
    return len(gone)
