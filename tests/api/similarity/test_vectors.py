"""Vectors in a real ChromaDB: lost, damaged, stale or of another model, they are made anew."""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from chromadb.errors import NotFoundError
from sqlalchemy import func, select

from api.auth import Role
from api.db.models import JobLane, SimilarityEmbedding
from api.jobs.running import JobRunner
from api.similarity import keeper, statements, vectors
from api.similarity.chunks import chunks
from api.similarity.embedding import Vectors
from api.similarity.embeds import Embeds
from api.similarity.keeper import Keeper
from api.similarity.vectors import IndexAwayError
from api.wiring import Parts
from judge.similarity import vector
from tests.api.conftest import ClientFor
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit
from tests.unit.similarity.programs import program


class Words:
    """A model that needs no torch: hashed words of each text."""

    def __init__(self, name: str = "words@1") -> None:
        self.name = name

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a vector for each text."""
        return np.stack([statements.words(each) for each in texts])

    def close(self) -> None:
        """There is nothing to let go of."""


def _leave(place: Path) -> None:
    assert place.exists()


def _scribble(place: Path) -> None:
    """Overwrite the middle of every file."""
    for each in (path for path in place.rglob("*") if path.is_file()):
        size = each.stat().st_size
        with each.open("r+b") as opened:
            opened.seek(size // 4)
            opened.write(b"\xa5" * (size // 2))


def _drop_segments(place: Path) -> None:
    """Remove the graphs, as an index that was lost at a restart has."""
    with sqlite3.connect(place / "chroma.sqlite3") as connection:
        connection.execute("DELETE FROM embeddings_queue")
        connection.execute("DELETE FROM embeddings")
    for each in (path for path in place.iterdir() if path.is_dir()):
        shutil.rmtree(each)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "whole"),
    [(_leave, True), (shutil.rmtree, False), (_scribble, False), (_drop_segments, False)],
    ids=["left alone", "deleted", "damaged", "emptied"],
)
async def test_vectors_that_are_lost_are_made_anew(
    parts: Parts, submit: Submit, harm: Callable[[Path], None], *, whole: bool
) -> None:
    """A start notices, restores all from PostgreSQL, and answers as before."""
    asked = await submit(ORIGINAL)
    for source in (COPY, *map(program, range(2, 8))):
        await submit(source)
    first = Embeds(parts, Words())
    kept = Keeper(parts, first)
    await kept.open()
    await kept.sweep()
    (one,) = await kept.fingerprints.kept([asked])
    copies = await first.candidates(vector(one.fingerprint), 3)
    meant = await first.alike(asked)
    await kept.close()
    harm(parts.settings.similarity_dir / "chroma")

    again = Embeds(parts, Words())
    await again.open()
    try:
        assert (again.rebuilt is None) is whole, again.rebuilt
        assert await again.candidates(vector(one.fingerprint), 3) == copies
        assert [each for each, _ in await again.alike(asked)] == [each for each, _ in meant]
        assert str(asked) in copies
        assert meant[0][1] > 0.5
    finally:
        await again.close()


@pytest.mark.slow
async def test_another_model_embeds_all_again_in_a_job(
    parts: Parts, submit: Submit, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hints of a model are marked as such; vectors of two models never mix."""
    monkeypatch.setattr(keeper, "_AT_ONCE", 2)
    one, other = await submit(ORIGINAL), await submit(COPY)
    for seed in range(2, 6):
        await submit(program(seed))
    before = Keeper(parts, Embeds(parts, Words("words@1")))
    await before.open()
    await before.sweep()
    await before.close()
    after = Keeper(parts, Embeds(parts, Words("words@2")))
    await after.open()
    await after.sweep()
    runner = JobRunner(parts, after.handlers, worker=one, slots=1)
    await runner.look(JobLane.LONG)
    await after.close()
    async with parts.sessions() as session:
        rows = await session.execute(
            select(
                SimilarityEmbedding.model,
                func.count(SimilarityEmbedding.submission_id.distinct()),
            ).group_by(SimilarityEmbedding.model)
        )

        assert [tuple(each) for each in rows] == [("words@2", 6)]
    near = (await client_for(Role.REVIEWER).get(f"/v1/submissions/{one}/similar")).json()["items"]
    assert (near[0]["kind"], near[0]["submission_id"]) == ("tokens", str(other))


@pytest.mark.parametrize(
    ("raised", "away"),
    [
        (httpx.ReadTimeout("late"), True),
        (NotFoundError("no such collection"), True),
        # What the library makes of an answer that it cannot read.
        (Exception("<html>502</html>"), True),
        (ValueError("unequal lengths"), False),
        (KeyError("ids"), False),
        (TypeError("an argument too many"), False),
        (AttributeError("upserted"), False),
    ],
    ids=repr,
)
def test_only_what_an_index_says_that_is_away_is_taken_for_that(
    raised: Exception, *, away: bool
) -> None:
    """A mistake of ours is no reason to go on without vectors, quietly."""
    with pytest.raises(IndexAwayError if away else type(raised)), vectors._speaking():
        raise raised


def test_pieces_cover_a_program_in_whole_lines() -> None:
    """Comments go, lines are those of the file, each line is in some piece."""
    source = "# begin\n" + "".join(f"x{n} = {n} + y  # {n}\n\n" for n in range(100))
    found = chunks({"a.py": source.encode()}, "python3")
    covered = {n for each in found for n in range(each.first_line, each.last_line + 1)}

    assert len(found) > 5
    assert covered >= {2 + 2 * n for n in range(100)}
    assert not any("#" in each.text for each in found)
    assert chunks({"a.py": b"# nothing\n"}, "python3") == []
    # What one file begins ends with it.
    around = {"a.h": b"/*\n", "m.cpp": b"int main() { return 7; }\n", "z.h": b"*/\n"}
    assert any("main" in each.text for each in chunks(around, "cpp"))
