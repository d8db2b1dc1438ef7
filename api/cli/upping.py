"""`codebattle up`: everything on one machine, as children of one process.

    up ─┬─ postgres       unix socket, data under CODEBATTLE_DATA_DIR
        ├─ valkey-server  unix socket, keeps nothing
        ├─ codebattle serve
        └─ codebattle worker

All of them end when this process does, however it ends. A server that dies is started again.
"""

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
from pydantic import SecretStr

from api import logs
from api.accounts import service as accounts
from api.auth import Role, bearer
from api.cli import examples
from api.db import migrating
from api.embedded import Postgres, Redis
from api.embedded.process import Child
from api.settings import Environment, LogFormat, Settings
from api.wiring import Parts, opened
from judge.errors import EngineError, UsageError
from judge.images import data_directory

DEFAULT_PORT = 8000
READY_S = 60.0
VERDICT_S = 30.0
DEMO = "demo"
_NAMESPACE = UUID("4f6f4b5e-6a1c-4a3c-9f51-0d6f7b6b2c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    port: int | None = None
    data_dir: Path | None = None
    backend: str | None = None
    examples: bool = True


async def run(wanted: Wanted) -> int:
    """Start everything, say where it is, wait for Ctrl-C, stop everything."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    logs.configure(form=LogFormat.CONSOLE, level="WARNING")
    data = (wanted.data_dir or data_directory()).resolve()
    data.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.enter_context(_sole(data))
        starting = asyncio.create_task(_start(stack, wanted, data))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            return 130
        await starting
        await stopping
        print("\nstopping", flush=True)
    return 0


async def _start(stack: AsyncExitStack, wanted: Wanted, data: Path) -> None:
    began = time.monotonic()
    redis = Redis(data / "redis")
    postgres = Postgres(data / "postgres")
    stack.push_async_callback(redis.stop)
    stack.push_async_callback(postgres.stop)
    await asyncio.gather(postgres.start(), redis.start())
    settings = Settings(
        environment=Environment.DEVELOPMENT,
        data_dir=data,
        database_url=SecretStr(postgres.url()),
        redis_url=SecretStr(redis.url),
        auth_secret=SecretStr(_secret(data / "secret")),
        port=_port(wanted.port),
        judge_backend=wanted.backend or os.environ.get("CODEBATTLE_JUDGE_BACKEND"),
    )
    await migrating.upgrade(postgres.url())
    environment = _environment(settings)
    for name, command in (("API", "serve"), ("worker", "worker")):
        await stack.enter_async_context(_kept(name, command, environment, data))
    parts = await stack.enter_async_context(opened(settings, application="codebattle up"))
    password = await _demo_account(parts, data / "demo-password")
    if wanted.examples:
        await examples.import_first(parts)
    url = f"http://{settings.host}:{settings.port}"
    token = _token(settings)
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
            count = await examples.import_rest(parts)
            print(f"  {count} example problems; Ctrl-C stops everything", flush=True)


@asynccontextmanager
async def _kept(
    name: str, command: str, environment: Mapping[str, str], data: Path
) -> AsyncIterator[None]:
    """Keep one of our own processes running until the end."""
    log = data / "log" / f"{command}.log"
    argv = [sys.executable, "-m", "api", command]

    async def keep() -> None:
        child: Child | None = None
        try:
            while True:
                child = await Child.start(name, argv, log=log, env=environment)
                await child.process.wait()
                print(f"{name} ended, see {log}; starting it again", file=sys.stderr)
                await asyncio.sleep(1)
        finally:
            if child is not None:
                await child.stop(signal.SIGTERM, patience_s=20)

    task = asyncio.create_task(keep(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _environment(settings: Settings) -> dict[str, str]:
    """Return what our processes need to find the parts."""
    said: dict[str, Any] = {
        "ENVIRONMENT": settings.environment.value,
        "DATA_DIR": settings.data_dir,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "AUTH_SECRET": settings.auth_secret.get_secret_value(),
        "PORT": settings.port,
        "HOST": settings.host,
    }
    if settings.judge_backend is not None:
        said["JUDGE_BACKEND"] = settings.judge_backend
    return dict(os.environ) | {f"CODEBATTLE_{name}": str(value) for name, value in said.items()}


def _secret(path: Path) -> str:
    """Return this installation's own secret, made at the first start."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _port(wanted: int | None) -> int:
    """Return a port that is free: the one asked for or nothing, else the default or any."""
    port = wanted if wanted is not None else int(os.environ.get("CODEBATTLE_PORT", DEFAULT_PORT))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if wanted:
                raise UsageError(f"--port: {port} is in use") from error
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _sole(data: Path) -> Iterator[None]:
    """Hold a directory for one `up`: two servers on one data directory would destroy it."""
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"{data}: codebattle is up there already") from error
        yield


async def _demo_account(parts: Parts, path: Path) -> str:
    """Make the demo account at the first start; return its password."""
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    password = _secret(path)[:16]
    path.write_text(password, encoding="ascii")
    async with parts.sessions() as session:
        await accounts.ensure(session, name=DEMO, password=password, roles=[Role.AUTHOR])
        await session.commit()
    return password


def _token(settings: Settings) -> str:
    return bearer.issue(
        settings,
        user_id=uuid5(_NAMESPACE, DEMO),
        name=DEMO,
        roles=[Role.PLAYER, Role.AUTHOR],
        lifetime=timedelta(days=30),
    )


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
