"""The schema: up, down, up again, equal to the models; triggers, constraints and roles."""

from contextlib import aclosing
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, make_url, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from api.auth import CurrentUser, Role
from api.db import migrating, roles
from api.db.models import Blob, CodeProblem, Queue, Visibility
from api.problems.service import Imported
from api.settings import Settings
from api.submissions import claiming, storing
from api.submissions.desk import Desk
from api.submissions.schemas import NewSubmission
from api.wiring import Parts, opened
from judge.results import Judgement
from judge.verdicts import Verdict
from tests.api.conftest import PROBLEMS, imported


async def test_models_are_what_the_migrations_make(empty_database: str) -> None:
    """Nobody changed a model without a migration, or the other way round."""
    await migrating.upgrade(empty_database)

    assert await migrating.differences(empty_database) == []


@pytest.mark.slow
async def test_every_step_down_and_up_again(empty_database: str) -> None:
    """Each step can be undone, down to nothing, and taken again."""
    await migrating.upgrade(empty_database)
    before = await migrating.status(empty_database)
    while (await migrating.status(empty_database)).current is not None:
        await migrating.downgrade(empty_database, "-1")

    nothing = await migrating.status(empty_database)
    await migrating.upgrade(empty_database)

    assert nothing.pending
    assert await migrating.status(empty_database) == before
    assert before.current == before.head


async def test_updated_at_follows_updates(parts: Parts) -> None:
    """A trigger keeps `updated_at`, whoever writes."""
    async with parts.sessions() as session:
        row = CodeProblem(slug="a", title="A", visibility=Visibility.PUBLIC)
        session.add(row)
        await session.commit()
        await session.refresh(row)
        before = row.updated_at
        await session.commit()
        await session.execute(update(CodeProblem).values(title="B"))
        await session.commit()
        await session.refresh(row)

        assert row.updated_at > before


async def test_constraints_carry_names(parts: Parts) -> None:
    """An error of the database names the rule that was broken."""
    async with parts.sessions() as session:
        with pytest.raises(IntegrityError, match="ck_blobs_sha256"):
            await session.execute(insert(Blob).values(sha256="x", size_bytes=1, media_type="a/b"))


async def test_readers_see_problems_but_no_secrets(database: str, parts: Parts) -> None:
    """The reading role reads problems, and neither sources nor passwords; it writes nothing."""
    await roles.create(database)
    await roles.create(database)
    async with parts.sessions() as session:
        await session.execute(text(f"SET ROLE {roles.READ_ONLY}"))
        await session.execute(select(CodeProblem.id))
        for statement in (
            "SELECT 1 FROM codebattle.accounts",
            "SELECT 1 FROM codebattle.submission_files",
            "DELETE FROM codebattle.code_problems",
        ):
            await session.execute(text("SAVEPOINT before"))
            with pytest.raises(Exception, match="permission denied"):
                await session.execute(text(statement))
            await session.execute(text("ROLLBACK TO before"))


@pytest.mark.slow
@pytest.mark.long(20)
async def test_every_step_down_and_up_again_with_rows_in_it(filled: Parts) -> None:
    """What a step does not make or drop is as it was before."""
    url = filled.settings.database_url.get_secret_value()
    tables = ("code_problems", "test_cases", "code_submissions", "judgings", "blobs")
    before = await _rows(filled, tables)
    first = (await migrating.status(url)).head
    while True:
        await filled.engine.dispose()
        await migrating.downgrade(url, "-1")
        current = (await migrating.status(url)).current
        if current is None:
            break
        assert await _rows(filled, tables) == before
        first = current
        await filled.engine.dispose()
        await migrating.upgrade(url)
        assert await _rows(filled, tables) == before
        await filled.engine.dispose()
        await migrating.downgrade(url, first)
    await migrating.upgrade(url)

    assert await migrating.differences(url) == []


async def _rows(parts: Parts, tables: tuple[str, ...]) -> dict[str, int]:
    async with parts.sessions() as session:
        return {
            name: await session.scalar(text(f"SELECT count(*) FROM codebattle.{name}")) or 0
            for name in tables
        }


@pytest.fixture
async def filled(parts: Parts, hello: Imported) -> Parts:
    """Return a service with a problem and a submission."""
    await _submit(parts)
    return parts


async def _submit(parts: Parts) -> None:
    new = NewSubmission(problem="hello", language="python3", source="print()")
    author = CurrentUser(id=uuid4(), roles=frozenset({Role.AUTHOR}))
    async with aclosing(Desk(parts)) as desk:
        await desk.take(author, new, key=None, request_id="test", peer="")


async def test_the_service_needs_no_more_than_its_role(database: str, settings: Settings) -> None:
    """A user with the role imports, submits, claims and stores, and cannot rewrite the audit."""
    name, password = f"service_{uuid4().hex[:8]}", 'it\'s "quoted" %s :x'
    for _ in range(2):
        await roles.create(database, login=name, password=password)
    url = make_url(database).set(username=name, password=password)
    address = SecretStr(url.render_as_string(hide_password=False))
    chosen = settings.model_copy(update={"database_url": address})
    try:
        async with opened(chosen, application="tests") as parts:
            await imported(parts, PROBLEMS / "hello")
            await _submit(parts)
            async with parts.sessions() as session:
                claimed = await claiming.claim(session, uuid4(), lease_s=5, queues=list(Queue))
                assert claimed is not None
                judged = Judgement(problem="hello", verdict=Verdict.AC, language="python3")
                assert (await storing.store(session, claimed, judged, told={})).stored
            for statement in ("DELETE FROM codebattle.audit_log", "DROP TABLE codebattle.runs"):
                async with parts.sessions() as session:
                    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                        await session.execute(text(statement))
    finally:
        async with opened(settings, application="tests") as parts, parts.sessions() as session:
            await session.execute(text(f"DROP ROLE {name}"))
            await session.commit()
