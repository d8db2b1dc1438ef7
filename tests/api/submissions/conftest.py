"""A judge that answers from a script, for tests of what happens around judging."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from api.db.base import new_id
from api.ending import ended
from api.problems.cache import PackageCache
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Judgement, Run
from judge.submission import Submission
from judge.verdicts import Verdict


class ScriptedJudge:
    """Judges by what the source says: `AC`, `WA`, `JE`, or `wait` until told to go on."""

    def __init__(self) -> None:
        self.judged: list[str] = []
        self.waiting = asyncio.Event()
        self.go_on = asyncio.Event()

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> Judgement:
        """Judge as the source says."""
        del options
        text = next(iter(submission.files.values())).decode().strip()
        self.judged.append(text)
        progress(Progress(stage="compiling", total=2))
        if text.startswith("wait"):
            self.waiting.set()
            await self.go_on.wait()
            text = "AC"
        verdict = Verdict(text[:2])
        cases = [case.name for case in problem.cases()][:2]
        runs = tuple(Run(case=name, verdict=verdict, cpu_us=1500) for name in cases)
        for index, run in enumerate(runs, start=1):
            progress(Progress(stage="running", case=run.case, index=index, total=2))
            progress(Progress(stage="running", case=run.case, index=index, total=2, run=run))
        progress(Progress(stage="done"))
        return Judgement(
            problem=problem.name,
            verdict=verdict,
            language=submission.language,
            runs=runs,
            case_total=2,
            cpu_us=1500,
        )


@pytest.fixture
def judge() -> ScriptedJudge:
    """Return the judge of this test's workers."""
    return ScriptedJudge()


WorkerFor = Callable[..., SubmissionJobs]


@pytest.fixture
async def worker_for(parts: Parts, judge: ScriptedJudge) -> AsyncIterator[WorkerFor]:
    """Return a maker of workers that do nothing by themselves: call `look`, `beat`, `sweep`."""
    made: list[SubmissionJobs] = []

    def make(*, slots: int = 1, judged_by: ScriptedJudge = judge) -> SubmissionJobs:
        cache = PackageCache(parts.settings.cache_dir, parts.blobs, bytes_max=1 << 30)
        made.append(SubmissionJobs(parts, judged_by, cache, worker=new_id(), slots=slots))
        return made[-1]

    yield make
    for each in made:
        await each.drain(0)


@asynccontextmanager
async def looking(worker: SubmissionJobs) -> AsyncIterator[None]:
    """Let a worker look in the background until the end of the block."""
    task = asyncio.create_task(worker.look())
    try:
        yield
        await task
    finally:
        await ended(task)
        await worker.drain(0)
