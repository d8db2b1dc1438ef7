"""The PostgreSQL that benchmarks of boards measure on: one of their own, durable and migrated."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from api.db import migrating
from api.embedded import Postgres
from api.settings import Environment, Settings


@asynccontextmanager
async def durable(name: str) -> AsyncIterator[Settings]:
    """Start a PostgreSQL of its own with durable commits and a migrated database."""
    with tempfile.TemporaryDirectory(prefix=f"codebattle-{name}-") as place:
        postgres = Postgres(Path(place))
        await postgres.start()
        try:
            connection = await postgres.connect()
            await connection.execute("CREATE DATABASE board")
            await connection.close()
            url = postgres.url("board")
            await migrating.upgrade(url)
            yield Settings(environment=Environment.DEVELOPMENT, database_url=SecretStr(url))
        finally:
            await postgres.stop()
