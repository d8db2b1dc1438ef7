"""Counts and hashes of everything in our schema, to compare a copy with what it was made from."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.backups.manifest import Table
from api.db.base import SCHEMA

# The first 64 bits of each row's hash, added up: no sorting, no memory, any number of rows.
_HEX = "encode(sha256(convert_to(t::text, 'UTF8')), 'hex')"
_ROW = f"('x' || substr({_HEX}, 1, 16))::bit(64)::bigint"


async def tables(connection: AsyncConnection) -> dict[str, Table]:
    """Count and hash all tables."""
    # How a row looks as text must not depend on the session.
    for setting in ("timezone = 'UTC'", "datestyle = 'ISO'", "extra_float_digits = 1"):
        await connection.execute(text(f"SET LOCAL {setting}"))
    await connection.execute(text("SET LOCAL bytea_output = 'hex'"))
    names = await connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = :schema ORDER BY 1"),
        {"schema": SCHEMA},
    )
    found = {}
    for name in names.all():
        said = await connection.execute(
            text(f'SELECT count(*), coalesce(sum({_ROW}), 0)::text FROM {SCHEMA}."{name}" t')  # noqa: S608 - the catalogue's own names
        )
        rows, hashed = said.one()
        found[name] = Table(rows=rows, hash=hashed)
    return found


async def blobs(connection: AsyncConnection) -> dict[str, int]:
    """Return the sizes of all blobs by name."""
    said = await connection.execute(text(f"SELECT sha256, size_bytes FROM {SCHEMA}.blobs"))  # noqa: S608 - a constant
    return {row.sha256: row.size_bytes for row in said}


async def server_major(connection: AsyncConnection) -> int:
    """Return the server's version, as far as programs have to fit it."""
    number = await connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    return int(number or 0) // 10_000
