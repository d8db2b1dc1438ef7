"""The restore drill: a backup nobody ever restored is a hope, not a backup.

Into a PostgreSQL of its own that is gone afterwards; nothing of the service is touched.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.backups.checking import check
from api.backups.manifest import read
from api.backups.restoring import restore
from api.backups.taking import take
from api.blobs import BlobStore, LocalBlobs
from api.db import migrating
from api.embedded import Postgres
from judge.doctor import Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What was restored, how long each part took, and what the check of it found."""

    rows: int
    tables: int
    blobs: int
    backup_s: float
    restore_s: float
    check_s: float
    findings: Sequence[Diagnosis]


async def drill(
    url: str, blobs: BlobStore, *, backup: Path | None = None, scratch: Path | None = None
) -> Drilled:
    """Restore a backup, or one taken now, elsewhere, and check it.

    Restoring compares counts and hashes of all tables with those of the original.
    """
    with tempfile.TemporaryDirectory(prefix="codebattle-drill-", dir=scratch) as name:
        root = Path(name)
        began = time.monotonic()
        if backup is None:
            backup = (await take(url, blobs, root / "backup", with_blobs=True)).directory
        taken = time.monotonic()
        server = Postgres(root / "postgres")
        await server.start()
        try:
            began_restore = time.monotonic()
            store = LocalBlobs(root / "blobs") if read(backup).with_blobs else blobs
            made = await restore(server.url(), store, backup)
            restored = time.monotonic()
            await migrating.upgrade(server.url())
            findings = [each async for each in check(server.url(), store)]
            checked = time.monotonic()
        finally:
            await server.stop()
    return Drilled(
        rows=made.rows,
        tables=len(made.manifest.tables),
        blobs=len(made.manifest.blobs),
        backup_s=round(taken - began, 1),
        restore_s=round(restored - began_restore, 1),
        check_s=round(checked - restored, 1),
        findings=findings,
    )
