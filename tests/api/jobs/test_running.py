"""What a job promises: done once, by whoever holds its lease, or failed with a reason."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from api.db.models import AuditEntry, Job, JobLane, JobState
from api.errors import TooManyError
from api.jobs import claiming, service
from api.jobs.claiming import JobClaim
from api.live import Topic, keys
from api.wiring import Parts
from tests.api.jobs.conftest import ALICE, RunnerFor, Scripted, queued, row

BOB = uuid4()


async def claimed(parts: Parts, lane: JobLane = JobLane.LONG) -> JobClaim | None:
    """Claim as some worker."""
    async with parts.sessions() as session:
        return await claiming.claim(session, uuid4(), lane, kinds=["test"], lease_s=5)


async def change(parts: Parts, **values: Any) -> None:
    """Change all jobs."""
    async with parts.sessions() as session:
        await session.execute(update(Job).values(**values))
        await session.commit()


async def expire(parts: Parts) -> None:
    """Let all leases run out."""
    past = func.now() - text("interval '1 second'")
    async with parts.sessions() as session:
        await session.execute(
            update(Job).where(Job.state == "running").values(lease_expires_at=past)
        )
        await session.commit()


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, but not for ever."""
    async with asyncio.timeout(10):
        while not await check():
            await asyncio.sleep(0.01)


async def stored(parts: Parts) -> int:
    """Return how many jobs left something behind."""
    async with parts.sessions() as session:
        return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize(
    ("say", "state", "tries", "problem"),
    [
        ("fine", JobState.DONE, 1, None),
        ("no", JobState.FAILED, 1, (422, "no-such-luck", "this cannot be")),
        ("lost", JobState.FAILED, 3, (500, "internal", "Our fault")),
        ("bug", JobState.FAILED, 3, (500, "internal", "Our fault")),
    ],
)
async def test_every_job_comes_to_an_end(
    parts: Parts,
    runner_for: RunnerFor,
    script: Scripted,
    say: str,
    state: JobState,
    tries: int,
    problem: tuple[int, str, str] | None,
) -> None:
    """A refusal ends at once; what is our failure is tried again, later, and ends all the same."""
    job_id = await queued(parts, say)
    runner = runner_for()
    for _ in range(5):
        await runner.look(JobLane.LONG)
        rested = len(script.done)
        await runner.look(JobLane.LONG)
        assert len(script.done) == rested, "a failure of ours waits before it is tried again"
        await change(parts, due_at=func.now())
    found = await row(parts, job_id)

    assert (found.state, found.attempt, len(script.done)) == (state, tries, tries)
    assert found.lease_owner is None
    assert found.finished_at is not None
    if problem is None:
        assert found.result == {"said": "fine\ufffd", "stored": True}
        assert (found.progress, found.error) == (100, None)
    else:
        assert found.error is not None
        assert (found.error["status"], found.error["type"]) == (
            problem[0],
            f"urn:codebattle:error:{problem[1]}",
        )
        assert found.error["detail"].startswith(problem[2])
        assert found.error["instance"] == f"/v1/jobs/{job_id}"
    assert await stored(parts) == (problem is None)


async def test_a_lost_lease_is_done_elsewhere_and_refused_here(
    parts: Parts, runner_for: RunnerFor, script: Scripted
) -> None:
    """What a worker brings after its lease was lost leaves nothing behind."""
    job_id = await queued(parts, "wait")
    slow = runner_for()
    task = asyncio.create_task(slow.look(JobLane.LONG))
    await script.waiting.wait()
    # A claim passes over a row that is being written to: what the slow one tells has to be there.
    await until(lambda: _told(parts, job_id))
    await expire(parts)
    async with parts.sessions() as session:
        swept = await claiming.sweep(session, attempts_max=3, problem=_problem)
    other = await claimed(parts)
    script.go_on.set()
    await task
    found = await row(parts, job_id)

    assert (swept.again, swept.waiting) == (1, frozenset({JobLane.LONG}))
    assert other is not None
    assert (found.state, found.fencing_token, found.result) == (
        JobState.RUNNING,
        other.token,
        None,
    )
    assert await stored(parts) == 0


async def _told(parts: Parts, job_id: UUID) -> bool:
    return (await row(parts, job_id)).progress == 40


def _problem(job_id: UUID, request_id: str) -> dict[str, Any]:
    return {"job": str(job_id), "request": request_id}


async def test_a_sweep_gives_up_what_was_lost_too_often(parts: Parts) -> None:
    """The bound holds for workers that die as well."""
    job_id = await queued(parts, "fine")
    for _ in range(3):
        assert await claimed(parts) is not None
        await expire(parts)
        async with parts.sessions() as session:
            swept = await claiming.sweep(session, attempts_max=3, problem=_problem)
    found = await row(parts, job_id)

    assert [each[0] for each in swept.given_up] == [job_id]
    assert (found.state, found.attempt) == (JobState.FAILED, 3)
    assert found.error == _problem(job_id, "")


async def test_a_drained_worker_gives_long_jobs_back_at_once(
    parts: Parts, runner_for: RunnerFor, script: Scripted
) -> None:
    """They are queued again, uncounted; a quick one may finish."""
    long = await queued(parts, "wait")
    quick = await queued(parts, "wait", lane=JobLane.QUICK)
    runner = runner_for()
    runner.ring()
    await until(lambda: _holds(runner, 2))
    draining = asyncio.create_task(runner.drain(10))
    await until(lambda: _holds(runner, 1))
    script.go_on.set()
    await draining
    given, finished = await row(parts, long), await row(parts, quick)

    assert (given.state, given.attempt, given.lease_owner) == (JobState.QUEUED, 0, None)
    assert (finished.state, finished.payload) == (JobState.DONE, {})


async def _holds(runner: Any, count: int) -> bool:
    return bool(runner.held == count)


async def test_one_long_job_at_a_time_beside_quick_ones(
    parts: Parts, runner_for: RunnerFor, script: Scripted
) -> None:
    """Long jobs take one place, quick ones as many as there are slots."""
    for lane in (*[JobLane.LONG] * 2, *[JobLane.QUICK] * 3):
        await queued(parts, "wait", lane=lane)
    runner = runner_for()
    for _ in range(4):
        runner.ring()
    await until(lambda: _holds(runner, 3))
    async with parts.sessions() as session:
        running = list(await session.scalars(select(Job.lane).where(Job.state == JobState.RUNNING)))
    script.go_on.set()
    await until(lambda: _holds(runner, 0))

    assert sorted(running) == [JobLane.LONG, JobLane.QUICK, JobLane.QUICK]
    assert runner.patient == 0


async def test_a_cancelled_job_stops(parts: Parts, runner_for: RunnerFor, script: Scripted) -> None:
    """The next heartbeat tells the worker; nothing is stored, nothing is queued again."""
    job_id = await queued(parts, "wait")
    runner = runner_for()
    task = asyncio.create_task(runner.look(JobLane.LONG))
    await script.waiting.wait()
    async with parts.sessions() as session:
        assert await claiming.cancel(session, job_id) is not None
        await session.commit()
    await runner.beat()
    await task
    found = await row(parts, job_id)

    assert (found.state, found.lease_owner) == (JobState.CANCELLED, None)
    assert runner.held == 0
    assert await stored(parts) == 0


async def test_a_pile_does_not_come_before_somebody_else(parts: Parts) -> None:
    """Alice's five do not keep Bob's one waiting, and nobody may have more than the bound."""
    alices = [await queued(parts, "fine", lane=JobLane.QUICK) for _ in range(5)]
    bobs = await queued(parts, "fine", owner=BOB, lane=JobLane.QUICK)
    async with parts.sessions() as session:
        with pytest.raises(TooManyError, match="5 of your jobs"):
            await service.enqueue(
                session,
                parts.settings,
                "test",
                {},
                owner_id=ALICE,
                lane=JobLane.QUICK,
                waiting_max=5,
            )
    order = [
        each.job_id for _ in range(6) if (each := await claimed(parts, JobLane.QUICK)) is not None
    ]

    assert order.index(bobs) == 1
    assert [each for each in order if each != bobs] == alices


async def test_followers_hear_each_step(parts: Parts, runner_for: RunnerFor) -> None:
    """Running, how far, and the end are published, without the result."""
    job_id = await queued(parts, "fine")
    async with parts.redis.pubsub() as channel:
        await channel.subscribe(keys.CHANNEL)
        await runner_for().look(JobLane.LONG)
        seen: list[str] = []
        async with asyncio.timeout(5):
            while len(seen) < 3:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=1)
                if message and message["data"].startswith(Topic.JOB.of(job_id).encode()):
                    seen.append(message["data"].decode())

    assert ['"state":"running"' in each for each in seen] == [True, True, False]
    assert '"progress":40,"message":"2 of 5 things"' in seen[1]
    assert '"state":"done","progress":100' in seen[2]
    assert not any("said" in each for each in seen)


async def test_old_jobs_of_a_kind_are_forgotten(parts: Parts, runner_for: RunnerFor) -> None:
    """Only what has ended, only of that kind, only after its time."""
    await queued(parts, "fine")
    await runner_for().look(JobLane.LONG)
    waiting = await queued(parts, "fine")

    async def forgotten(**kinds: float) -> int:
        async with parts.sessions() as session:
            gone = await service.prune(session, kinds=kinds)
            await session.commit()
            return gone

    assert await forgotten(test=3600, other=0) == 0
    assert await forgotten(test=0) == 1
    assert (await row(parts, waiting)).state is JobState.QUEUED
