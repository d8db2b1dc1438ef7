"""Looks at what no constraint can promise: the schema, the judgings, the blobs, the outbox.

Reads only. Every question gives one finding, with the remedy where something is to be done.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from api.backups import counting
from api.blobs import BlobAwayError, BlobMissingError, BlobStore, LocalBlobs
from api.db import migrating
from judge.doctor import Diagnosis, Level

_NAMED_MAX = 3

# Each counts what must not be: its name, the query, how bad it is, what to do.
_COUNTS = (
    (
        "one current judging for each submission",
        (
            "SELECT count(*) FROM codebattle.code_submissions s WHERE 1 <> (SELECT count(*)"
            " FROM codebattle.judgings j WHERE j.submission_id = s.id AND j.is_current)"
        ),
        Level.FAIL,
        "restore a backup, or rejudge them",
    ),
    (
        "current versions belong to their problem",
        (
            "SELECT count(*) FROM codebattle.code_problems p"
            " LEFT JOIN codebattle.code_problem_versions v ON v.id = p.current_version_id"
            " WHERE v.problem_id IS DISTINCT FROM p.id"
        ),
        Level.FAIL,
        "import the packages again",
    ),
    (
        "versions have all their test cases",
        (
            "SELECT count(*) FROM codebattle.code_problem_versions v WHERE v.case_total <>"
            " (SELECT count(*) FROM codebattle.test_cases c WHERE c.version_id = v.id)"
        ),
        Level.FAIL,
        "import the packages again",
    ),
    (
        "indexes and constraints are valid",
        (
            "SELECT (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisvalid AND c.relnamespace = 'codebattle'::regnamespace)"
            " + (SELECT count(*) FROM pg_constraint"
            " WHERE NOT convalidated AND connamespace = 'codebattle'::regnamespace)"
        ),
        Level.FAIL,
        "REINDEX, or ALTER TABLE … VALIDATE CONSTRAINT",
    ),
    (
        "leases are kept or taken back",
        (
            "SELECT count(*) FROM codebattle.judgings"
            " WHERE lease_expires_at < now() - interval '1 minute'"
        ),
        Level.WARN,
        "start a worker: it takes them back",
    ),
    (
        "nothing is queued for over an hour",
        (
            "SELECT count(*) FROM codebattle.judgings"
            " WHERE state = 'queued' AND queued_at < now() - interval '1 hour'"
        ),
        Level.WARN,
        "start workers, and look at /readyz",
    ),
    (
        "events leave the outbox",
        (
            "SELECT count(*) FROM codebattle.outbox"
            " WHERE dispatched_at IS NULL AND created_at < now() - interval '15 minutes'"
        ),
        Level.WARN,
        "start a worker: it sends them",
    ),
    (
        "no delivery of the last day was given up",
        (
            "SELECT count(*) FROM codebattle.webhook_deliveries"
            " WHERE given_up_at > now() - interval '1 day'"
        ),
        Level.WARN,
        "look at the receiver, then deliver again",
    ),
)


async def check(url: str, blobs: BlobStore, *, quick: bool = False) -> AsyncIterator[Diagnosis]:
    """Ask everything; `quick` only asks whether blobs are there, without reading them."""
    state = await migrating.status(url)
    if state.current != state.head:
        yield Diagnosis(
            name="schema",
            level=Level.FAIL,
            found=f"at {state.current or 'nothing'}, newest is {state.head}",
            remedy="codebattle db upgrade",
        )
        # The questions are those of the newest schema.
        return
    different = await migrating.differences(url)
    yield Diagnosis(
        name="schema",
        level=Level.FAIL if different else Level.OK,
        found=f"{len(different)} differences from the models" if different else state.head,
        remedy="restore a backup: somebody changed it by hand" if different else "",
    )
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    try:
        async with engine.connect() as connection:
            for name, query, level, remedy in _COUNTS:
                count = await connection.scalar(text(query))
                yield Diagnosis(
                    name=name,
                    level=level if count else Level.OK,
                    found=f"{count} are not so" if count else "yes",
                    remedy=remedy if count else "",
                )
            known = await counting.blobs(connection)
            used = await _used(connection)
    finally:
        await engine.dispose()
    async for finding in _blobs(blobs, known, used, quick=quick):
        yield finding


async def _used(connection: AsyncConnection) -> set[str]:
    said = await connection.scalars(
        text("SELECT DISTINCT package_sha256 FROM codebattle.code_problem_versions")
    )
    return set(said)


async def _blobs(
    blobs: BlobStore, known: dict[str, int], used: set[str], *, quick: bool
) -> AsyncIterator[Diagnosis]:
    broken = []
    try:
        await blobs.check()
        with tempfile.TemporaryDirectory(prefix="codebattle-check-") as scratch:
            for sha256 in sorted(used):
                said = await _broken(blobs, sha256, Path(scratch) / "blob", quick=quick)
                if said:
                    broken.append(said)
    except BlobAwayError as error:
        yield Diagnosis(
            name="blobs",
            level=Level.FAIL,
            found=str(error),
            remedy="see the settings of the blob store",
        )
        return
    yield Diagnosis(
        name="blobs",
        level=Level.FAIL if broken else Level.OK,
        found="; ".join(broken[:_NAMED_MAX])
        + (f"; {len(broken)} in all" if len(broken) > _NAMED_MAX else "")
        or f"{len(used)} {'there' if quick else 'there and intact'}",
        remedy="restore them from a backup, or import the packages again" if broken else "",
    )
    unused = sorted(known.keys() - used)
    stray = sorted(blobs.names() - known.keys()) if isinstance(blobs, LocalBlobs) else []
    yield Diagnosis(
        name="no orphans among the blobs",
        level=Level.WARN if unused or stray else Level.OK,
        found=f"{len(unused)} rows without a problem, {len(stray)} files without a row"
        if unused or stray
        else "yes",
        remedy="they only take room" if unused or stray else "",
    )


async def _broken(blobs: BlobStore, sha256: str, scratch: Path, *, quick: bool) -> str:
    try:
        if not quick:
            await blobs.fetch(sha256, scratch)
        elif not await blobs.has(sha256):
            return f"blob {sha256} is missing"
    except BlobMissingError as error:
        return str(error)
    return ""
