"""One connection that is kept for statements asked for all the time, without SQLAlchemy's layers.

It comes from the engine, so address, bounds and session settings are the same, and it is made
anew once it is lost.
"""

from typing import cast

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

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


class Direct:
    """A connection of one user: no two statements may be under way at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: AsyncConnection | None = None

    async def connection(self) -> asyncpg.Connection:
        """Return the connection, a new one if there is none that works."""
        if self._held is not None:
            driver = await self._driver(self._held)
            if not driver.is_closed():
                return driver
            await self.drop()
        self._held = await self._engine.connect()
        return await self._driver(self._held)

    async def drop(self) -> None:
        """Let the connection go, whatever state it is in."""
        held, self._held = self._held, None
        if held is not None:
            await held.invalidate()
            await held.close()

    async def _driver(self, held: AsyncConnection) -> asyncpg.Connection:
        raw = await held.get_raw_connection()
        return cast("asyncpg.Connection", raw.driver_connection)
