"""A server on a real socket, and a client that reads server-sent events as browsers do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    data: dict[str, Any]
    id: str = ""


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Serve an application on a free port; its lifespan is the server's."""
    config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", server
    finally:
        if server.started:
            await app.state.parts.hub.drain()
        server.should_exit = True
        await task


@dataclass(slots=True)
class Watcher:
    """Keeps every event of one stream; `seen` waits for one."""

    events: list[Event] = field(default_factory=list)
    last_id: str = ""
    comments: int = 0
    status: int = 0
    ended: bool = False
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self, response: httpx.Response) -> None:
        self.status = response.status_code
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            name, _, value = line.partition(":")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                fields[name] = value.removeprefix(" ")
            elif "event" in fields:
                event = Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
                self.last_id = event.id or self.last_id
                self.events.append(event)
                fields = {}
            async with self._more:
                self._more.notify_all()

    async def until(self, kind: str, count: int = 1) -> list[Event]:
        """Return the events of a kind once there are so many."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S), self._more:
                await self._more.wait_for(lambda: self.ended or len(self.of(kind)) >= count)
        found = self.of(kind)
        assert len(found) >= count, (kind, count, [each.kind for each in self.events])
        return found

    async def until_comments(self, count: int) -> None:
        """Return once there were so many comments."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: self.ended or self.comments >= count)

    async def end(self) -> None:
        """Return when the server has ended the stream."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: self.ended)

    def of(self, kind: str) -> list[Event]:
        return [each for each in self.events if each.kind == kind]


@asynccontextmanager
async def watching(
    url: str, token: str | None, topics: list[str], **params: str
) -> AsyncIterator[Watcher]:
    """Follow topics until the block ends."""
    watcher = Watcher()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    seen = params.pop("seen", "")
    if seen:
        headers["Last-Event-ID"] = seen

    async def run() -> None:
        try:
            async with (
                httpx.AsyncClient(timeout=None, verify=False) as client,
                client.stream(
                    "GET",
                    f"{url}/v1/stream",
                    params={**params, "topic": topics} if topics else params,
                    headers=headers,
                ) as response,
            ):
                await watcher.read(response)
        finally:
            watcher.ended = True
            async with watcher._more:
                watcher._more.notify_all()

    task = asyncio.create_task(run())
    try:
        yield watcher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, httpx.HTTPError):
            await task
