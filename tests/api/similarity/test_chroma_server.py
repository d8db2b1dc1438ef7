"""The vector index on a real ChromaDB server: away, emptied or damaged, it costs no answer."""

import shutil
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from api.db.models import Compared, Job, JobLane, JobState, SimilarityFingerprint
from api.jobs import service as jobs
from api.jobs.running import JobRunner
from api.similarity import embedding
from api.similarity.embeds import Embeds
from api.similarity.keeper import REBUILD, Keeper
from api.similarity.modelling import ModelAwayError, ModelProcess
from api.similarity.vectors import CODE_TOKENS, COLLECTIONS, VectorIndex
from api.wiring import Parts
from judge.similarity import vector
from tests.api.similarity.chroma import Server
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit
from tests.api.similarity.test_vectors import Words
from tests.unit.similarity.programs import program, renamed


def _nothing(server: Server) -> None:
    assert server.place.exists()


def _delete(server: Server) -> None:
    shutil.rmtree(server.place)


def _drop_graphs(server: Server) -> None:
    for each in (path for path in server.place.iterdir() if path.is_dir()):
        shutil.rmtree(each)
    (server.place / "chroma.sqlite3").unlink()


async def _compared(parts: Parts, one: UUID) -> Compared | None:
    async with parts.sessions() as session:
        return await session.scalar(
            select(SimilarityFingerprint.compared).where(SimilarityFingerprint.submission_id == one)
        )


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
    assert await _compared(remote, late) is Compared.TOKENS

    await server.start()
    if whole:
        # As after a restart: that there is something to make up for is in PostgreSQL.
        await kept.close()
        kept = Keeper(remote, Embeds(remote, Words()))
        await kept.open()
        await kept.sweep()
    else:
        await kept.recover()
    assert await _compared(remote, late) is Compared.ALL
    assert kept.embeds.away is None
    # The late one's vector went to PostgreSQL only: that alone makes the index stale.
    assert kept.embeds.rebuilt
    assert ("vectors of" in kept.embeds.rebuilt) is whole, kept.embeds.rebuilt
    near = await kept.embeds.candidates(vector(one.fingerprint), 4)
    assert set(copies) <= {*near}
    assert str(late) in near
    assert {*meant} <= {each for each, _ in await kept.embeds.alike(asked)}
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
