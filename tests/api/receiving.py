"""A real HTTP server on loopback that answers as badly as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from api.neighbours.guard import LOOPBACK, Guard

LOCAL = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken"


@dataclass
class Receiver:
    """What came in, and what to answer: bytes, or a coroutine that writes."""

    port: int = 0
    answer: bytes | Callable[[asyncio.StreamWriter], Awaitable[None]] = OK
    answers: list[bytes] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, host: str = "hook.test", *, scheme: str = "http") -> str:
        """Return where it listens, by a name only the test's resolver knows."""
        return f"{scheme}://{host}:{self.port}/hook?key=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer."""
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (each.split(": ", 1) for each in head[1:] if each)
            said = {name.lower(): value for name, value in pairs}
            self.lines.append(head[0])
            self.heads.append(said)
            self.bodies.append(await reader.readexactly(int(said.get("content-length", "0"))))
            answer = self.answers.pop(0) if self.answers else self.answer
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.ended.set()
            writer.close()


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free port of loopback."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


class Names:
    """A resolver that says what the test wants, and remembers being asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers) or [LOCAL]
        self.asked = 0

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return [self.answers[min(self.asked, len(self.answers)) - 1]]


def guard(names: Names | None = None, **changes: Any) -> Guard:
    usual = {"plain_http": True, "ports": None, "networks": LOOPBACK}
    return Guard(resolve=(names or Names()).resolve, **(usual | changes))


async def silence(writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.sleep(30)
