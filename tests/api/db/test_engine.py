"""What the database driver says, and what callers are told."""

from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from api.db import direct, engine
from api.wiring import Parts


@pytest.mark.parametrize(
    ("said", "away"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"), True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), True),
        (asyncpg.InternalClientError("cannot switch to state 12"), True),
        (asyncpg.UndefinedTableError("no such table"), False),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_server_that_is_away_is_one_error(said: Exception, *, away: bool) -> None:
    """Callers wait for it, and the API answers 503; everything else is a bug."""
    translated = DBAPIError(None, None, said)
    adapted = cast("Any", Exception("as SQLAlchemy's driver says it"))
    adapted.sqlstate = getattr(said, "sqlstate", None)
    adapted.__cause__ = said
    context = SimpleNamespace(
        original_exception=adapted, sqlalchemy_exception=translated, is_disconnect=False
    )
    raised = False
    try:
        engine._told_away(cast("Any", context))
    except OperationalError:
        raised = True

    assert raised == away


async def test_errors_do_not_show_what_was_stored(parts: Parts) -> None:
    """They are logged, and what is stored are people's programs."""
    with pytest.raises(DBAPIError) as caught:
        async with parts.sessions() as session:
            await session.execute(text("SELECT 1 FROM nowhere WHERE x = :x"), {"x": "my program"})

    assert "my program" not in str(caught.value)


@pytest.mark.parametrize("unasked_s", [engine.UNASKED_S, 0.0], ids=["used lately", "idle"])
async def test_a_connection_that_broke_in_the_pool_is_not_given_out(
    parts: Parts, database: str, monkeypatch: pytest.MonkeyPatch, unasked_s: float
) -> None:
    """A restart of the server costs those nothing who come after it."""
    monkeypatch.setattr(engine, "UNASKED_S", unasked_s)
    async with parts.sessions() as session:
        held = await session.scalar(text("SELECT pg_backend_pid()"))
    other = await asyncpg.connect(database.replace("+asyncpg", ""))
    assert await other.fetchval("SELECT pg_terminate_backend($1, 2000)", held)
    await other.close()

    async with parts.sessions() as session:
        assert await session.scalar(text("SELECT pg_backend_pid()")) != held


@pytest.mark.parametrize("how", ["asked first", "asked later", "looked"])
@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("SELECT 1 / 0", DBAPIError),
        (
            "INSERT INTO codebattle.event_unshown SELECT x, 1, x, x FROM gen_random_uuid() AS x",
            IntegrityError,
        ),
        ("SELECT pg_terminate_backend(pg_backend_pid())", OperationalError),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_what_goes_past_a_session_raises_what_it_would(
    parts: Parts, statement: str, raised: type[Exception], how: str
) -> None:
    """Workers try again what a session raises, and end with anything else."""

    async def tried() -> None:
        async with parts.sessions() as session:
            if how == "asked later":
                await session.execute(text("SELECT 1"))
            await (direct.look if how == "looked" else direct.ask)(session, statement)

    with pytest.raises(raised) as caught:
        await tried()

    assert type(caught.value) is raised
