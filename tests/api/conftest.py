"""Real servers for the service's tests.

One PostgreSQL and one Redis per test process, without fsync; the schema is built once by the
migrations, in one of the processes, and every test gets a database that was copied from it and
holds nothing.
"""

import asyncio
import fcntl
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from httpx._config import create_ssl_context
from httpx._transports import asgi
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from api import logs
from api.app import create_app
from api.auth import Role, Scope, bearer
from api.db import migrating
from api.embedded import Postgres, Redis
from api.problems import archives, packing
from api.problems import service as problems
from api.settings import Environment, LogFormat, Settings
from api.wiring import Parts, opened
from judge.images import ROOT
from judge.problem import Problem

# It looks for trio on the disk at every request, and there is none.
asgi.create_event = asyncio.Event
TEMPLATE = "template_codebattle"
# What a test that changes the schema, a right or a trigger does not leave as it was.
SCHEMA = """
SELECT md5(
    (SELECT string_agg(format('%s %s %s', c.oid, relname, relacl), ',' ORDER BY c.oid)
        FROM pg_class AS c WHERE relnamespace = to_regnamespace('codebattle'))
    || (SELECT string_agg(xmin::text, ',' ORDER BY oid) FROM pg_trigger)
    || (SELECT string_agg(xmin::text, ',' ORDER BY oid) FROM pg_constraint)
    || (SELECT string_agg(xmin::text, ',' ORDER BY indexrelid) FROM pg_index)
    || (SELECT string_agg(xmin::text, ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384)
    || (SELECT string_agg(xmin::text, ',' ORDER BY attrelid, attnum)
        FROM pg_attribute WHERE attrelid >= 16384)
    || (SELECT version_num FROM codebattle.alembic_version)
)
"""
OTHERS_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Neither foreign keys nor triggers have a say in it.
EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'codebattle'::regnamespace AND relkind IN ('r', 'p')
            AND relname <> 'alembic_version'
    LOOP
        EXECUTE format('DELETE FROM codebattle.%I', name);
    END LOOP;
END $$;
"""
PROBLEMS = ROOT / "problems"


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Keep logs as short as production's."""
    logs.configure(form=LogFormat.JSON, level="WARNING")


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Let the engines of all tests share the statements that one of them has compiled.

    They are made by one function, so what their dialects make of a statement is the same.
    """
    kept: LRUCache[Any, Any] = LRUCache(5000)

    def made(*arguments: Any, **options: Any) -> AsyncEngine:
        engine = create_async_engine(*arguments, **options)
        engine.sync_engine._compiled_cache = kept
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.db.engine.create_async_engine", made)
        patch.setattr(PGDialect_asyncpg, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(PGDialect_asyncpg, "__hash__", lambda one: hash(type(one)))
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Let clients share what they trust: reading it is a thirtieth of a second for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(create_ssl_context))
        yield


@dataclass(slots=True)
class Servers:
    """What runs for the whole session. `start` and `stop` are coroutines on a loop of their own."""

    postgres: Postgres
    redis: Redis
    loop: asyncio.AbstractEventLoop
    # The database of this process's tests, until one has changed its schema.
    ready: "Ready | None" = None


@dataclass(slots=True, kw_only=True)
class Ready:
    """A migrated database, and the connection that empties it.

    A new one would first read the catalogue anew, which costs four times as much as emptying.
    """

    name: str
    schema: str
    emptying: asyncpg.Connection


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start both servers once; they outlive the event loops of single tests."""
    root = tmp_path_factory.mktemp("servers")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    loop = asyncio.new_event_loop()
    held = Servers(Postgres(root / "postgres", durable=False), Redis(root / "redis"), loop)
    try:
        held.postgres.root.mkdir()
        migrated = loop.run_until_complete(_migrated(shared))
        # With their owner, who is not always root.
        subprocess.run(["cp", "-a", migrated, held.postgres.data], check=True)
        loop.run_until_complete(_start(held))
        yield held
    finally:
        loop.run_until_complete(_stop(held))
        loop.close()


async def _migrated(shared: Path) -> Path:
    """Return the data of a stopped server with the template; one test process makes it for all."""
    made = Postgres(shared / "migrated", durable=False)
    done = shared / "migrated.done"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            await made.start()
            try:
                await _administer(made, f"CREATE DATABASE {TEMPLATE}")
                await migrating.upgrade(made.url(TEMPLATE))
            finally:
                await made.stop()
            done.touch()
    return made.data


async def _start(held: Servers) -> None:
    await asyncio.gather(held.postgres.start(), held.redis.start())


async def _stop(held: Servers) -> None:
    if held.ready is not None:
        await held.ready.emptying.close()
    await asyncio.gather(held.postgres.stop(), held.redis.stop())


async def _administer(postgres: Postgres, *statements: str) -> None:
    connection = await postgres.connect()
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def empty_database(servers: Servers) -> AsyncIterator[str]:
    """Return the address of a database without any schema."""
    async with _database(servers, None) as url:
        yield url


@pytest.fixture
def database(servers: Servers) -> Iterator[str]:
    """Return the address of a migrated database with nothing in it."""
    if servers.ready is None:
        servers.ready = servers.loop.run_until_complete(_made_ready(servers))
    yield servers.postgres.url(servers.ready.name)
    if not servers.loop.run_until_complete(_emptied(servers, servers.ready)):
        name, servers.ready = servers.ready.name, None
        dropped = _administer(servers.postgres, f"DROP DATABASE {name} WITH (FORCE)")
        servers.loop.run_until_complete(dropped)


async def _made_ready(servers: Servers) -> Ready:
    name = await _create(servers, TEMPLATE)
    connection = await servers.postgres.connect(name)
    schema = await connection.fetchval(SCHEMA)
    return Ready(name=name, schema=schema, emptying=connection)


async def _emptied(servers: Servers, ready: Ready) -> bool:
    """Take all rows away; where the schema is another by now, only close the connection."""
    try:
        await ready.emptying.execute(OTHERS_OUT)
    except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError):
        # A test ended every session, this one too.
        ready.emptying.terminate()
        ready.emptying = await servers.postgres.connect(ready.name)
        await ready.emptying.execute(OTHERS_OUT)
    # Emptying is ten times as fast as copying the template again.
    if await ready.emptying.fetchval(SCHEMA) == ready.schema:
        await ready.emptying.execute(EMPTY)
        return True
    await ready.emptying.close()
    return False


@asynccontextmanager
async def _database(servers: Servers, template: str | None) -> AsyncIterator[str]:
    name = await _create(servers, template)
    yield servers.postgres.url(name)
    await _administer(servers.postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def _create(servers: Servers, template: str | None) -> str:
    name = f"test_{uuid4().hex}"
    source = f" TEMPLATE {template} STRATEGY file_copy" if template else ""
    await _administer(servers.postgres, f"CREATE DATABASE {name}{source}")
    return name


@pytest.fixture
async def settings(database: str, servers: Servers, tmp_path: Path) -> Settings:
    """Return settings that point at this test's parts; change them with `model_copy`."""
    return _tests_settings().model_copy(
        update={
            "data_dir": tmp_path / "data",
            "database_url": SecretStr(database),
            "redis_url": SecretStr(servers.redis.url),
        }
    )


@cache
def _tests_settings() -> Settings:
    # Once: to look for each of them in the environment takes longer than many a test.
    return Settings(
        environment=Environment.DEVELOPMENT,
        database_pool_min=1,
        database_pool_max=10,
        drain_s=10,
    )


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    """Return the service's parts, Redis emptied."""
    async with opened(settings, application="tests") as held:
        await held.redis.flushall()
        yield held


@pytest.fixture
async def app(settings: Settings, parts: Parts) -> AsyncIterator[FastAPI]:
    """Return a started application on the same servers."""
    del parts
    async with started(settings) as made:
        yield made


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[FastAPI]:
    """Start an application with these settings."""
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


Client = httpx.AsyncClient
ClientFor = Callable[..., Client]


@pytest.fixture
async def client_for(app: FastAPI, settings: Settings) -> AsyncIterator[ClientFor]:
    """Return a maker of clients: `client_for(Role.AUTHOR)`, `client_for()` is a player."""
    async with AsyncExitStack() as stack:
        made: list[Client] = []

        def make(*roles: Role, user_id: UUID | None = None, token: str | None = None) -> Client:
            said = token or token_for(settings, *roles, user_id=user_id)
            client = Client(
                transport=httpx.ASGITransport(app),
                base_url="http://test",
                headers={"Authorization": f"Bearer {said}"},
            )
            made.append(client)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[Client]:
    """Return a client without a token."""
    async with Client(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def token_for(
    settings: Settings,
    *roles: Role,
    user_id: UUID | None = None,
    lifetime: timedelta = timedelta(hours=1),
    scopes: tuple[Scope, ...] | None = None,
) -> str:
    """Return a token of somebody with these roles; a player when none is given."""
    return bearer.issue(
        settings,
        user_id=user_id or uuid4(),
        name="Tester",
        roles=roles or (Role.PLAYER,),
        lifetime=lifetime,
        scopes=scopes,
    )


@pytest.fixture
async def hello(parts: Parts) -> problems.Imported:
    """Import the example problem `hello`."""
    return await imported(parts, PROBLEMS / "hello")


async def imported(parts: Parts, package: Path, **options: Any) -> problems.Imported:
    """Import a package as the service would; the shipped ones are read and packed once."""
    with pytest.MonkeyPatch.context() as patch:
        if package.parent == PROBLEMS:
            patch.setattr(problems, "loaded", _loaded)
            patch.setattr(problems, "packed", _packed)
        async with parts.sessions() as session:
            made = await problems.import_package(session, parts.blobs, package, **options)
            await session.commit()
            return made


_loaded = cache(problems.loaded)


def _packed(problem: Problem, target: Path) -> str:
    archive, digest = _archive(problem.root)
    target.write_bytes(archive)
    return digest


@cache
def _archive(package: Path) -> tuple[bytes, str]:
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "package.zip"
        packing.pack(package, target)
        return target.read_bytes(), archives.sha256_of(target)
