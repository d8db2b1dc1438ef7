"""`codebattle up`: everything on one machine, as children of one process.

    up ─┬─ postgres                       unix socket, data under the data directory
        ├─ valkey-server                  unix socket, keeps nothing
        ├─ keeper ─── codebattle serve
        └─ keeper ─── codebattle worker ─── sandboxes

All of them end when this process does, however it ends. One that dies is started again. Where the
environment names a database or a Redis, that is used and none is started.
"""

import asyncio
import hashlib
import importlib
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from api import logs
from api.cli.reading import settings as read_settings
from api.embedded import Postgres, Redis
from api.embedded.lock import Lock
from api.embedded.process import Program
from api.embedded.tree import Part, Tree
from api.settings import LogFormat, Settings
from judge.errors import EngineError, UsageError
from judge.images import data_directory

# Running judgings get this long at the end; those that need longer are judged at the next start.
DRAIN_S = 5
# PostgreSQL alone takes a third of it before there is anything in it.
FREE_BYTES_MIN = 256 * 1024 * 1024
API_PATIENCE_S = 12.0
# Whoever asks is answered before anything is judged: judging can wait, and its times are CPU times.
API_NICE, WORKER_NICE, SIMILARITY_NICE = -8, 4, 15
_PREFIX = "CODEBATTLE_"
_DATABASE, _REDIS = f"{_PREFIX}DATABASE_URL", f"{_PREFIX}REDIS_URL"
_MIGRATIONS = Path(__file__).parents[1] / "db" / "migrations" / "versions"


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
    settings = _settings(wanted, data)
    port = _free_port(settings, insist=wanted.port is not None)
    os.environ[f"{_PREFIX}PORT"] = str(port)
    settings = settings.model_copy(update={"port": port})
    async with Tree(say=lambda said: print(said, file=sys.stderr, flush=True)) as tree:
        starting = asyncio.create_task(
            _start(tree, settings, lock, began, with_examples=wanted.examples)
        )
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


async def _start(
    tree: Tree, settings: Settings, lock: Lock, began: float, *, with_examples: bool
) -> None:
    # Imported beside everything else that takes its time; so are the programs started.
    importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, "api.cli.welcoming"))
    data = settings.data_dir
    mark = data / "postgres" / "schema"
    embedded = _DATABASE not in os.environ
    settings = await _start_servers(tree, settings)
    current = embedded and mark.exists() and mark.read_text("ascii") == _schema()
    programs = [asyncio.create_task(tree.start(_api(settings, lock)))]
    if current:
        programs.append(asyncio.create_task(tree.start(_worker(settings, lock))))
    try:
        welcoming = await importing
        password = data / "demo-password"
        account = await welcoming.prepare(
            settings, lambda: _secret(password, 12), first=with_examples
        )
    except BaseException:
        for each in programs:
            each.cancel()
        await asyncio.gather(*programs, return_exceptions=True)
        raise
    await asyncio.gather(*programs)
    if not current:
        await tree.start(_worker(settings, lock))
        if embedded:
            mark.write_text(_schema(), "ascii")
    await welcoming.welcome(
        settings, account, _kept(password), began=began, with_examples=with_examples
    )
    if settings.similarity:
        await tree.start(_similarity(settings, lock))


async def _start_servers(tree: Tree, settings: Settings) -> Settings:
    """Start the servers the environment names none of, and tell our processes of them."""
    postgres = Postgres(settings.data_dir / "postgres")
    redis = Redis(settings.data_dir / "redis")
    servers: list[Part] = []
    if _DATABASE not in os.environ:
        servers.append(postgres)
    if _REDIS not in os.environ:
        servers.append(redis)
    await tree.start(*servers)
    chosen = {
        "database_url": os.environ.setdefault(_DATABASE, postgres.url()),
        "redis_url": os.environ.setdefault(_REDIS, redis.url),
    }
    return settings.model_copy(update={name: SecretStr(url) for name, url in chosen.items()})


def _schema() -> str:
    """Return what tells one state of the migrations from another.

    A worker may start before it is known whether the schema is up to date if it was at the last
    start and nothing was added since.
    """
    names = sorted(path.name for path in _MIGRATIONS.glob("*.py"))
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


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
    os.environ.setdefault(f"{_PREFIX}AUTH_SECRET", _secret(data / "secret"))
    os.environ.setdefault(f"{_PREFIX}ENVIRONMENT", "development")
    os.environ.setdefault(f"{_PREFIX}DRAIN_S", str(DRAIN_S))
    return read_settings()


def _api(settings: Settings, lock: Lock) -> Program:
    """Return the API, which answers once its port is open."""

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection(_reachable(settings.host), settings.port)
        except OSError:
            return False
        writer.close()
        return True

    return Program(
        "API",
        [sys.executable, "-m", "api", "serve"],
        log=settings.data_dir / "log" / "serve.log",
        lock=lock,
        answers=listens,
        patience_s=API_PATIENCE_S,
        nice=API_NICE,
    )


def _worker(settings: Settings, lock: Lock) -> Program:
    return Program(
        "worker",
        [sys.executable, "-m", "api", "worker"],
        log=settings.data_dir / "log" / "worker.log",
        lock=lock,
        patience_s=settings.drain_s + DRAIN_S,
        nice=WORKER_NICE,
    )


def _similarity(settings: Settings, lock: Lock) -> Program:
    """Return who compares what was judged: nobody waits for it, so everything else goes first."""
    return Program(
        "similarity",
        [sys.executable, "-m", "api", "similarity", "serve"],
        log=settings.data_dir / "log" / "similarity.log",
        lock=lock,
        patience_s=settings.drain_s + DRAIN_S,
        nice=SIMILARITY_NICE,
    )


def _directory(path: Path) -> Path:
    """Make the data directory, for us alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; set {_PREFIX}DATA_DIR") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"{path} cannot be written to; set {_PREFIX}DATA_DIR")
    free = shutil.disk_usage(path).free
    if free < FREE_BYTES_MIN:
        raise EngineError(
            f"{path}: {free >> 20} MiB free, {FREE_BYTES_MIN >> 20} MiB are needed:"
            f" make room, or set {_PREFIX}DATA_DIR"
        )
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
