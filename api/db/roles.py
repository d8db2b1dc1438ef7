"""The two database roles: the service reads and writes, people who look may only read.

Run as the owner of the database, after the first migration; running it again changes nothing.
Tables that later migrations make are covered as long as the same owner makes them.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from api.db.base import SCHEMA

READ_WRITE = "codebattle_rw"
READ_ONLY = "codebattle_ro"
# Passwords, tokens, secrets and sources, also those tried in jobs, are not for people who only
# look.
WITHHELD = ("accounts", "tokens", "webhook_endpoints", "submission_files", "jobs")

SCRIPT = f"""
DO $$ BEGIN CREATE ROLE {READ_WRITE} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE {READ_ONLY} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;
GRANT USAGE ON SCHEMA {SCHEMA} TO {READ_WRITE}, {READ_ONLY};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {READ_WRITE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {READ_WRITE};
REVOKE UPDATE, DELETE ON {SCHEMA}.audit_log FROM {READ_WRITE};
GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {READ_ONLY};
REVOKE ALL ON {", ".join(f"{SCHEMA}.{table}" for table in WITHHELD)} FROM {READ_ONLY};
ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA}
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {READ_WRITE};
ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT USAGE, SELECT ON SEQUENCES TO {READ_WRITE};
ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {READ_ONLY};
""".strip()  # noqa: S608 - every name is a constant of ours


async def create(url: str, *, login: str = "", password: str = "") -> None:
    """Create the roles and grant them what they need; `login` is a user who gets the first."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            for statement in _statements():
                await connection.execute(text(statement))
            if login:
                await _let_in(connection, login, password)
    finally:
        await engine.dispose()


async def _let_in(connection: AsyncConnection, login: str, password: str) -> None:
    """Make a user of the service, or give the one there is this password."""
    known = await connection.scalar(
        text("SELECT 1 FROM pg_roles WHERE rolname = :login"), {"login": login}
    )
    # A utility statement takes no parameters: the server quotes what goes into it.
    for form in (
        "ALTER ROLE %1$I LOGIN PASSWORD %2$L" if known else "CREATE ROLE %1$I LOGIN PASSWORD %2$L",
        f"GRANT {READ_WRITE} TO %1$I",
    ):
        statement = await connection.scalar(
            text("SELECT format(:form, CAST(:login AS text), CAST(:password AS text))"),
            {"form": form, "login": login, "password": password},
        )
        await connection.exec_driver_sql(str(statement))


def _statements() -> list[str]:
    """Split the script: asyncpg takes one statement at a time."""
    whole: list[str] = []
    for line in SCRIPT.splitlines():
        if whole and not whole[-1].endswith(";"):
            whole[-1] += "\n" + line
        else:
            whole.append(line)
    return whole
