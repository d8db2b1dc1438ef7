"""Bar: two slots judge a mixed queue at 90 % or more of the pace of bare compile-and-run.

The queue holds every language once per round, each submission new to the artefact cache, 10 tests
each. Bare: one worker per CPU takes from the same queue and lets containers of the same images
compile with the same command and run with the same command, unwatched, one after the other.
"""

import asyncio
import time
from collections import deque
from contextlib import AsyncExitStack, ExitStack
from itertools import count
from pathlib import Path

from benchmarks.bare import Bare
from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import median
from benchmarks.setting import CPUS, Opened, judging, package, scratch
from benchmarks.solution import judge_once
from benchmarks.submissions import SOURCES, bare_steps, cases, sources
from judge.languages import get
from judge.problem.model import Problem

ROUNDS = 3
COPIES = 2
TESTS = 10
BOUND = 0.9
INPUTS = [f"/inputs/{number}.in" for number in range(TESTS)]

Queue = list[tuple[str, dict[str, str]]]


async def measure() -> Report:
    """Compare submissions per second."""
    cpus, tags = CPUS[:2], count()
    images = sorted({get(language).image for language in SOURCES})
    ours, floors = [], []
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(scratch())
        for number, (given, _) in enumerate(cases(TESTS)):
            (directory / f"{number}.in").write_bytes(given)
        floor = _bare_workers(stack, images, cpus, directory)
        problem = package(directory / "package", cases(TESTS))
        opened = await stack.enter_async_context(
            judging("docker", cpus=cpus, images=images, cache=directory / "cache")
        )
        await _judged(opened, problem, _queue(tags, 1), len(cpus))
        for _ in range(ROUNDS):
            floors.append(await _bare(floor, _queue(tags, COPIES)))
            ours.append(await _judged(opened, problem, _queue(tags, COPIES), len(cpus)))
    size = COPIES * len(SOURCES)
    figure = Figure(
        name=f"mixed queue on {len(cpus)} CPUs, submissions per second over bare",
        value=median(floors) / median(ours),
        unit="x",
        bound=BOUND,
        at_least=True,
        note=f"{size / median(ours):.2f}/s to {size / median(floors):.2f}/s",
    )
    return Report(figures=(figure,), details={"queue": size, "judged_s": ours, "bare_s": floors})


def _queue(tags: "count[int]", copies: int) -> Queue:
    return [
        (language, sources(language, next(tags))) for _ in range(copies) for language in SOURCES
    ]


def _bare_workers(
    stack: AsyncExitStack, images: list[str], cpus: list[int], inputs: Path
) -> list[dict[str, Bare]]:
    inner = stack.enter_context(ExitStack())
    return [
        {image: inner.enter_context(Bare(image, cpu, inputs=inputs)) for image in images}
        for cpu in cpus
    ]


async def _bare(workers: list[dict[str, Bare]], queue: Queue) -> float:
    waiting = deque(queue)

    def work(containers: dict[str, Bare]) -> None:
        while waiting:
            try:
                language, files = waiting.popleft()
            except IndexError:
                return
            containers[get(language).image].run(bare_steps(language, INPUTS), files=files)

    begin = time.perf_counter()
    await asyncio.gather(*(asyncio.to_thread(work, each) for each in workers))
    return time.perf_counter() - begin


async def _judged(opened: Opened, problem: Problem, queue: Queue, workers: int) -> float:
    waiting = deque(queue)

    async def work() -> None:
        while waiting:
            language, files = waiting.popleft()
            await judge_once(opened.judge, problem, language, files)

    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return time.perf_counter() - begin


if __name__ == "__main__":
    run(measure)
