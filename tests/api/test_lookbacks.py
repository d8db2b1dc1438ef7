"""Looking back is dear: everybody has a share, one wish at a time, and pays for what it took."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from api import lookbacks
from api.errors import TooManyError, UnavailableError
from api.limiting import Local, Rate
from api.lookbacks import Lookbacks
from api.recent import Recent

ADA, BOB, CID = (uuid4() for _ in range(3))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """Look-backs whose making ends when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        turns = Local(Rate(per_minute=30, burst=10), clock=self.clock)
        kept = Recent(kept_s=60, most=4, at_once=1, clock=self.clock)
        self.lookbacks = Lookbacks(kept, turns, clock=self.clock)
        self.made: list[str] = []
        self.go = asyncio.Event()

    def making(self, key: str, *, took_s: float = 0) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            await self.go.wait()
            self.clock.now += took_s
            self.made.append(key)
            return key

        return make

    def look(self, who: UUID | None, key: str, *, took_s: float = 0) -> "asyncio.Task[str]":
        make = self.making(key, took_s=took_s)
        return asyncio.ensure_future(asyncio.wait_for(self.lookbacks.get(who, key, make), 10))

    async def begun(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_nobodys_list_of_wishes_is_served_before_anothers_first() -> None:
    desk = Desk()
    looks = [desk.look(ADA, "1"), desk.look(ADA, "2"), desk.look(ADA, "1"), desk.look(BOB, "3")]
    await desk.begun()
    with pytest.raises(TooManyError, match="one at a time") as refused:
        await looks.pop(1)
    assert refused.value.type.endswith(":too-many-waiting")
    desk.go.set()
    assert await asyncio.gather(*looks) == ["1", "1", "3"]
    # The same one is made once, and afterwards another one may be asked for.
    assert desk.made == ["1", "3"]
    assert await desk.look(ADA, "2") == "2"


async def test_who_has_it_made_pays_for_what_it_took() -> None:
    """A turn is half a second of work: a quarter of one processor at most, whatever is asked."""
    desk = Desk()
    desk.go.set()
    # Ten turns are there; this is fifteen of them.
    assert await desk.look(ADA, "long", took_s=7.4) == "long"
    with pytest.raises(TooManyError) as refused:
        await desk.look(ADA, "next")
    assert refused.value.type.endswith(":rate-limited")
    # What is there already costs others one turn, and nobody pays for another.
    assert [await desk.look(BOB, "long") for _ in range(10)] == ["long"] * 10
    with pytest.raises(TooManyError):
        await desk.look(BOB, "long")
    begun, work_s = desk.clock.now, 0.0
    while desk.clock.now - begun < 600:
        try:
            await desk.look(ADA, f"at {desk.clock.now}", took_s=3.0)
        except TooManyError:
            desk.clock.now += 1
        else:
            work_s += 3.0
    assert 600 / 5 < work_s <= 600 / 4


async def test_what_fails_is_paid_for_and_leaves_no_place_taken() -> None:
    desk = Desk()

    async def fail() -> str:
        desk.clock.now += 20
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError):
        await desk.lookbacks.get(ADA, "1", fail)
    desk.go.set()
    with pytest.raises(TooManyError, match="a minute"):
        await desk.look(ADA, "2")
    assert await desk.look(BOB, "1") == "1"


async def test_when_too_many_wait_others_are_told_to_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookbacks, "WAITING_MAX", 3)
    desk = Desk()
    # Those without a token are not one person: each may wait for something else.
    looks = [desk.look(ADA, "1"), desk.look(None, "2"), desk.look(None, "3"), desk.look(BOB, "4")]
    looks += [desk.look(None, "3"), desk.look(ADA, "1")]
    await desk.begun()
    with pytest.raises(UnavailableError) as refused:
        await looks.pop(3)
    assert refused.value.headers["Retry-After"] == "10"
    desk.go.set()
    assert await asyncio.gather(*looks) == ["1", "2", "3", "3", "1"]
    assert await desk.look(CID, "4") == "4"
