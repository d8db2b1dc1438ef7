"""Jobs that do what their payload says, for tests of what happens around doing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import AuditEntry, Job, JobLane
from api.errors import InvalidError
from api.jobs import service
from api.jobs.running import Finished, JobRunner, Work
from api.wiring import Parts
from judge.errors import SandboxLostError

ALICE = uuid4()


class Scripted:
    """A handler: `say` is `fine`, `no`, `lost`, `bug`, or `wait` until told to go on."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.waiting = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, work: Work) -> Finished:
        """Do as the payload says."""
        say = str(work.payload["say"])
        self.done.append(say)
        work.progress(40, "2 of 5 things")
        if say == "no":
            raise InvalidError("this cannot be", slug="no-such-luck")
        if say == "lost":
            raise SandboxLostError("gone")
        if say == "bug":
            raise KeyError(say)
        if say == "wait":
            self.waiting.set()
            await self.go_on.wait()

        async def store(session: AsyncSession) -> dict[str, Any]:
            session.add(AuditEntry(action="tried", subject_kind="job", subject_id=say))
            return {"stored": True}

        return Finished(result={"said": f"{say}\0"}, store=store)


@pytest.fixture
def script() -> Scripted:
    """Return the handler of this test's workers."""
    return Scripted()


RunnerFor = Callable[..., JobRunner]


@pytest.fixture
async def runner_for(parts: Parts, script: Scripted) -> AsyncIterator[RunnerFor]:
    """Return a maker of workers that do nothing by themselves: call `look`, `beat`, `sweep`."""
    made: list[JobRunner] = []

    def make() -> JobRunner:
        made.append(JobRunner(parts, {"test": script}, worker=new_id(), slots=2))
        return made[-1]

    yield make
    for each in made:
        await each.drain(0)


async def queued(
    parts: Parts, say: str, *, owner: UUID = ALICE, lane: JobLane = JobLane.LONG
) -> UUID:
    """Queue a job and return its id."""
    async with parts.sessions() as session:
        job = await service.enqueue(
            session, parts.settings, "test", {"say": say}, owner_id=owner, lane=lane
        )
        await session.commit()
        return job.id


async def row(parts: Parts, job_id: UUID) -> Job:
    """Read a job."""
    async with parts.sessions() as session:
        return await session.get_one(Job, job_id)
