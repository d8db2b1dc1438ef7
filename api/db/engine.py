"""Connections to PostgreSQL: the pool's bounds come from the settings, nothing else here does."""

import time
from typing import Any

from asyncpg import InternalClientError
from pydantic_core import from_json
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from api.settings import Settings

Sessions = async_sessionmaker[AsyncSession]
# What work with a server raises that is away, restarting or full; anything else is a bug.
AWAY = (OperationalError, InterfaceError, PoolTimeoutError, OSError)
# Connections that broke, resources that ran out, servers that start or stop (57P01, 57P03…).
_AWAY_STATES = ("08", "53", "57P")
# A connection that was in use so lately is not asked whether it lives: three round trips.
UNASKED_S = 1.0


def engine(settings: Settings, *, application: str) -> AsyncEngine:
    """Return an engine; `application` is what `pg_stat_activity` shows."""
    made = create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_min,
        max_overflow=settings.database_pool_max - settings.database_pool_min,
        pool_recycle=settings.database_idle_s,
        pool_timeout=settings.database_pool_timeout_s,
        # A page of a board is a hundred documents; this reads them in a third of the time.
        json_deserializer=from_json,
        # Messages of errors are logged, and parameters are sources, hashes of passwords, secrets.
        hide_parameters=True,
        connect_args={
            "timeout": settings.database_connect_timeout_s,
            "command_timeout": 60,
            "server_settings": {
                "application_name": application,
                "search_path": "public",
                "timezone": "UTC",
                # Worth it for reports of minutes; we ask for little, often.
                "jit": "off",
            },
        },
    )
    event.listen(made.sync_engine, "handle_error", _told_away)
    _lend_only_living(made)
    return made


def _lend_only_living(made: AsyncEngine) -> None:
    """Let the pool give out no connection that broke since it was last used.

    The driver knows of a goodbye and of a closed socket; a network that swallows everything is
    found by asking whoever was idle for a while. What breaks later breaks the statement.
    """

    def returned(_: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def taken(connection: Any, record: Any, _: Any) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        used = record.info.get("used")
        if used is None or time.monotonic() - used < UNASKED_S:
            return
        try:
            made.dialect.do_ping(connection)
        except made.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(made.sync_engine.pool, "checkin", returned)
    event.listen(made.sync_engine.pool, "checkout", taken)


def _told_away(context: ExceptionContext) -> None:
    """Raise what all drivers raise for a server that is away: asyncpg's has no class of its own."""
    error = context.original_exception
    state = getattr(error, "sqlstate", None) or ""
    # The server said goodbye on an idle connection, and the driver trips over it at its next use.
    tripped = isinstance(error.__cause__, InternalClientError)
    if tripped:
        context.is_disconnect = True
    if isinstance(context.sqlalchemy_exception, AWAY):
        return
    if tripped or state.startswith(_AWAY_STATES):
        raise OperationalError(None, None, error)


def sessions(bound: AsyncEngine) -> Sessions:
    """Return the factory of sessions; objects stay readable after a commit."""
    return async_sessionmaker(bound, expire_on_commit=False)
