"""What is judged is compared with the archive; its index may be lost at any time."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select

from api import similarity_worker
from api.auth import Role
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    SimilarityFingerprint,
    SimilarityStatement,
    Visibility,
)
from api.problems.service import Imported
from api.similarity.archive import Archive
from api.similarity.keeper import Keeper
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, ClientFor, imported
from tests.api.similarity.conftest import COPY, ORIGINAL, Submit
from tests.unit.similarity.programs import program

pytestmark = pytest.mark.slow


async def test_what_is_close_is_found_across_problems(
    client_for: ClientFor, kept: Keeper, submit: Submit, parts: Parts
) -> None:
    """A later submission finds the earlier one, and both are told of each other, not of oneself."""
    wheel = await imported(parts, PROBLEMS / "wheel")
    author = uuid4()
    one = await submit(ORIGINAL, user=author, problem=wheel)
    mine = await submit(ORIGINAL, user=author)
    for seed in range(2, 8):
        await submit(program(seed))
    await kept.sweep()
    other, short = await submit(COPY), await submit("print(1)\n")
    reviewer = client_for(Role.REVIEWER)
    before = (await reviewer.get(f"/v1/submissions/{other}/similar")).json()
    swept = await kept.sweep()
    found = {
        each: (await reviewer.get(f"/v1/submissions/{each}/similar")).json()
        for each in (one, mine, other, short)
    }

    def near(of: UUID) -> set[str]:
        return {each["submission_id"] for each in found[of]["items"] if each["score"] > 0.6}

    assert (before["compared"], swept) == (False, 2)
    assert near(other) == {str(one), str(mine)}
    assert near(one) == near(mine) == {str(other)}
    assert found[other]["items"][0]["kind"] == "tokens"
    assert (found[short]["too_short"], found[short]["items"]) == (True, [])


def _delete(path: Path) -> None:
    path.unlink()


def _damage(path: Path) -> None:
    stored = bytearray(path.read_bytes())
    stored[len(stored) // 2] ^= 0xFF
    path.write_bytes(stored)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _leave(path: Path) -> None:
    assert path.exists()


@pytest.mark.parametrize(
    ("harm", "usable"), [(_leave, True), (_delete, False), (_damage, False), (_truncate, False)]
)
async def test_an_index_that_is_lost_or_damaged_is_made_anew(
    kept: Keeper, submit: Submit, parts: Parts, harm: Callable[[Path], None], *, usable: bool
) -> None:
    """Whatever became of its file, answers are the same."""
    asked = await submit(ORIGINAL)
    for source in (COPY, *map(program, range(2, 8))):
        await submit(source)
    await kept.sweep()
    (one,) = await kept.fingerprints.kept([asked])
    before = await kept.archive.search(one)
    harm(parts.settings.similarity_dir / "index.bin")
    again = Archive(parts, kept.fingerprints)

    assert await again.open() is usable
    assert len(again) == 8
    assert await again.search(one) == before
    assert before[0].score > 0.6


async def test_the_process_hears_what_was_judged(parts: Parts, submit: Submit) -> None:
    """A ring through the queue of its own is enough; and of two processes one works."""
    stop = asyncio.Event()
    first = asyncio.create_task(similarity_worker.work(parts, stop))
    second = asyncio.create_task(similarity_worker.work(parts, stop))
    try:
        async with asyncio.timeout(20):
            while not await _owned(parts):
                await asyncio.sleep(0.02)
            # Only now: the first sweep must not be what finds it.
            await asyncio.sleep(0.3)
            one = await submit(ORIGINAL)
            parts.bell.judged(one)
            while not await _count(parts):
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(first, second)


async def _owned(parts: Parts) -> Any:
    from sqlalchemy import text

    async with parts.sessions() as session:
        return await session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype='advisory'"))


async def _count(parts: Parts) -> int:
    async with parts.sessions() as session:
        return await session.scalar(select(func.count()).select_from(SimilarityFingerprint)) or 0


async def test_statements_that_say_the_same_are_found(
    client_for: ClientFor, kept: Keeper, hello: Imported, parts: Parts, tmp_path: Path
) -> None:
    """A copy of a problem under another name is told first."""
    await imported(parts, PROBLEMS / "wheel")
    shutil.copytree(PROBLEMS / "hello", tmp_path / "greeting")
    await imported(parts, tmp_path / "greeting")
    await kept.sweep()
    await imported(parts, PROBLEMS / "busiest", visibility=Visibility.HIDDEN)
    await kept.sweep()
    said = (await client_for(Role.REVIEWER).get("/v1/problems/hello/similar")).json()

    assert said["problem_id"] == str(hello.problem_id)
    assert said["model"] == "words"
    assert (said["items"][0]["slug"], said["items"][0]["score"]) == ("greeting", 1.0)
    assert [each["near_duplicate"] for each in said["items"]] == [True, False, False]
    assert (await client_for().get("/v1/problems/hello/similar")).status_code == 403

    async with parts.sessions() as session:
        problem = await session.get_one(CodeProblem, hello.problem_id)
        problem.owner_id = author = uuid4()
        await session.commit()
    theirs = client_for(Role.AUTHOR, user_id=author)
    own = (await theirs.get("/v1/problems/hello/similar")).json()
    # Nothing of what is hidden from them.
    assert {each["slug"] for each in own["items"]} == {"greeting", "wheel"}
    assert (await theirs.get("/v1/problems/wheel/similar")).status_code == 403


async def test_an_author_is_warned_of_a_statement_that_is_there_already(
    client_for: ClientFor, kept: Keeper, hello: Imported, parts: Parts, tmp_path: Path
) -> None:
    """As a finding of the version, once the statement was read; of nothing that is hidden."""
    author, other = uuid4(), uuid4()
    sets = [
        ("hidden", other, Visibility.HIDDEN),
        ("mine", author, Visibility.HIDDEN),
        ("greeting", author, Visibility.PUBLIC),
    ]
    for slug, owner, visibility in sets:
        shutil.copytree(PROBLEMS / "hello", tmp_path / slug)
        await imported(parts, tmp_path / slug, owner_id=owner, visibility=visibility)
        await kept.sweep()
    await imported(parts, PROBLEMS / "wheel", owner_id=author)
    await kept.sweep()
    theirs = client_for(Role.AUTHOR, user_id=author)

    async def warned(slug: str) -> list[str]:
        said = await theirs.get(f"/v1/problems/{slug}/versions")
        assert said.status_code == 200, said.text
        found = said.json()["items"][0]["findings"]
        return [each["text"] for each in found if each["severity"] == "warning"]

    nearly = "the statement is nearly that of "
    assert await warned("greeting") == [f"{nearly}hello", f"{nearly}mine"]
    assert await warned("mine") == [f"{nearly}hello"]
    assert await warned("wheel") == []
    async with parts.sessions() as session:
        first = await session.get_one(CodeProblemVersion, hello.version_id)
        hidden = await session.scalar(
            select(CodeProblemVersion.findings)
            .join(CodeProblem, CodeProblem.current_version_id == CodeProblemVersion.id)
            .where(CodeProblem.slug == "hidden")
        )
        assert first.findings == []
        assert [each["text"] for each in hidden or []] == [f"{nearly}hello"]
        # Another model, or the same one again, says nothing twice.
        await session.execute(delete(SimilarityStatement))
        await session.commit()
    await kept.sweep()
    assert sorted(await warned("greeting")) == [f"{nearly}hello", f"{nearly}mine"]
