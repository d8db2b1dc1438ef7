"""Connections to PostgreSQL: the pool's bounds come from the settings, nothing else here does."""

from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from api.settings import Settings

Sessions = async_sessionmaker[AsyncSession]


def engine(settings: Settings, *, application: str) -> AsyncEngine:
    """Return an engine; `application` is what `pg_stat_activity` shows."""
    return create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_min,
        max_overflow=settings.database_pool_max - settings.database_pool_min,
        pool_recycle=settings.database_idle_s,
        pool_timeout=settings.database_pool_timeout_s,
        pool_pre_ping=True,
        # Messages of errors are logged, and parameters are sources, hashes of passwords, secrets.
        hide_parameters=True,
        connect_args={
            "timeout": settings.database_connect_timeout_s,
            "command_timeout": 60,
            "server_settings": {
                "application_name": application,
                "search_path": "public",
                "timezone": "UTC",
            },
        },
    )


def sessions(bound: AsyncEngine) -> Sessions:
    """Return the factory of sessions; objects stay readable after a commit."""
    return async_sessionmaker(bound, expire_on_commit=False)
