"""`codebattle up`: everything on one machine, as children of one process.

    up ─┬─ postgres                       unix socket, data under the data directory
        ├─ valkey-server                  unix socket, keeps nothing
        ├─ keeper ─── codebattle serve
        └─ keeper ─── codebattle worker ─── sandboxes

All of them end when this process does, however it ends. One that dies is started again. Where the
environment names a database or a Redis, that is used and none is started.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select

from api import logs
from api.accounts import service as accounts
from api.auth import Role, bearer
from api.cli import examples
from api.cli.reading import settings as read_settings
from api.db import migrating
from api.db.models import Account
from api.embedded import Postgres, Redis
from api.embedded.lock import Lock
from api.embedded.process import Program
from api.embedded.tree import Part, Tree
from api.settings import LogFormat, Settings
from api.wiring import Parts, opened
from judge.errors import EngineError, UsageError
from judge.images import data_directory

READY_S = 60.0
VERDICT_S = 30.0
# Running judgings get this long at the end; those that need longer are judged at the next start.
DRAIN_S = 5
API_PATIENCE_S = 12.0
DEMO = "demo"
DEMO_ROLES = (Role.PLAYER, Role.AUTHOR)
DEMO_LIFETIME = timedelta(days=30)
_SECRET, _DATABASE, _REDIS = (
    f"CODEBATTLE_{name}" for name in ("AUTH_SECRET", "DATABASE_URL", "REDIS_URL")
)
_PREFIX = "CODEBATTLE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    host: str | None = None
    port: int | None = None
    data_dir: Path | None = None
    backend: str | None = None
    examples: bool = True


async def run(wanted: Wanted) -> int:
    """Start everything, say where it is, wait for Ctrl-C, stop everything."""
    began = time.monotonic()
    stop = _told_to_stop()
    logs.configure(form=LogFormat.CONSOLE, level="WARNING")
    data = _directory(wanted.data_dir or data_directory())
    lock = Lock(data / "up.lock")
    await lock.take()
    async with Tree(say=lambda said: print(said, file=sys.stderr, flush=True)) as tree:
        starting = asyncio.create_task(_start(tree, wanted, data, lock, began))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            return 130
        stopping.cancel()
        await starting
        await tree.run(stop)
        print("\nstopping", flush=True)
    return 0


def _told_to_stop() -> asyncio.Event:
    """Return what the signals to end set; the second one ends us at once, and all with us."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, told)
    return stop


async def _start(tree: Tree, wanted: Wanted, data: Path, lock: Lock, began: float) -> None:
    await _start_servers(tree, data)
    settings = _settings(wanted, data)
    await migrating.upgrade(settings.database_url.get_secret_value())
    async with opened(settings, application="codebattle up") as parts:
        programs = asyncio.create_task(_start_programs(tree, settings, lock))
        try:
            account, password = await _demo_account(parts, data / "demo-password")
            if wanted.examples:
                await examples.import_first(parts)
        finally:
            await programs
        token = bearer.issue(
            settings, user_id=account, name=DEMO, roles=DEMO_ROLES, lifetime=DEMO_LIFETIME
        )
        url = f"http://{settings.host}:{settings.port}"
        async with httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10
        ) as client:
            await _ready(client, data)
            print(f"codebattle is up at {url} after {time.monotonic() - began:.1f} s")
            print(f"  documentation  {url}/docs")
            print(f"  demo account   {DEMO} / {password}")
            print(f"  demo token     {token}")
            print(f"  data           {data}", flush=True)
            if wanted.examples:
                await _first_verdict(client, began)
        if wanted.examples:
            count = await examples.import_rest(parts)
            print(f"  {count} example problems; Ctrl-C stops everything", flush=True)


async def _start_servers(tree: Tree, data: Path) -> None:
    """Start the servers the environment names none of, and tell our processes of them."""
    postgres = Postgres(data / "postgres")
    redis = Redis(data / "redis")
    servers: list[Part] = []
    if _DATABASE not in os.environ:
        servers.append(postgres)
    if _REDIS not in os.environ:
        servers.append(redis)
    await tree.start(*servers)
    os.environ.setdefault(_DATABASE, postgres.url())
    os.environ.setdefault(_REDIS, redis.url)


def _settings(wanted: Wanted, data: Path) -> Settings:
    """Complete the environment, which our processes inherit, and read it."""
    asked = {
        "DATA_DIR": data,
        "HOST": wanted.host,
        "JUDGE_BACKEND": wanted.backend,
        "PORT": wanted.port,
    }
    for name, value in asked.items():
        if value is not None:
            os.environ[_PREFIX + name] = str(value)
    os.environ.setdefault(_SECRET, _secret(data / "secret"))
    os.environ.setdefault(f"{_PREFIX}ENVIRONMENT", "development")
    os.environ.setdefault(f"{_PREFIX}DRAIN_S", str(DRAIN_S))
    settings = read_settings()
    port = _free_port(settings, insist=wanted.port is not None)
    os.environ[f"{_PREFIX}PORT"] = str(port)
    return settings.model_copy(update={"port": port})


async def _start_programs(tree: Tree, settings: Settings, lock: Lock) -> None:
    """Start API and worker, side by side; the API as far as to its open port."""

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection(_reachable(settings.host), settings.port)
        except OSError:
            return False
        writer.close()
        return True

    log = settings.data_dir / "log"
    await tree.start(
        Program(
            "API",
            [sys.executable, "-m", "api", "serve"],
            log=log / "serve.log",
            lock=lock,
            answers=listens,
            patience_s=API_PATIENCE_S,
        ),
        Program(
            "worker",
            [sys.executable, "-m", "api", "worker"],
            log=log / "worker.log",
            lock=lock,
            patience_s=settings.drain_s + DRAIN_S,
        ),
    )


def _directory(path: Path) -> Path:
    """Make the data directory, for us alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; set {_PREFIX}DATA_DIR") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"{path} cannot be written to; set {_PREFIX}DATA_DIR")
    return path.resolve()


def _secret(path: Path, size: int = 48) -> str:
    """Return a secret of this installation, made when it is first asked for."""
    if not path.exists():
        made = path.with_suffix(".new")
        made.unlink(missing_ok=True)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(size))
        made.rename(path)
    return path.read_text(encoding="ascii").strip()


def _kept(path: Path) -> str:
    return path.read_text("ascii") if path.exists() else "(its password is not kept here)"


def _reachable(host: str) -> str:
    """Return an address at which a server on `host` is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _free_port(settings: Settings, *, insist: bool) -> int:
    """Return the port of the settings if it is free, else, unless it was asked for, any."""
    family, kind, _, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if insist:
                raise UsageError(f"--port {settings.port}: {error.strerror}") from error
            probe.bind((address[0], 0))
        return int(probe.getsockname()[1])


async def _demo_account(parts: Parts, path: Path) -> tuple[UUID, str]:
    """Make the demo account at the first start; return its id and how to sign in."""
    async with parts.sessions() as session:
        known = await session.scalar(select(Account.id).where(func.lower(Account.name) == DEMO))
        if known is not None:
            return known, _kept(path)
        password = _secret(path, 12)
        made = await accounts.create(
            session, parts.passwords, name=DEMO, password=password, roles=DEMO_ROLES
        )
        await session.commit()
    return made.id, password


async def _ready(client: httpx.AsyncClient, data: Path) -> None:
    """Wait until the API answers and a worker is there."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            answer = await client.get("/readyz")
            if answer.status_code == httpx.codes.OK and answer.json()["workers"]:
                return
        await asyncio.sleep(0.1)
    raise EngineError(f"not ready after {READY_S:.0f} s; the logs are in {data / 'log'}")


async def _first_verdict(client: httpx.AsyncClient, began: float) -> None:
    """Submit the first example's solution and say what came of it."""
    source = examples.first_solution()
    if source is None:
        return
    language, text = source
    began_verdict = time.monotonic()
    answer = await client.post(
        "/v1/submissions",
        json={"problem": examples.FIRST, "language": language, "source": text},
    )
    answer.raise_for_status()
    url = answer.headers["Location"]
    found: dict[str, Any] = {}
    while time.monotonic() - began_verdict < VERDICT_S and not found.get("verdict"):
        found = (await client.get(url, params={"wait": 5})).json()
    took = (time.monotonic() - began_verdict) * 1000
    print(
        f"  first verdict  {found.get('verdict') or found.get('state')} for {examples.FIRST}"
        f" in {took:.0f} ms, {time.monotonic() - began:.1f} s after the start",
        flush=True,
    )
