"""What keeps similarity fails alone: judging goes on, and of two processes only one ever writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from api import similarity_worker
from api.db.base import new_id
from api.db.models import Compared, SimilarityFingerprint
from api.live import Topic, keys
from api.problems.cache import PackageCache
from api.problems.service import Imported
from api.similarity import owning, vectors
from api.similarity.vectors import CODE_TOKENS, VectorIndex
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.similarity import Index
from tests.api.conftest import ClientFor
from tests.api.similarity.chroma import Server
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit, near_in_rows
from tests.api.submissions.conftest import ScriptedJudge
from tests.unit.similarity.programs import program

pytestmark = pytest.mark.slow
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype <> 'advisory'"
IN_LINE = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
OWNER = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND granted"
LOCK = "SELECT pg_advisory_lock(:key)"
LOCKED = text("LOCK TABLE codebattle.similarity_fingerprints IN EXCLUSIVE MODE")


async def until(check: Callable[[], Awaitable[object]], *, within_s: float = 90) -> None:
    """Wait for a condition, but not for ever."""
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


async def compared(parts: Parts) -> dict[UUID, Compared]:
    """Return with what each submission was compared."""
    async with parts.sessions() as session:
        rows = await session.execute(
            select(SimilarityFingerprint.submission_id, SimilarityFingerprint.compared)
        )
        return {row[0]: row[1] for row in rows}


@asynccontextmanager
async def keeping(parts: Parts) -> AsyncIterator[None]:
    """Run the similarity process until the end of the block."""
    stop = asyncio.Event()
    task = asyncio.create_task(similarity_worker.work(parts, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_judging_goes_on_while_chromadb_is_away(
    remote: Parts, server: Server, hello: Imported, client_for: ClientFor
) -> None:
    """Verdicts are stored and told; fingerprints and vectors wait in PostgreSQL, for later."""
    del hello
    player = uuid4()
    client = client_for(user_id=player)
    cache = PackageCache(remote.settings.cache_dir, remote.blobs, bytes_max=1 << 30)
    worker = SubmissionJobs(remote, ScriptedJudge(), cache, worker=new_id(), slots=1)

    async def judged(source: str) -> dict[str, Any]:
        body = {"problem": "hello", "language": "python3", "source": source}
        taken = await client.post("/v1/submissions", json=body)
        await worker.look()
        shown: dict[str, Any] = (await client.get(taken.headers["location"])).json()
        return shown

    async def known(wanted: Compared, *which: dict[str, Any]) -> None:
        async def check() -> bool:
            found = await compared(remote)
            return all(found.get(UUID(each["id"])) is wanted for each in which)

        await until(check)

    try:
        async with keeping(remote):
            first = await judged(f"AC = 1\n{ORIGINAL}")
            await known(Compared.ALL, first)
            server.kill()
            others = [await judged(f"{each} = 1\n{COPY}") for each in ("WA", "AC")]
            await known(Compared.TOKENS, *others)
        # Nothing but PostgreSQL remembers what the process that ended still had to do.
        told: Any = await remote.redis.xrange(keys.STREAM + Topic.USER.of(player))
        async with remote.sessions() as session:
            kept = list(await session.scalars(select(SimilarityFingerprint.vector)))
        await server.start()
        async with keeping(remote):
            await known(Compared.ALL, first, *others)
    finally:
        await worker.drain(0)
    index = VectorIndex(remote.settings)
    index.open()
    try:
        assert index.count(CODE_TOKENS) == 3
    finally:
        index.close()
    assert [each["verdict"] for each in (first, *others)] == ["AC", "WA", "AC"]
    assert sum(b'"judged"' in fields[b"u"] for _, fields in told) == 3
    assert [len(each) > 1000 for each in kept] == [True] * 3
    # A person's own are no neighbours, whichever way they were found.
    assert await near_in_rows(remote, UUID(first["id"])) == set()


async def test_who_lost_the_lock_writes_no_more(
    parts: Parts, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being written when the lock goes to another is not; later it comes back."""
    # The driver tells of it: nobody has to ask.
    monkeypatch.setattr(owning, "ASK_S", 600)
    monkeypatch.setattr(vectors, "installed", lambda: False)
    index = parts.settings.similarity_dir / "index.bin"

    async def asked(statement: str) -> Any:
        async with parts.sessions() as session:
            return await session.scalar(text(statement), {"key": owning._OWNER})

    async def taken(one: UUID) -> None:
        async def check() -> bool:
            return (await compared(parts)).get(one) is Compared.ALL

        parts.bell.judged(one)
        await until(check)

    async def swept() -> bool:
        return index.exists() and len(Index.from_bytes(index.read_bytes()[32:])) == 2

    async def over() -> bool:
        with owning._alone(parts.settings.similarity_dir) as alone:
            return alone

    async def nobody_waits() -> bool:
        return not await asked(WAITS)

    before, after = await submit(ORIGINAL), await submit(COPY)
    async with (
        keeping(parts),
        parts.engine.connect() as other,
        parts.engine.connect() as blocking,
    ):
        await until(swept)
        index.unlink()
        await taken(await submit(program(2)))
        await blocking.execute(LOCKED)
        parts.bell.judged(late := await submit(program(3)))
        await until(lambda: asked(WAITS))
        pid = await asked(OWNER)
        in_line = asyncio.create_task(other.execute(text(LOCK), {"key": owning._OWNER}))
        await until(lambda: asked(IN_LINE))
        await asked(f"SELECT pg_terminate_backend({pid})")
        await in_line
        await until(nobody_waits, within_s=5)
        await blocking.rollback()
        await until(over)

        assert late not in await compared(parts)
        assert not index.exists()
        await other.execute(text("SELECT pg_advisory_unlock_all()"))
        await taken(late)
    assert index.exists()
    assert await near_in_rows(parts, after) == {before}


async def test_an_owner_hears_that_its_lock_is_gone(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the connection lives on; and what still writes here keeps the directory."""
    monkeypatch.setattr(owning, "ASK_S", 0.05)
    async with owning.owning(parts) as owner:
        assert owner is not None
        async with owning.owning(parts) as second:
            assert second is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await owner.lost()
        await owner._connection.execute(text("SELECT pg_advisory_unlock_all()"))
        async with asyncio.timeout(5):
            await owner.lost()
        async with owning.owning(parts) as second:
            assert second is None
    async with owning.owning(parts) as second:
        assert second is not None
