"""Bars: memory limits mean what they say in four languages, and CPU limits are kept closely.

- A program that fills 0.9 of the memory limit is accepted, one that fills 1.1 of it is not (MLE):
  C++, Python, Java, Go, on both backends. Bubblewrap uses exported images, made here once.
- A CPU loop is stopped within its limit and 50 ms, and its CPU time is over the limit by at most
  20 ms (p95), while the other CPU is busy.
- A program that burns 100 ms and says by its own clock how much it used is billed within 1 ms.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import MS, percentile
from benchmarks.setting import CPUS, busy, judging, package, scratch, static_program
from judge.images import Images, data_directory
from judge.judging import Judge, Options
from judge.languages import get
from judge.limits import MIB
from judge.problem.model import Problem
from judge.rootfs import export
from judge.sandbox.base import Area, Cause, Command, File, Launcher, Outcome, Role, RunLimits
from judge.sandbox.bubblewrap import BubblewrapLauncher, BubblewrapSettings
from judge.sandbox.pool import Pool
from judge.spool import Spool
from judge.submission import Submission
from judge.verdicts import Verdict

MEMORY_MIB = 256
SHARES = {0.9: Verdict.AC, 1.1: Verdict.MLE}
LOOPS = 60
LOOP_LIMIT_MS = 200
BURNS = 100
OVERSHOOT_P95_MS = 20
STOPPED_MS = 50
ERROR_MS = 1

# Each fills as many MiB as it is told, and keeps them.
FILLERS = {
    "cpp": (
        "main.cpp",
        """#include <iostream>
#include <string>
#include <vector>
int main() {
    size_t count;
    std::cin >> count;
    std::vector<std::string> kept(count);
    for (auto &each : kept) each.assign(1 << 20, 'x');
    std::cout << kept.size() << std::endl;
}
""",
    ),
    "python3": (
        "main.py",
        'kept = [b"%d" % i + b"x" * (1 << 20) for i in range(int(input()))]\nprint(len(kept))\n',
    ),
    "java": (
        "Main.java",
        """import java.util.*;
public class Main {
    public static void main(String[] args) {
        int count = new Scanner(System.in).nextInt();
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] block = new byte[(1 << 20) - 64];
            Arrays.fill(block, (byte) 1);
            kept.add(block);
        }
        System.out.println(kept.size());
    }
}
""",
    ),
    "go": (
        "main.go",
        """package main

import "fmt"

func main() {
	var count int
	fmt.Scan(&count)
	kept := make([][]byte, 0, count)
	for i := 0; i < count; i++ {
		block := make([]byte, 1<<20)
		for at := range block {
			block[at] = 1
		}
		kept = append(kept, block)
	}
	fmt.Println(len(kept))
}
""",
    ),
}
BURNER = """#include <stdio.h>
#include <time.h>
static double used(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}
int main(int argc, char **argv) {
    (void)argv;
    while (argc > 1 || used() < 100) {}
    printf("%.4f\\n", used());
    return 0;
}
"""


@dataclass(frozen=True, slots=True)
class Loops:
    """How far loops ran over their limit, in ms of CPU and until the answer was here."""

    over_cpu: list[float]
    over_stop: list[float]


async def measure() -> Report:
    """Measure memory, then CPU."""
    figures = []
    with scratch() as directory:
        memory = {
            "docker": await _memory("docker", directory / "docker"),
            "bubblewrap": await _memory(_exported(), directory / "bubblewrap"),
        }
        program = static_program(directory, BURNER)
        for backend, cells in memory.items():
            right = sum(got is want for got, want in cells.values())
            wrong = [f"{name} {got}" for name, (got, want) in cells.items() if got is not want]
            figures.append(
                Figure(
                    name=f"memory limits told right, {backend}",
                    value=right,
                    unit=f"of {len(cells)}",
                    bound=len(cells),
                    at_least=True,
                    note=", ".join(wrong) or "0.9 AC, 1.1 MLE: C++, Python, Java, Go",
                )
            )
        for backend in memory:
            async with judging(backend, images=["gcc"]) as opened:
                with busy(CPUS[1:2]):
                    loops = await _loops(opened.pool, program)
                    errors = await _errors(opened.pool, program)
            figures += _cpu_figures(backend, loops, errors)
    details = {
        backend: {name: str(got) for name, (got, _) in cells.items()}
        for backend, cells in memory.items()
    }
    return Report(figures=tuple(figures), details=details)


def _cpu_figures(backend: str, loops: Loops, errors: list[float]) -> list[Figure]:
    return [
        Figure(
            name=f"CPU loop, {backend}: CPU time over the limit, p95",
            value=percentile(loops.over_cpu, 95),
            unit="ms",
            bound=OVERSHOOT_P95_MS,
            note=f"median {percentile(loops.over_cpu, 50):.2f}, most {max(loops.over_cpu):.2f}",
        ),
        Figure(
            name=f"CPU loop, {backend}: CPU time over the limit, most",
            value=max(loops.over_cpu),
            unit="ms",
            bound=STOPPED_MS,
            note=f"wall until stopped less the limit: median {percentile(loops.over_stop, 50):.1f}",
        ),
        Figure(
            name=f"CPU time of a 100 ms burn under load, {backend}: error, p95",
            value=percentile(errors, 95),
            unit="ms",
            bound=ERROR_MS,
            note=f"median {percentile(errors, 50):.3f}, most {max(errors):.3f}",
        ),
    ]


def _exported() -> Launcher:
    """Return bubblewrap on exported images, exporting those that are missing or outdated."""
    images, root = Images(), data_directory() / "bench-rootfs"
    for name in sorted({get(language).image for language in FILLERS}):
        mark = root / f"{name}.tag"
        if not mark.exists() or mark.read_text(encoding="utf-8") != images.tag(name):
            export(images, name, root)
            mark.write_text(images.tag(name), encoding="utf-8")
    return BubblewrapLauncher(BubblewrapSettings(rootfs=root))


async def _memory(backend: str | Launcher, directory: Path) -> dict[str, tuple[Verdict, Verdict]]:
    """Return for each language and share the verdict and the one it should be."""
    cells = {}
    async with judging(backend, cache=directory / "cache") as opened:
        for share, wanted in SHARES.items():
            count = round(MEMORY_MIB * share)
            case = (b"%d\n" % count, b"%d\n" % count)
            problem = package(directory / str(share), [case], memory_mib=MEMORY_MIB)
            for language in FILLERS:
                got = await _verdict(opened.judge, problem, language)
                cells[f"{language} {share}"] = (got, wanted)
    return cells


async def _verdict(judge: Judge, problem: Problem, language: str) -> Verdict:
    name, text = FILLERS[language]
    submission = Submission(files={name: text.encode()}, language=language)
    return (await judge.judge(problem, submission, options=Options(full=True))).verdict


async def _loops(pool: Pool, program: Path) -> Loops:
    """Stop endless loops at their CPU limit."""
    found = Loops([], [])
    async with pool.lease() as slot:
        sandbox = await slot.sandbox("gcc")
        await sandbox.put(Area.PROGRAM, [_file(program)])
        for _ in range(LOOPS):
            begin = time.perf_counter()
            outcome = await sandbox.run(_command(LOOP_LIMIT_MS, "for ever"))
            if outcome.cause is not Cause.CPU_LIMIT:
                raise RuntimeError(f"an endless loop: {outcome}")
            found.over_cpu.append(outcome.cpu_us / MS - LOOP_LIMIT_MS)
            found.over_stop.append((time.perf_counter() - begin) * MS - LOOP_LIMIT_MS)
    return found


async def _errors(pool: Pool, program: Path) -> list[float]:
    """Compare what warden bills with what programs read on their own clocks at their end."""
    errors = []
    async with pool.lease() as slot:
        sandbox = await slot.sandbox("gcc")
        await sandbox.put(Area.PROGRAM, [_file(program)])
        for _ in range(BURNS):
            with Spool() as output:
                outcome: Outcome = await sandbox.run(_command(2000), output)
                errors.append(abs(outcome.cpu_us / MS - float(output.head(40))))
    return errors


def _file(program: Path) -> File:
    return File(path="program", data=program, executable=True)


def _command(cpu_ms: int, *args: str) -> Command:
    return Command(
        argv=(f"{Area.PROGRAM}/program", *args),
        role=Role.RUN,
        limits=RunLimits(cpu_ms=cpu_ms, wall_ms=60_000, memory_bytes=256 * MIB, output_bytes=MIB),
    )


if __name__ == "__main__":
    run(measure)
