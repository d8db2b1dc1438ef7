"""The worker process as a whole, with a real sandbox and without Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, cast
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api.auth import CurrentUser
from api.db.models import Judging, JudgingState, Worker, WorkerState
from api.problems.service import Imported
from api.queue import JOBS, awaited
from api.settings import SelfTest, Settings
from api.submissions.desk import Desk
from api.submissions.schemas import NewSubmission
from api.wiring import Parts, opened
from api.worker import work
from api.workers.neighbourhood import Neighbourhood
from judge.sandbox.bubblewrap import BubblewrapLauncher
from judge.verdicts import Verdict

pytestmark = [
    pytest.mark.bubblewrap,
    pytest.mark.slow,
    pytest.mark.usefixtures("hello"),
]
GREETING = 'print(f"Welcome to the arena, {input()}!")\n'


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """Run a worker with one bubblewrap slot until the end of the block."""
    stop = asyncio.Event()
    launcher = BubblewrapLauncher()
    chosen = settings.model_copy(update={"judge_slots": 1})
    with Neighbourhood(chosen.cache_dir) as near:
        async with opened(chosen, application="tests") as held:
            task = asyncio.create_task(work(held, launcher, stop, near))
            try:
                yield task
            finally:
                stop.set()
                await task
                await launcher.close()


async def submitted(parts: Parts, source: str) -> Judging:
    """Submit a solution of `hello`."""
    new = NewSubmission(problem="hello", language="python3", source=source)
    async with aclosing(Desk(parts)) as desk, parts.sessions() as session:
        taken = await desk.take(CurrentUser(id=uuid4()), new, key=None, request_id="test", peer="")
        return await session.get_one(Judging, taken.judging_id)


async def judged(parts: Parts, judging: Judging, *, patience_s: float = 60) -> Judging:
    """Return a judging once it is final."""
    async with asyncio.timeout(patience_s):
        while True:
            async with parts.sessions() as session:
                found = await session.get_one(Judging, judging.id)
            if found.state.final:
                return found
            await asyncio.sleep(0.02)


async def test_a_worker_judges_what_waits_and_what_comes(parts: Parts, hello: Imported) -> None:
    """Submissions from before its start and after it, right and wrong; then it says goodbye."""
    del hello
    before = await submitted(parts, GREETING)
    async with working(parts.settings):
        first = await judged(parts, before)
        after = await submitted(parts, "print('no')\n")
        await parts.bell.ring()
        second = await judged(parts, after)
    async with parts.sessions() as session:
        states = list(await session.scalars(select(Worker.state)))

    assert (first.verdict, second.verdict) == (Verdict.AC, Verdict.WA)
    assert first.record is not None
    assert first.record["backend"] == "bubblewrap"
    assert states == [WorkerState.GONE]


async def test_a_ring_wakes_whoever_waits_and_is_not_kept_for_ever(parts: Parts) -> None:
    """One worker gets it at once; rings that nobody waits for are few however many there were."""
    waiting = asyncio.create_task(awaited(parts.redis))
    for _ in range(40):
        assert await parts.bell.ring(JOBS)
    left = await cast("Any", parts.redis.llen("codebattle:wake"))
    kept = [await awaited(parts.redis) for _ in range(left)]

    assert await waiting == JOBS
    assert 0 < len(kept) <= 16


async def test_without_redis_judging_goes_on(parts: Parts) -> None:
    """The sweep finds what nobody could ring for."""
    gone = parts.settings.model_copy(
        update={"redis_url": SecretStr("unix:///nowhere/redis.sock"), "sweep_s": 0.1}
    )
    waiting = await submitted(parts, GREETING)
    async with working(gone):
        found = await judged(parts, waiting)

    assert found.verdict is Verdict.AC


async def test_an_untested_sandbox_takes_no_work(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the self-test is required, work begins when all attacks have failed."""
    tested = asyncio.Event()

    async def attack(_judge: object) -> dict[str, object]:
        await tested.wait()
        return {"status": "passed", "attacks": 1}

    monkeypatch.setattr("api.workers.selftesting.attack", attack)
    strict = parts.settings.model_copy(update={"self_test": SelfTest.REQUIRE, "sweep_s": 0.1})
    waiting = await submitted(parts, GREETING)
    async with working(strict):
        with suppress(TimeoutError):
            await judged(parts, waiting, patience_s=1)
        async with parts.sessions() as session:
            untouched = (await session.get_one(Judging, waiting.id)).state
        tested.set()
        found = await judged(parts, waiting)

    assert untouched is JudgingState.QUEUED
    assert found.verdict is Verdict.AC
