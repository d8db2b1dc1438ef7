"""Bar: two slots judge a mixed queue at 90 % or more of the pace of bare compile-and-run.

The queue holds every language once per round, each submission new to the artefact cache, 10 tests
each. Bare: one worker per CPU takes from the same queue and lets containers of the same images
compile with the same command and run with the same command, unwatched, one after the other.
Rounds are short and paired, each with the bare one before it; the median of their ratios counts.
"""

import asyncio
import time
from collections import deque
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict
from itertools import count
from pathlib import Path

from benchmarks.bare import Bare
from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import Sample, median
from benchmarks.setting import CPUS, Books, Opened, judging, package, scratch
from benchmarks.solution import judge_once
from benchmarks.submissions import SOURCES, bare_steps, cases, sources
from judge.languages import get
from judge.problem.model import Problem

ROUNDS = 7
WORKERS = 2
TESTS = 10
BOUND = 0.9
INPUTS = [f"/inputs/{number}.in" for number in range(TESTS)]

Queue = list[tuple[str, dict[str, str]]]


async def measure() -> Report:
    """Compare submissions per second."""
    cpus, tags = CPUS[:WORKERS], count()
    images = sorted({get(language).image for language in SOURCES})
    ours: list[Sample] = []
    floors: list[Sample] = []
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(scratch())
        for number, (given, _) in enumerate(cases(TESTS)):
            (directory / f"{number}.in").write_bytes(given)
        floor = _bare_workers(stack, images, cpus, directory)
        problem = package(directory / "package", cases(TESTS))
        opened = await stack.enter_async_context(
            judging("docker", cpus=cpus, images=images, cache=directory / "cache")
        )
        books = Books("docker")
        await _judged(opened, problem, _queue(tags), books)
        for _ in range(ROUNDS):
            floors.append(await _bare(floor, _queue(tags)))
            ours.append(await _judged(opened, problem, _queue(tags), books))
    size, pairs = len(SOURCES), list(zip(floors, ours, strict=True))
    bare_s, judged_s = (median(each.wall for each in found) for found in (floors, ours))
    figures = (
        Figure(
            name=f"mixed queue on {len(cpus)} CPUs, submissions per second over bare",
            value=median(bare.wall / judged.wall for bare, judged in pairs),
            unit="x",
            bound=BOUND,
            at_least=True,
            note=f"{size / judged_s:.2f}/s to {size / bare_s:.2f}/s",
        ),
        Figure(
            name="the same by CPU time",
            value=median(bare.cpu / judged.cpu for bare, judged in pairs),
            unit="x",
        ),
    )
    details = {"queue": size, "bare_judged_s": [(asdict(a), asdict(b)) for a, b in pairs]}
    return Report(figures=figures, details=details)


def _queue(tags: "count[int]") -> Queue:
    return [(language, sources(language, next(tags))) for language in SOURCES]


def _bare_workers(
    stack: AsyncExitStack, images: list[str], cpus: list[int], inputs: Path
) -> list[dict[str, Bare]]:
    inner = stack.enter_context(ExitStack())
    return [
        {image: inner.enter_context(Bare(image, cpu, inputs=inputs)) for image in images}
        for cpu in cpus
    ]


async def _bare(workers: list[dict[str, Bare]], queue: Queue) -> Sample:
    waiting = deque(queue)

    def work(containers: dict[str, Bare]) -> float:
        cpu = 0.0
        while True:
            try:
                language, files = waiting.popleft()
            except IndexError:
                return cpu
            steps = bare_steps(language, INPUTS)
            cpu += containers[get(language).image].run(steps, files=files).total.cpu

    begin = time.perf_counter()
    spent = await asyncio.gather(*(asyncio.to_thread(work, each) for each in workers))
    return Sample(time.perf_counter() - begin, sum(spent))


async def _judged(opened: Opened, problem: Problem, queue: Queue, books: Books) -> Sample:
    waiting = deque(queue)

    async def work() -> None:
        while waiting:
            language, files = waiting.popleft()
            await judge_once(opened.judge, problem, language, files)

    before = books.all()
    await asyncio.gather(*(work() for _ in range(WORKERS)))
    after = books.all()
    return Sample(after.wall - before.wall, after.cpu - before.cpu)


if __name__ == "__main__":
    run(measure)
