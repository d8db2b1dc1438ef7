"""Straight to the driver, without SQLAlchemy's layers: for what is asked all the time, or much of.

`Direct` is one connection that is kept for statements asked for all the time. It comes from the
engine, so address, bounds and session settings are the same, and it is made anew once it is lost.
`ask` and `copy` do it inside the transaction of a session, `look` and `look_through` read without
one. They raise what a session raises: nobody who calls them knows which way a statement takes.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

# What a database that is away, restarting or overloaded raises; anything else is about the data.
AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    # A statement begun in the moment between the server's goodbye and the end of the connection.
    asyncpg.InternalClientError,
    SQLAlchemyError,
    OSError,
    TimeoutError,
)


async def copy(
    session: AsyncSession, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add many rows; the session's transaction has begun, with any statement before."""
    _, driver = await session.run_sync(_of)
    async with _as_sessions_raise(session, driver):
        await driver.copy_records_to_table(
            table.name, schema_name=table.schema, columns=list(columns), records=rows
        )


async def ask(session: AsyncSession, statement: str, *values: Any) -> Any:
    """Return the one value a statement gives, its parameters $1 and so on."""
    _, driver = await session.run_sync(_of)
    if not driver.is_in_transaction():
        # A session begins its transaction with the first statement that it knows of.
        first = await (await session.connection()).exec_driver_sql(statement, values)
        return first.scalar() if first.returns_rows else None
    async with _as_sessions_raise(session, driver):
        return await driver.fetchval(statement, *values)


async def look(session: AsyncSession, statement: str, *values: Any) -> Any:
    """Return the one value of a statement that reads, and stands for itself.

    It begins no transaction, so it costs one round trip and not three, unless the session's is to
    see one moment; in one that has begun it sees what that sees.
    """
    one_moment, driver = await session.run_sync(_of)
    if one_moment:
        return await ask(session, statement, *values)
    async with _as_sessions_raise(session, driver):
        return await driver.fetchval(statement, *values)


async def look_through(
    session: AsyncSession, statement: str, *values: Any
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a statement that reads, and stands for itself, as `look` does."""
    one_moment, driver = await session.run_sync(_of)
    if one_moment:
        found = await (await session.connection()).exec_driver_sql(statement, values)
        return [dict(each) for each in found.mappings()]
    async with _as_sessions_raise(session, driver):
        return cast("Sequence[Mapping[str, Any]]", await driver.fetch(statement, *values))


@asynccontextmanager
async def _as_sessions_raise(
    session: AsyncSession, driver: asyncpg.Connection
) -> AsyncIterator[None]:
    try:
        yield
    except AWAY as error:
        if driver.is_closed():
            # Or the session fails once more when it takes back what the server has forgotten.
            await (await session.connection()).invalidate()
        raise OperationalError(None, None, error) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(None, None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError(None, None, error) from error


def _of(session: Session) -> tuple[bool, asyncpg.Connection]:
    """Return whether all statements of a session's transaction see one moment, and its driver."""
    held = session.connection()
    one_moment = "isolation_level" in held.get_execution_options()
    return one_moment, cast("asyncpg.Connection", held.connection.driver_connection)


async def _driver(held: AsyncConnection) -> asyncpg.Connection:
    raw = await held.get_raw_connection()
    return cast("asyncpg.Connection", raw.driver_connection)


async def begun(session: AsyncSession) -> bool:
    """Tell whether a session's transaction has begun at the database."""
    _, driver = await session.run_sync(_of)
    return driver.is_in_transaction()


class Direct:
    """A connection of one user: no two statements may be under way at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: AsyncConnection | None = None

    async def connection(self) -> asyncpg.Connection:
        """Return the connection, a new one if there is none that works."""
        if self._held is not None:
            driver = await _driver(self._held)
            if not driver.is_closed():
                return driver
            await self.drop()
        self._held = await self._engine.connect()
        return await _driver(self._held)

    async def drop(self) -> None:
        """Let the connection go, whatever state it is in."""
        held, self._held = self._held, None
        if held is not None:
            await held.invalidate()
            await held.close()
