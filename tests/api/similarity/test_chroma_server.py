"""The vector index on a real ChromaDB server: away, emptied or damaged, it costs no answer."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from api.db.models import Job, JobLane, JobState, SimilarityFingerprint
from api.jobs import service as jobs
from api.jobs.running import JobRunner
from api.settings import Settings
from api.similarity import embedding
from api.similarity.embeds import Embeds
from api.similarity.keeper import REBUILD, Keeper
from api.similarity.modelling import ModelAwayError, ModelProcess
from api.similarity.vectors import CODE_TOKENS, COLLECTIONS, VectorIndex
from api.wiring import Parts, opened
from judge.similarity import vector
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit
from tests.api.similarity.test_vectors import Words
from tests.unit.similarity.programs import program, renamed

START_S = 60.0


class Server:
    """`chroma run` with a port and a directory of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self._run()
        until = time.monotonic() + START_S
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/api/v2/heartbeat")
                except httpx.TransportError:
                    assert time.monotonic() < until, "chroma does not start"
                    await asyncio.sleep(0.1)
                else:
                    return

    def _run(self) -> None:
        words = ["run", "--host", "127.0.0.1", "--port", str(self.port), "--path", str(self.place)]
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("chroma"), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "chroma-server")
    await made.start()
    yield made
    made.kill()


@pytest.fixture
async def remote(settings: Settings, parts: Parts, server: Server) -> AsyncIterator[Parts]:
    """Return parts whose vectors are on the server."""
    where = {"chroma_host": "127.0.0.1", "chroma_port": server.port}
    async with opened(settings.model_copy(update=where), application="tests") as held:
        yield held


def _nothing(server: Server) -> None:
    assert server.place.exists()


def _delete(server: Server) -> None:
    shutil.rmtree(server.place)


def _drop_graphs(server: Server) -> None:
    for each in (path for path in server.place.iterdir() if path.is_dir()):
        shutil.rmtree(each)
    (server.place / "chroma.sqlite3").unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "whole"),
    [(_nothing, True), (_delete, False), (_drop_graphs, False)],
    ids=["left alone", "deleted", "database lost"],
)
async def test_a_server_that_was_away_is_looked_through_and_made_up_for(
    remote: Parts, submit: Submit, server: Server, harm: Callable[[Server], None], *, whole: bool
) -> None:
    """What comes in meanwhile is compared by the archive, and by vectors when they are back."""
    asked = await submit(ORIGINAL)
    for source in (COPY, *map(program, range(2, 8))):
        await submit(source)
    kept = Keeper(remote, Embeds(remote, Words()))
    await kept.open()
    await kept.sweep()
    (one,) = await kept.fingerprints.kept([asked])
    copies = await kept.embeds.candidates(vector(one.fingerprint), 3)
    meant = [each for each, _ in await kept.embeds.alike(asked)]
    assert str(asked) in copies
    assert kept.embeds.away is None

    server.kill()
    harm(server)
    late = await submit(renamed(COPY))
    await kept.take([late])
    await kept.recover()
    assert kept.embeds.away
    assert "is ChromaDB up" in kept.embeds.away
    assert await kept.embeds.candidates(vector(one.fingerprint), 3) == []
    async with remote.sessions() as session:
        assert await session.scalar(
            select(SimilarityFingerprint.submission_id).where(
                SimilarityFingerprint.submission_id == late
            )
        )

    await server.start()
    await kept.recover()
    assert kept.embeds.away is None
    # The late one's vector went to PostgreSQL only: that alone makes the index stale.
    assert kept.embeds.rebuilt
    assert ("vectors of" in kept.embeds.rebuilt) is whole, kept.embeds.rebuilt
    near = await kept.embeds.candidates(vector(one.fingerprint), 4)
    assert set(copies) <= {*near}
    assert str(late) in near
    assert {*meant} <= {each for each, _ in await kept.embeds.alike(asked)}
    assert kept._waiting == {late}
    await kept.close()


@pytest.mark.slow
async def test_vectors_lost_while_in_use_are_noticed_and_a_server_may_be_away_at_the_start(
    remote: Parts, submit: Submit, server: Server
) -> None:
    """Each sweep counts them; a process that starts without its server works all the same."""
    one, other = await submit(ORIGINAL), await submit(COPY)
    kept = Keeper(remote, Embeds(remote, Words()))
    await kept.open()
    await kept.sweep()
    hand = VectorIndex(remote.settings)
    hand.open()
    hand._client.delete_collection(CODE_TOKENS)
    await kept.sweep()
    assert kept.embeds.away
    assert CODE_TOKENS in kept.embeds.away
    await kept.recover()
    assert hand.count(CODE_TOKENS) == 2
    hand._client.delete_collection(CODE_TOKENS)
    hand.make(CODE_TOKENS, "hashed@0")
    await kept.sweep()
    assert kept.embeds.away
    assert "0 vectors of 2" in kept.embeds.away
    await kept.close()

    server.kill()
    again = Keeper(remote, Embeds(remote, Words()))
    await again.open()
    assert again.embeds.away
    async with remote.sessions() as session:
        job = await jobs.enqueue(session, remote.settings, REBUILD, {}, owner_id=None)
        await session.commit()
    await JobRunner(remote, again.handlers, worker=one, slots=1).look(JobLane.LONG)
    async with remote.sessions() as session:
        held = await session.get_one(Job, job.id)
        assert held.state is JobState.QUEUED, "it is tried again"
    await server.start()
    await again.recover()
    assert again.embeds.away is None
    assert all(hand.count(each) for each in COLLECTIONS[:2])
    assert [each for each, _ in await again.embeds.alike(one)] == [other]
    await again.close()
    hand.close()


def test_a_model_that_cannot_be_loaded_says_so_and_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child tells why; the parent asks it no more until some time has passed."""
    monkeypatch.setattr(embedding, "available", lambda _: None)
    model = ModelProcess("/nowhere")
    assert model.name.startswith("/nowhere@")
    with pytest.raises(ModelAwayError, match="Error: "):
        model.embed(["a"])
    with pytest.raises(ModelAwayError, match="a moment ago"):
        model.embed(["a"])
    model.close()
