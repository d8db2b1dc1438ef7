"""The schema: up, down, up again, equal to the models; triggers, constraints and roles."""

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from api.db import migrating, roles
from api.db.models import Blob, CodeProblem, Visibility
from api.wiring import Parts


async def test_models_are_what_the_migrations_make(empty_database: str) -> None:
    """Nobody changed a model without a migration, or the other way round."""
    await migrating.upgrade(empty_database)

    assert await migrating.differences(empty_database) == []


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
