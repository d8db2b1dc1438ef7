"""Warm sandboxes: one slot per CPU, leased as a whole, with one sandbox per image and seat.

A lease is one submission's judging. When it ends, every sandbox it used is wiped before the slot
is handed on; one that is lost, dirty or old is closed, and the next lease that needs its image
starts another. In `fresh` mode no sandbox sees two leases: a used one is closed, and its
successor is started in the background. Waiters are served in the order they came.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from judge.clock import Clock, SystemClock
from judge.errors import EngineError, SandboxError
from judge.sandbox.base import Launcher, Sandbox, Seat

# A sandbox is replaced after this many leases: whatever the kernel has gathered for it goes too.
LEASES_MAX: Final = 200
# A sandbox that was idle for longer is asked whether it is there before it is handed out.
IDLE_S: Final = 60.0


class Mode(StrEnum):
    """Whether a sandbox serves one lease after another, or one only."""

    REUSE = "reuse"
    FRESH = "fresh"


# A sandbox's place in its slot.
Place = tuple[str, Seat]


@dataclass(slots=True, eq=False)
class _Warm:
    sandbox: Sandbox
    used_at: float
    leases: int = 0
    in_use: bool = False


@dataclass(slots=True, eq=False)
class PoolSlot:
    """One CPU's sandboxes; a `Slot` while it is leased."""

    launcher: Launcher
    index: int
    cpu: int | None
    clock: Clock
    warm: dict[Place, _Warm] = field(default_factory=dict)
    starting: dict[Place, asyncio.Task[Sandbox]] = field(default_factory=dict)

    async def sandbox(self, image: str, seat: Seat = Seat.SUBMISSION) -> Sandbox:
        """Return this slot's warm sandbox of an image, starting it when there is none."""
        place = (image, seat)
        warm = self.warm.get(place)
        if warm is not None and not warm.in_use:
            await self._check(place, warm)
            warm = self.warm.get(place)
        if warm is not None and not warm.sandbox.usable:
            await self.retire(place)
            warm = None
        if warm is None:
            warm = _Warm(await self._started(place), self.clock.seconds())
            self.warm[place] = warm
        if not warm.in_use:
            warm.in_use = True
            warm.leases += 1
        return warm.sandbox

    async def _check(self, place: Place, warm: _Warm) -> None:
        """Ask a sandbox that was idle for long whether it is still there."""
        if self.clock.seconds() - warm.used_at < IDLE_S or not warm.sandbox.usable:
            return
        try:
            await warm.sandbox.ping()
        except SandboxError:
            await self.retire(place)

    async def _started(self, place: Place) -> Sandbox:
        """Take the sandbox that was started ahead, or start one now."""
        ahead = self.starting.pop(place, None)
        if ahead is not None:
            try:
                sandbox = await asyncio.shield(ahead)
            except asyncio.CancelledError:
                self.starting[place] = ahead
                raise
            except (EngineError, SandboxError):
                sandbox = None
            if sandbox is not None and sandbox.usable:
                return sandbox
        return await self.launcher.launch(place[0], cpu=self.cpu, index=self.index)

    def start_ahead(self, place: Place) -> None:
        """Begin to start a sandbox for a later lease."""
        if place not in self.starting:
            launch = self.launcher.launch(place[0], cpu=self.cpu, index=self.index)
            self.starting[place] = asyncio.ensure_future(launch)

    async def retire(self, place: Place) -> None:
        """Close this slot's sandbox of an image."""
        warm = self.warm.pop(place, None)
        if warm is not None:
            await warm.sandbox.close()

    async def close(self) -> None:
        """Close every sandbox, those that are being started too."""
        ahead = list(self.starting.values())
        self.starting.clear()
        for result in await asyncio.gather(*ahead, return_exceptions=True):
            if not isinstance(result, BaseException):
                await result.close()
        await asyncio.gather(*(self.retire(place) for place in list(self.warm)))


class Pool:
    """Bounded set of slots. `cpus` names the CPU of each; None leaves a slot unpinned."""

    def __init__(
        self,
        launcher: Launcher,
        cpus: Sequence[int | None],
        *,
        mode: Mode = Mode.REUSE,
        leases_max: int = LEASES_MAX,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._slots = [PoolSlot(launcher, index, cpu, clock) for index, cpu in enumerate(cpus)]
        self._idle = list(reversed(self._slots))
        self._waiters: deque[asyncio.Future[PoolSlot]] = deque()
        self._returning: set[asyncio.Task[None]] = set()
        self._mode = mode
        self._leases_max = leases_max
        self._clock = clock
        self._closed = False

    @property
    def size(self) -> int:
        """Return how many leases there can be at once."""
        return len(self._slots)

    @property
    def waiting(self) -> int:
        """Return how many wait for a slot."""
        return len(self._waiters)

    def census(self) -> dict[str, int]:
        """Return how many sandboxes there are, by what they do."""
        warm = [each for slot in self._slots for each in slot.warm.values()]
        in_use = sum(each.in_use for each in warm)
        starting = sum(len(slot.starting) for slot in self._slots)
        return {"in_use": in_use, "warm": len(warm) - in_use, "starting": starting}

    @asynccontextmanager
    async def lease(self, image: str | None = None) -> AsyncIterator[PoolSlot]:
        """Lease a slot, if possible one where a sandbox of `image` is warm."""
        slot = await self._take(image)
        try:
            yield slot
        finally:
            # Not awaited: the leaver need not wait for the cleaning, and cannot interrupt it.
            self._in_background(self._give_back(slot))

    async def prewarm(self, images: Iterable[str]) -> None:
        """Start sandboxes of these images in every idle slot; raises `EngineError`."""
        wanted = list(images)
        async with asyncio.TaskGroup() as group:
            for slot in list(self._idle):
                group.create_task(self._warm_up(slot, wanted))

    async def close(self) -> None:
        """Close everything; leases must have ended."""
        self._closed = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(EngineError("the pool of sandboxes is closed"))
        while self._returning:
            await asyncio.gather(*self._returning)
        await asyncio.gather(*(slot.close() for slot in self._slots))

    async def _warm_up(self, slot: PoolSlot, images: list[str]) -> None:
        self._idle.remove(slot)
        try:
            for image in images:
                await slot.sandbox(image)
                slot.warm[image, Seat.SUBMISSION].in_use = False
                slot.warm[image, Seat.SUBMISSION].leases = 0
        finally:
            self._hand_on(slot)

    async def _take(self, image: str | None) -> PoolSlot:
        if self._closed:
            raise EngineError("the pool of sandboxes is closed")
        if self._idle and not self._waiters:
            return self._idle.pop(self._best_idle(image))
        waiter: asyncio.Future[PoolSlot] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def _best_idle(self, image: str | None) -> int:
        """Return the place of the slot used last among those where the image is warm."""
        for place in range(len(self._idle) - 1, -1, -1):
            if (image, Seat.SUBMISSION) in self._idle[place].warm:
                return place
        return len(self._idle) - 1

    def _hand_on(self, slot: PoolSlot) -> None:
        """Give a clean slot to whoever waits longest."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(slot)
                return
        self._idle.append(slot)

    async def _give_back(self, slot: PoolSlot) -> None:
        """Clean what the lease used, then hand the slot on."""
        try:
            used = [place for place, warm in slot.warm.items() if warm.in_use]
            await asyncio.gather(*(self._clean(slot, place) for place in used))
        finally:
            self._hand_on(slot)

    async def _clean(self, slot: PoolSlot, place: Place) -> None:
        warm = slot.warm[place]
        fresh = self._mode is Mode.FRESH
        old = fresh or warm.leases >= self._leases_max
        if not old and warm.sandbox.usable:
            try:
                await warm.sandbox.wipe()
            except SandboxError:
                old = True
        if old or not warm.sandbox.usable:
            if fresh and not self._closed:
                slot.start_ahead(place)
            await slot.retire(place)
            return
        warm.in_use = False
        warm.used_at = self._clock.seconds()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)
