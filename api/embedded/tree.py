"""Keeps parts running: started in order, started again when they end, stopped in reverse order.

Nothing here outlives the process it runs in: each part's program is told of our death by the
kernel (`enter.py`), and keeps the lock of its directory until it has ended.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, Self

from judge.errors import EngineError

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
# So many failures, each sooner than `STEADY_S` after the start before, and we give up.
FAILURES_MAX = 8
STEADY_S = 30.0


class Part(Protocol):
    """Something that runs until it is stopped."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def start(self) -> None:
        """Start and return once it answers; raises `EngineError`."""

    async def wait(self) -> None:
        """Return when it has ended, whoever ended it."""

    async def stop(self) -> None:
        """End it for sure, in bounded time. May be called at any time, more than once."""


class Tree:
    """Parts that run together; `async with` stops them at its end."""

    def __init__(
        self, *, say: Callable[[str], None], backoff_first_s: float = BACKOFF_FIRST_S
    ) -> None:
        self._say = say
        self._backoff_first_s = backoff_first_s
        self._parts: list[Part] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, *parts: Part) -> None:
        """Start parts side by side, after those that run already, and watch them from now on."""
        self._parts += parts
        async with asyncio.TaskGroup() as group:
            starting = [group.create_task(_started(part)) for part in parts]
        for task in starting:
            error = task.result()
            if error is not None:
                raise error
        self._watchers += [
            asyncio.create_task(self._watch(part), name=f"watch {part.name}") for part in parts
        ]

    async def run(self, until: asyncio.Event) -> None:
        """Return when told; raises `EngineError` when a part ends again and again."""
        told = asyncio.ensure_future(until.wait())
        waited: list[asyncio.Future[Any]] = [told, self._given_up]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._given_up.done():
                self._given_up.result()
        finally:
            told.cancel()

    async def stop(self) -> None:
        """Stop all parts, the last started first."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        while self._parts:
            await self._parts.pop().stop()
        if self._given_up.done():
            self._given_up.exception()

    async def _watch(self, part: Part) -> None:
        failures = 0
        began = time.monotonic()
        error: EngineError | None = None
        while True:
            if error is None:
                await part.wait()
            if time.monotonic() - began > STEADY_S:
                failures = 0
            failures += 1
            said = f": {error}" if error is not None else ""
            if failures > FAILURES_MAX:
                if not self._given_up.done():
                    self._given_up.set_exception(
                        EngineError(f"{part.name} ends again and again{said}")
                    )
                return
            self._say(f"{part.name} ended{said}; starting it again")
            await asyncio.sleep(min(self._backoff_first_s * 2 ** (failures - 1), BACKOFF_MAX_S))
            began = time.monotonic()
            error = await _started(part)


async def _started(part: Part) -> EngineError | None:
    """Start a part and return what went wrong, so that others beside it still get started."""
    try:
        await part.start()
    except EngineError as error:
        return error
    except OSError as error:
        return EngineError(f"{part.name}: {error}")
    return None
