"""Bar: judged 200 times under load, a 500 ms program's CPU time spreads at most 5 %; no flips.

The slot is on one CPU, every other CPU is kept busy. The spread is (p95 - p5) / median of the CPU
time in the judgements. A flip is another verdict than expected while the limit is outside the
band of 10 % around the program's time: the 200 judgings have a limit of median / 0.88 and must be
accepted, some more have a limit of median x 0.88 and must exceed it. Bare runs of the same
program in the same minutes show what the machine itself does to CPU times.
"""

from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import MS, bare, median, percentile, spread
from benchmarks.setting import CPUS, busy, judging, package, scratch, static_program
from judge.judging import Judge, Options
from judge.problem.model import Problem
from judge.submission import Submission
from judge.verdicts import Verdict

JUDGINGS = 200
BEYOND = 20
BARE_EVERY = 4
CALIBRATION = 10
BOUND_PERCENT = 5
OUTSIDE = 0.88
PROGRAM_S = 0.5
SOURCE = """#include <stdio.h>
int main(void) {
    unsigned long state = 88172645463325252ul, sum = 0;
    for (long i = 0; i < ROUNDSL; i++) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        sum += state & 1;
    }
    printf("%lu\\n", sum > 0 ? 1ul : 0ul);
    return 0;
}
"""
PROBE_ROUNDS = 20_000_000


async def measure() -> Report:
    """Judge, and run bare in between."""
    with scratch() as directory, busy(CPUS[1:2]):
        probe = static_program(directory, SOURCE.replace("ROUNDS", str(PROBE_ROUNDS)))
        took = min(bare([str(probe)], cpu_of_us=False).cpu for _ in range(5))
        rounds = int(PROBE_ROUNDS * PROGRAM_S / took)
        source = SOURCE.replace("ROUNDS", str(rounds))
        program = str(static_program(directory, source))
        problem = package(directory / "package", [(b"", b"1\n")])
        async with judging("docker", images=["gcc"], cache=directory / "cache") as opened:
            first = [await _once(opened.judge, problem, source, 10_000) for _ in range(CALIBRATION)]
            middle = median(cpu for _, cpu in first)
            judged, floor = [], []
            for number in range(JUDGINGS):
                limit_ms = int(middle / OUTSIDE * MS)
                judged.append(await _once(opened.judge, problem, source, limit_ms))
                if number % BARE_EVERY == 0:
                    floor.append(bare([program], cpu_of_us=False).cpu)
            limit_ms = int(middle * OUTSIDE * MS)
            beyond = [await _once(opened.judge, problem, source, limit_ms) for _ in range(BEYOND)]
    flips = sum(verdict is not Verdict.AC for verdict, _ in judged)
    flips += sum(verdict is not Verdict.TLE for verdict, _ in beyond)
    times = [cpu for _, cpu in judged]
    figures = (
        Figure(
            name=f"{JUDGINGS} judgings under load: spread of CPU time",
            value=100 * spread(times),
            unit="%",
            bound=BOUND_PERCENT,
            note=f"median {median(times) * MS:.1f} ms; bare runs {100 * spread(floor):.1f} %",
        ),
        Figure(
            name=f"verdict flips in {JUDGINGS + BEYOND} judgings outside the band",
            value=flips,
            unit="",
            bound=0,
        ),
    )
    details = {
        who: {f"cpu_ms_p{each}": round(percentile(values, each) * MS, 2) for each in (5, 50, 95)}
        for who, values in (("judged", times), ("bare", floor))
    }
    return Report(figures=figures, details=details)


async def _once(
    judge: Judge, problem: Problem, source: str, limit_ms: int
) -> tuple[Verdict, float]:
    submission = Submission(files={"main.c": source.encode()}, language="c")
    judgement = await judge.judge(problem, submission, options=Options(cpu_ms=limit_ms))
    return judgement.verdict, judgement.cpu_us / 1e6


if __name__ == "__main__":
    run(measure)
