"""The tree of parts: their order, their restarts, and when it gives up."""

import asyncio
from pathlib import Path

import pytest

from api.embedded.lock import Lock
from api.embedded.process import Child, Program
from api.embedded.tree import FAILURES_MAX, Tree
from judge.errors import EngineError


class Puppet:
    """A part that does as it is told and writes down what happened."""

    def __init__(self, name: str, happened: list[str], *, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self._happened = happened
        self._ended = asyncio.Event()
        self.starts = 0
        self.started_again = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        self._happened.append(f"start {self.name}")
        if self.broken:
            raise EngineError("cannot")
        self._ended.clear()
        if self.starts > 1:
            self.started_again.set()

    async def wait(self) -> None:
        await self._ended.wait()

    async def stop(self) -> None:
        self._happened.append(f"stop {self.name}")

    def crash(self) -> None:
        self._ended.set()


async def test_parts_stop_in_the_reverse_order_of_their_start() -> None:
    """What was started last may need what was started first."""
    happened: list[str] = []
    async with Tree(say=happened.append) as tree:
        await tree.start(Puppet("a", happened))
        await tree.start(Puppet("b", happened), Puppet("c", happened))

    assert happened == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]


async def test_a_part_that_ends_is_started_again() -> None:
    """It is said, and the others are left alone."""
    happened: list[str] = []
    lame, steady = Puppet("lame", happened), Puppet("steady", happened)
    async with Tree(say=happened.append, backoff_first_s=0.001) as tree:
        await tree.start(lame, steady)
        lame.crash()
        await asyncio.wait_for(lame.started_again.wait(), 5)

    assert steady.starts == 1
    assert "lame ended; starting it again" in happened


async def test_a_tree_gives_up_on_a_part_that_cannot_run() -> None:
    """The attempts are bounded, and the last reason is told."""
    happened: list[str] = []
    part = Puppet("part", happened)
    async with Tree(say=happened.append, backoff_first_s=0.001) as tree:
        await tree.start(part)
        part.broken = True
        part.crash()
        with pytest.raises(EngineError, match="part ends again and again: cannot"):
            await asyncio.wait_for(tree.run(asyncio.Event()), 5)

    assert part.starts == 1 + FAILURES_MAX
    assert happened[-1] == "stop part"


async def test_a_first_start_that_fails_stops_what_runs() -> None:
    """There is no half a tree."""
    happened: list[str] = []
    async with Tree(say=happened.append) as tree:
        await tree.start(Puppet("fine", happened))
        with pytest.raises(EngineError, match="cannot"):
            await tree.start(Puppet("broken", happened, broken=True))

    assert happened[-2:] == ["stop broken", "stop fine"]


async def test_a_program_that_ends_at_once_is_an_error(tmp_path: Path) -> None:
    """The error carries the end of what it said."""

    async def never() -> bool:
        return False

    program = Program(
        "program", ["/bin/sh", "-c", "echo no luck; exit 3"], log=tmp_path / "log", answers=never
    )
    with pytest.raises(EngineError, match="program ended at its start: no luck"):
        await program.start()


async def test_a_lock_is_free_when_its_last_holder_ends(tmp_path: Path) -> None:
    """A child that holds a lock with us keeps it after we let go."""
    lock = Lock(tmp_path / "lock")
    await lock.take()
    child = await Child.start("cat", ["/bin/sleep", "60"], log=tmp_path / "log", lock=lock)
    lock.release()
    taking = asyncio.create_task(Lock(tmp_path / "lock").take())
    done, _ = await asyncio.wait([taking], timeout=0.2)
    assert not done

    await child.stop()

    await asyncio.wait_for(taking, 5)


async def test_a_session_has_its_share_of_the_cpus(tmp_path: Path) -> None:
    """The API's comes before the worker's, where the kernel shares by session."""
    shares = Path("/proc/self/autogroup")
    if not shares.exists():
        pytest.skip("this kernel does not group sessions")
    program = Program(
        "program",
        ["/bin/sh", "-c", "cat /proc/self/autogroup; exec sleep 60"],
        log=tmp_path / "log",
        nice=4,
    )
    await program.start()
    try:
        async with asyncio.timeout(10):
            while "nice" not in (tmp_path / "log").read_text():
                await asyncio.sleep(0.02)
    finally:
        await program.stop()

    assert (tmp_path / "log").read_text().split()[-2:] == ["nice", "4"]
