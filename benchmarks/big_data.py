"""Bar: 64 MB of input and 64 MB of output each add at most 0.5 s to the same program run bare.

Judged is everything from submission to verdict, the comparison with the answer included; the
compiled program comes from the cache. Bare is the same program with its input from a file and its
output to a file. The peaks of the worker's and of warden's resident sets are taken relative to
judging a small case first.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bare import Bare, Step
from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import command_name, forget_peak, median, peak_bytes
from benchmarks.setting import CPUS, judging, own_containers, own_wardens, package, scratch
from benchmarks.solution import judge_once
from judge.judging import Judge
from judge.limits import MIB
from judge.problem.model import Problem

ROUNDS = 5
SIZE_MIB = 64
BOUND_S = 0.5
BOUND_MIB = 32
# Reads everything and prints a sum, or prints as many lines as it is told.
SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char block[1 << 16];
int main(void) {
    size_t got = fread(block, 1, sizeof block, stdin);
    if (got > 0 && block[0] == 'w') {
        long lines = atol(block + 2);
        for (long i = 0; i < lines; i++) printf("%015ld\\n", i * 7919);
        return 0;
    }
    unsigned long long sum = 0;
    for (; got > 0; got = fread(block, 1, sizeof block, stdin))
        for (size_t i = 0; i < got; i++) sum += (unsigned char)block[i];
    printf("%llu\\n", sum);
    return 0;
}
"""
LINE_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A problem of one case, and the path of its input."""

    name: str
    problem: Problem
    given: Path


async def measure() -> Report:
    """Measure both backends and both directions."""
    figures: list[Figure] = []
    details = {}
    with scratch() as directory, Bare("gcc", CPUS[0], inputs=directory) as floor:
        loads = _loads(directory)
        compiling = Step(argv=("gcc", "-O2", "-static", "-o", "program", "main.c"))
        floor.run([compiling], files={"main.c": SOURCE})
        for backend in ("docker", "bubblewrap"):
            async with judging(backend, images=["gcc"], cache=directory / "cache") as opened:
                wardens = own_containers() if backend == "docker" else own_wardens()
                assert all(command_name(pid) == "warden" for pid in wardens)
                base = await _small(opened.judge, loads[0], wardens)
                for load in loads[1:]:
                    found = [
                        (await _once(opened.judge, load), _bare(floor, load, directory))
                        for _ in range(ROUNDS)
                    ]
                    added = median(ours for ours, _ in found) - median(bare for _, bare in found)
                    grown = [_peak(pid) - base[pid] for pid in base]
                    details[f"{backend} {load.name}"] = {"judged_bare_s": found, "grown": grown}
                    what = f"{SIZE_MIB} MB {load.name}, {backend}"
                    figures.append(
                        Figure(name=f"{what}: added", value=added, unit="s", bound=BOUND_S)
                    )
                    figures += [
                        Figure(
                            name=f"{what}: {who}'s memory grown",
                            value=grown_bytes / MIB,
                            unit="MiB",
                            bound=BOUND_MIB,
                        )
                        for who, grown_bytes in zip(("worker", "warden"), grown, strict=True)
                    ]
    return Report(figures=tuple(figures), details=details)


def _loads(directory: Path) -> list[Load]:
    size = SIZE_MIB * MIB
    text = b"0123456789abcde\n" * (size // LINE_BYTES)
    lines = b"".join(b"%015d\n" % (number * 7919) for number in range(size // LINE_BYTES))
    wanted = {
        "small": (b"abc\n", b"304\n"),
        "input": (text, b"%d\n" % (sum(text[:LINE_BYTES]) * (size // LINE_BYTES))),
        "output": (b"w %d\n" % (size // LINE_BYTES), lines),
    }
    loads = []
    for name, case in wanted.items():
        problem = package(directory / name, [case], output_mib=2 * SIZE_MIB)
        loads.append(Load(name=name, problem=problem, given=problem.cases()[0].input))
    return loads


async def _small(judge: Judge, load: Load, wardens: list[int]) -> dict[int | str, int]:
    """Judge a small case; return the peaks of the worker and of warden."""
    # The first two compile and put the program into the cache.
    for _ in range(3):
        await judge_once(judge, load.problem, "c", {"main.c": SOURCE})
    processes: list[int | str] = ["self", *wardens]
    for pid in processes:
        forget_peak(pid)
    await judge_once(judge, load.problem, "c", {"main.c": SOURCE})
    return {pid: _peak(pid) for pid in processes}


def _peak(pid: int | str) -> int:
    return peak_bytes(pid)


async def _once(judge: Judge, load: Load) -> float:
    begin = time.perf_counter()
    await judge_once(judge, load.problem, "c", {"main.c": SOURCE})
    return time.perf_counter() - begin


def _bare(floor: Bare, load: Load, directory: Path) -> float:
    path = f"/inputs/{load.given.relative_to(directory)}"
    step = Step(argv=("/prog/program",), stdin=path)
    return floor.run([step], fresh=False).steps[0].wall


if __name__ == "__main__":
    run(measure)
