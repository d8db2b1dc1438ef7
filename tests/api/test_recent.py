"""Answers that are shared for a moment: made once, never older than promised, never a failure."""

import asyncio
import weakref

import pytest

from api.recent import Recent


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Page:
    """Something that can be found to be gone."""


async def test_many_ask_and_one_makes() -> None:
    clock, made = Clock(), []
    recent = Recent(kept_s=1, most=2, clock=clock)

    async def make() -> int:
        made.append(clock.now)
        await asyncio.sleep(0)
        return len(made)

    assert await asyncio.gather(*(recent.get("a", make) for _ in range(5))) == [1] * 5
    clock.now = 0.9
    assert await recent.get("a", make) == 1
    clock.now = 1.0
    assert await recent.get("a", make) == 2
    # The least used goes when there are too many.
    await recent.get("b", make)
    await recent.get("a", make)
    await recent.get("c", make)
    assert await recent.get("a", make) == 2
    assert await recent.get("b", make) == 5


async def test_what_nobody_asks_for_again_goes() -> None:
    """Whoever asks for another page each time fills no memory with those before."""
    clock = Clock()
    recent = Recent(kept_s=1, most=2000, clock=clock)
    held: list[weakref.ref[Page]] = []

    async def make() -> Page:
        page = Page()
        held.append(weakref.ref(page))
        return page

    for number in range(100):
        clock.now = number / 10
        await recent.get(number, make)
    assert sum(each() is not None for each in held) <= 11


async def test_a_failure_is_not_kept() -> None:
    recent = Recent(kept_s=60, most=2)

    async def fail() -> int:
        raise LookupError("not there")

    async def make() -> int:
        return 7

    with pytest.raises(LookupError):
        await recent.get("a", fail)
    assert await recent.get("a", make) == 7
