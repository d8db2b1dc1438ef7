"""A real ChromaDB server that tests start and kill."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

START_S = 60.0
# A busy machine takes longer than the library waits by itself.
ANSWER_S = 30.0


class Server:
    """`chroma run` with a port and a directory of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self._run()
        until = time.monotonic() + START_S
        async with httpx.AsyncClient(timeout=ANSWER_S) as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/api/v2/heartbeat")
                except httpx.TransportError:
                    assert time.monotonic() < until, "chroma does not start"
                    await asyncio.sleep(0.1)
                else:
                    return

    def _run(self) -> None:
        words = ["run", "--host", "127.0.0.1", "--port", str(self.port), "--path", str(self.place)]
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("chroma"), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """End it as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
