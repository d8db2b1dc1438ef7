"""Bar: a run costs at most 1 ms more than `posix_spawn` and `wait`, in wall and in CPU time.

The same static binary is run bare, in a container and under bubblewrap, in turn. CPU time is that
of everybody: what the engine does after it has answered is counted too, because a backend's books
are read from one of its runs to the next. Then, two slots flat out: runs per second.
"""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import MS, Sample, bare, median, percentile
from benchmarks.setting import CPUS, Books, judging, scratch, static_program
from judge.limits import MIB
from judge.sandbox.base import Area, Command, File, Role, RunLimits, Sandbox
from judge.sandbox.pool import Pool
from judge.spool import Spool

ROUNDS = 600
WARM_UP = 20
FLAT_OUT_S = 4.0
HELLO = '#include <unistd.h>\nint main(void) { return write(1, "hello\\n", 6) != 6; }\n'
BOUND_MS = 1.0
RUNS_PER_S = 500
COMMAND = Command(
    argv=(f"{Area.PROGRAM}/program",),
    role=Role.RUN,
    limits=RunLimits(cpu_ms=1000, wall_ms=4000, memory_bytes=256 * MIB, output_bytes=MIB),
)


@dataclass(slots=True)
class Track:
    """One backend's warm sandbox and what its runs took."""

    sandbox: Sandbox
    books: Books
    samples: list[Sample] = field(default_factory=list)
    reported: list[float] = field(default_factory=list)
    _others: float = 0.0

    async def once(self) -> None:
        """Run the program; the others' CPU time is read at the start of the next run."""
        others = self.books.others()
        if self.samples:
            last = self.samples[-1]
            self.samples[-1] = Sample(last.wall, last.cpu + others - self._others)
        self._others = others
        own, begin = time.process_time(), time.perf_counter()
        with Spool() as output:
            outcome = await self.sandbox.run(COMMAND, output)
            right = output.head(10) == b"hello\n"
        wall, cpu = time.perf_counter() - begin, time.process_time() - own
        if not (outcome.ok and right):
            raise RuntimeError(f"{self.sandbox.info.backend}: {outcome}")
        self.samples.append(Sample(wall, cpu))
        self.reported.append(outcome.cpu_us / 1e6)


async def measure() -> Report:
    """Measure both backends against the floor."""
    with scratch() as directory:
        program = static_program(directory, HELLO)
        floor, tracks = await _in_turn(program)
        rates = {backend: await _flat_out(program, backend) for backend in tracks}
    base = Sample(median(each.wall for each in floor), median(each.cpu for each in floor))
    last: dict[str, dict[str, float]] = {}
    figures = []
    for backend, track in tracks.items():
        over = {
            "wall": (median(each.wall for each in track.samples) - base.wall) * MS,
            "cpu": (median(each.cpu for each in track.samples) - base.cpu) * MS,
        }
        last[backend] = {f"{kind}_ms_over_floor_median": round(over[kind], 4) for kind in over}
        note = "" if track.books.exact else "without a control group: programs' share unknown"
        figures += [
            Figure(
                name=f"one run, {backend}: {kind} over the floor",
                value=over[kind],
                unit="ms",
                bound=BOUND_MS,
                note=note,
            )
            for kind in over
        ]
    last["floor"] = {
        "wall_ms_median": round(base.wall * MS, 4),
        "cpu_ms_median": round(base.cpu * MS, 4),
    }
    figures += [
        Figure(
            name=f"hello with {len(CPUS[:2])} slots flat out, {backend}",
            value=rate,
            unit="runs/s",
            bound=RUNS_PER_S if backend == "docker" else None,
            at_least=True,
        )
        for backend, rate in rates.items()
    ]
    details = {
        "rounds": ROUNDS,
        "floor": _summary(floor),
        **{backend: _summary(track.samples) for backend, track in tracks.items()},
        "runs_per_s": rates,
    }
    return Report(figures=tuple(figures), details=details, last=last)


async def _in_turn(program: Path) -> tuple[list[Sample], dict[str, Track]]:
    """Run bare, in a container, under bubblewrap, and again."""
    cpus = CPUS[:1]
    async with (
        judging("docker", cpus=cpus, images=["gcc"]) as first,
        judging("bubblewrap", cpus=cpus, images=["gcc"]) as second,
        first.pool.lease() as contained,
        second.pool.lease() as wrapped,
    ):
        tracks: dict[str, Track] = {}
        for backend, slot in (("docker", contained), ("bubblewrap", wrapped)):
            sandbox = await slot.sandbox("gcc")
            tracks[backend] = Track(sandbox, Books(backend))
            await _place(sandbox, program)
        floor: list[Sample] = []
        for number in range(WARM_UP + ROUNDS + 1):
            if number == WARM_UP:
                floor.clear()
                for track in tracks.values():
                    track.samples.clear()
            floor.append(bare([str(program)]))
            for track in tracks.values():
                await track.once()
        # The last run's books were never closed.
        for track in tracks.values():
            track.samples.pop()
    return floor, tracks


async def _place(sandbox: Sandbox, program: Path) -> None:
    await sandbox.put(Area.PROGRAM, [File(path="program", data=program, executable=True)])


async def _flat_out(program: Path, backend: str) -> float:
    """Return how many runs all slots together finish in a second."""
    async with judging(backend, cpus=CPUS[:2], images=["gcc"]) as opened:
        until = time.perf_counter() + FLAT_OUT_S
        counts = await asyncio.gather(
            *(_keep_running(opened.pool, program, until) for _ in CPUS[:2])
        )
    return sum(count / seconds for count, seconds in counts)


async def _keep_running(pool: Pool, program: Path, until: float) -> tuple[int, float]:
    async with pool.lease() as slot:
        sandbox = await slot.sandbox("gcc")
        await _place(sandbox, program)
        count, begin = 0, time.perf_counter()
        while time.perf_counter() < until:
            with Spool() as output:
                if not (await sandbox.run(COMMAND, output)).ok:
                    raise RuntimeError("a run failed")
            count += 1
        return count, time.perf_counter() - begin


def _summary(samples: list[Sample]) -> dict[str, float]:
    return {
        f"{kind}_ms_p{percent}": round(percentile(values, percent) * MS, 4)
        for kind, values in (
            ("wall", [each.wall for each in samples]),
            ("cpu", [each.cpu for each in samples]),
        )
        for percent in (5, 50, 95)
    }


if __name__ == "__main__":
    run(measure)
