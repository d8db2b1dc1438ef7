"""One kept connection that asks, and one event stream that listens: a client of one user.

Everything is stamped when it arrives, by the wall clock, as the service's rows are.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import loading


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a stream and when it came."""

    kind: str
    data: dict[str, Any]
    at: float


class Connection:
    """A connection for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: str) -> tuple[int, dict[str, Any]]:
        """Send a request of `loading` and return the answer's status and JSON."""
        self._writer.write(request.encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n", 1)[0])
        body = await self._reader.readexactly(length)
        return int(head.split(" ", 2)[1]), json.loads(body or b"{}")

    def close(self) -> None:
        """Let go of it."""
        self._writer.close()


async def connect(port: int) -> Connection:
    """Open a connection."""
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


@asynccontextmanager
async def following(port: int, token: str) -> AsyncIterator[asyncio.Queue[Told]]:
    """Follow everything of a user from now on; events are kept in a queue as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(loading.get("/v1/stream?topic=user:me", token).encode())
    status = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in status.partition(b"\r\n")[0]:
        raise RuntimeError("the stream does not open")
    told: asyncio.Queue[Told] = asyncio.Queue()
    reading = asyncio.create_task(_read(reader, told))
    try:
        while (await told.get()).kind != "ready":
            pass
        yield told
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        writer.close()


async def ended(told: asyncio.Queue[Told], submission: str) -> list[Told]:
    """Return what was told of a submission, up to its end."""
    found: list[Told] = []
    while not found or found[-1].kind != "judged":
        event = await told.get()
        if event.data.get("submission_id") == submission:
            found.append(event)
    return found


async def _read(reader: asyncio.StreamReader, told: asyncio.Queue[Told]) -> None:
    """Read events; the frames of the chunked answer are skipped, each holds whole lines."""
    kind = ""
    async for line in reader:
        name, _, value = line.decode().strip().partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            told.put_nowait(Told(kind, json.loads(value), time.time()))
