"""The whole service as processes of its own, each kept running by a supervisor.

PostgreSQL ─┐
Redis ──────┼── API, API ── worker, worker, worker ── Docker engine of this run's own
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from api.db import migrating
from api.embedded import Postgres, Redis
from api.embedded.lock import Lock
from api.embedded.process import Child, tail
from api.problems import service as problems
from api.settings import Environment, SelfTest, Settings
from api.wiring import opened
from judge.images import ROOT, Images
from tests.hostile.engine import PrivateEngine

from . import programs

# A busy machine takes its time for the first start; a restart has a bound of its own.
START_S = 180.0
POLL_S = 0.02
SECRET = "chaos-chaos-chaos-chaos-chaos-chaos"
KEPT = ROOT / "build" / "chaos"


class Kind(StrEnum):
    """What can be killed."""

    API = "API"
    WORKER = "worker"
    REDIS = "Redis"
    POSTGRES = "PostgreSQL"
    ENGINE = "Docker"


class Server(Protocol):
    """Something that is started, ends, and is killed."""

    async def start(self) -> None: ...

    async def wait(self) -> None: ...

    async def kill(self) -> None: ...


@dataclass(slots=True, eq=False)
class Part:
    """A server under supervision: whenever it ends it is started again after `delay_s`."""

    kind: Kind
    name: str
    server: Server
    up: asyncio.Event = field(default_factory=asyncio.Event)
    delay_s: float = 0.0
    killed: bool = False
    # Ends and failed starts that nobody asked for: (how long after its start, what it said).
    surprises: list[str] = field(default_factory=list)
    _supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, and keep running from now on."""
        self._supervisor = asyncio.create_task(self._supervise(), name=f"keep {self.name}")
        waiting = asyncio.create_task(self.up.wait())
        await asyncio.wait(
            [waiting, self._supervisor], timeout=START_S, return_when=asyncio.FIRST_COMPLETED
        )
        if self._supervisor.done():
            self._supervisor.result()
        assert waiting.done(), f"{self.name}: {self.surprises}"

    async def kill(self, *, delay_s: float) -> None:
        """End it as a power cut would; it comes back after a while."""
        self.killed = True
        self.delay_s = delay_s
        self.up.clear()
        await self.server.kill()

    async def let_go(self) -> None:
        """Start it no more."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor

    async def _supervise(self) -> None:
        while True:
            try:
                await self.server.start()
            except RuntimeError as error:
                self.surprises.append(f"{self.name} did not start: {error}")
            else:
                self.up.set()
                await self.server.wait()
            if not self.killed:
                self.up.clear()
                self.surprises.append(f"{self.name} ended by itself")
                self.delay_s = 0.5
            self.killed = False
            await asyncio.sleep(self.delay_s)


class Daemon:
    """PostgreSQL or Redis."""

    def __init__(self, server: Postgres | Redis) -> None:
        self._server = server

    async def start(self) -> None:
        await self._server.start()

    async def wait(self) -> None:
        await self._server.wait()

    async def kill(self) -> None:
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGKILL)
        await self._server.wait()


class Engine:
    """The Docker engine."""

    def __init__(self, engine: PrivateEngine) -> None:
        self._engine = engine

    async def start(self) -> None:
        try:
            await asyncio.to_thread(self._engine.start)
        except AssertionError as error:
            raise RuntimeError(str(error)) from error

    async def wait(self) -> None:
        await asyncio.to_thread(self._engine.wait)

    async def kill(self) -> None:
        await asyncio.to_thread(self._engine.kill)


class Program:
    """A process of ours: an API or a worker. Each life has a log of its own."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        *,
        logs: Path,
        env: dict[str, str],
        ready: Callable[["Program"], Awaitable[bool]],
    ) -> None:
        self.name = name
        self.lives = 0
        self._argv = argv
        self._logs = logs
        self._env = env
        self._ready = ready
        self._child: Child | None = None

    @property
    def log(self) -> Path:
        return self._logs / f"{self.name}.{self.lives}.log"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.process.pid

    async def start(self) -> None:
        self.lives += 1
        self._child = await Child.start(self.name, self._argv, log=self.log, env=self._env)
        deadline = time.monotonic() + START_S
        while not await self._ready(self):
            if self._child.process.returncode is not None:
                raise RuntimeError(tail(self.log))
            if time.monotonic() > deadline:
                await self.kill()
                raise RuntimeError(f"not ready in {START_S:.0f} s: {tail(self.log)}")
            await asyncio.sleep(POLL_S)

    async def wait(self) -> None:
        assert self._child is not None
        await self._child.process.wait()

    async def kill(self) -> None:
        assert self._child is not None
        with suppress(ProcessLookupError):
            self._child.process.kill()
        await self._child.process.wait()

    async def stop(self) -> None:
        """End it gracefully."""
        if self._child is not None:
            await self._child.stop(patience_s=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Everything, running."""

    root: Path
    settings: Settings
    postgres: Postgres
    redis: Redis
    engine: PrivateEngine
    parts: tuple[Part, ...]
    urls: tuple[str, ...]

    def of(self, kind: Kind) -> list[Part]:
        return [part for part in self.parts if part.kind is kind]

    async def stop_workers(self) -> None:
        """End the workers as an operator does."""
        for part in self.of(Kind.WORKER):
            await part.let_go()
            assert isinstance(part.server, Program)
            await part.server.stop()


@asynccontextmanager
async def running(*, workers: int, apis: int, slots: int = 1) -> AsyncIterator[Stack]:
    """Start everything in a directory of its own and stop it at the end."""
    # Short: sockets' paths have to fit into 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    lock = Lock(KEPT / "lock")
    await lock.take()
    postgres, redis = Postgres(root / "postgres"), Redis(root / "redis")
    engine = PrivateEngine(root / "engine", data=KEPT / "docker")
    (root / "engine").mkdir()
    settings = Settings(
        environment=Environment.DEVELOPMENT,
        submissions_per_minute=0,
        auth_secret=SecretStr(SECRET),
        data_dir=root / "data",
        database_url=SecretStr(postgres.url()),
        redis_url=SecretStr(redis.url),
        judge_backend="docker",
        judge_slots=slots,
        self_test=SelfTest.OFF,
    )
    servers = (
        Part(Kind.POSTGRES, "PostgreSQL", Daemon(postgres)),
        Part(Kind.REDIS, "Redis", Daemon(redis)),
        Part(Kind.ENGINE, "Docker", Engine(engine)),
    )
    ports = [_free_port() for _ in range(apis)]
    env = _environment(settings) | {"DOCKER_HOST": engine.url}
    (root / "log").mkdir()
    ours = [_api(number, port, root / "log", env) for number, port in enumerate(ports)]
    ours += [_worker(number, root / "log", env) for number in range(workers)]
    stack = Stack(
        root=root,
        settings=settings,
        postgres=postgres,
        redis=redis,
        engine=engine,
        parts=(*servers, *ours),
        urls=tuple(f"http://127.0.0.1:{port}" for port in ports),
    )
    try:
        for part in servers:
            await part.start()
        await asyncio.to_thread(engine.load, Images().tag("python3"))
        await _prepare(stack)
        await asyncio.gather(*(part.start() for part in ours))
        yield stack
    finally:
        await _stop(stack)
        lock.release()


async def _stop(stack: Stack) -> None:
    for part in stack.parts:
        await part.let_go()
    for part in stack.parts:
        if isinstance(part.server, Program):
            await part.server.stop()
    await stack.redis.stop()
    await stack.postgres.stop()
    await asyncio.to_thread(stack.engine.stop)
    if "CHAOS_KEEP" not in os.environ:
        shutil.rmtree(stack.root, ignore_errors=True)


async def _prepare(stack: Stack) -> None:
    url = stack.postgres.url()
    await migrating.upgrade(url)
    package = programs.package(stack.root)
    async with opened(stack.settings, application="chaos") as parts, parts.sessions() as session:
        await problems.import_package(session, parts.blobs, package)
        await session.commit()


def _environment(settings: Settings) -> dict[str, str]:
    """Return what the processes are started with: nothing of ours, and these settings."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("CODEBATTLE_")}
    chosen = {
        "SUBMISSIONS_PER_MINUTE": "0",
        "AUTH_SECRET": SECRET,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "ENVIRONMENT": settings.environment.value,
        "JUDGE_BACKEND": "docker",
        "JUDGE_SLOTS": str(settings.judge_slots),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "SELF_TEST": SelfTest.OFF.value,
    }
    return kept | {f"CODEBATTLE_{name}": each for name, each in chosen.items()}


def _api(number: int, port: int, logs: Path, env: dict[str, str]) -> Part:
    async def listens(program: Program) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    argv = [sys.executable, "-m", "api", "serve", "--port", str(port)]
    name = f"api-{number}"
    return Part(Kind.API, name, Program(name, argv, logs=logs, env=env, ready=listens))


def _worker(number: int, logs: Path, env: dict[str, str]) -> Part:
    async def started(program: Program) -> bool:
        return b"worker.started" in await asyncio.to_thread(program.log.read_bytes)

    # A slot takes the first CPU it may use: side by side they should not share one.
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[number % len(cpus)]
    argv = ["taskset", "--cpu-list", str(cpu), sys.executable, "-m", "api", "worker"]
    argv[0] = shutil.which(argv[0]) or argv[0]
    name = f"worker-{number}"
    return Part(Kind.WORKER, name, Program(name, argv, logs=logs, env=env, ready=started))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
