"""How the cost grows with the number of submissions, and one submission against an archive."""

import resource
import statistics
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.similarity import plot
from benchmarks.similarity.recombining import methods, program
from judge.similarity import Entry, Fingerprint, Index, compare, fingerprint, vector

# Submissions of one problem → seconds allowed, parsing included.
SIZES = {250: None, 500: None, 1000: 10.0, 2000: None, 4000: None, 10_000: 180.0}
MEMORY_MIB_MAX = 1024
ARCHIVE = 100_000
ASKED = 100
ANSWER_MS_MAX = 150.0


def measure(
    data: Path, sizes: list[int], archive: int, drawing: Path | None = None
) -> Iterator[Figure]:
    """Compare corpora of rising size, each in a process of its own, then search an archive."""
    pool = methods(data / "conplag2")
    walls: dict[int, float] = {}
    for size in sizes:
        wall, cpu, memory = _apart(pool, size)
        walls[size] = wall
        yield Figure(name=f"{size} submissions: wall", value=wall, unit="s", bound=SIZES.get(size))
        yield Figure(name=f"{size} submissions: CPU", value=cpu, unit="s")
        yield Figure(
            name=f"{size} submissions: memory", value=memory, unit="MiB", bound=MEMORY_MIB_MAX
        )
    if drawing is not None and len(walls) > 1:
        plot.draw(walls, drawing)
    if archive:
        yield from _archive(pool, archive)


def _apart(pool: list[bytes], size: int) -> tuple[float, float, float]:
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_compare, args=(theirs, pool, size))
    process.start()
    wall, cpu, memory = mine.recv()
    process.join()
    return wall, cpu, memory


def _compare(out: Connection, pool: list[bytes], size: int) -> None:
    sources = [program(pool, seed) for seed in range(size)]
    wall, cpu = time.monotonic(), time.process_time()
    report = compare(
        [
            Entry(id=f"s{place}", problem="p", fingerprint=fingerprint(source, "java"))
            for place, source in enumerate(sources)
        ]
    )
    assert report.problems[0].pairs == size * (size - 1) // 2
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.send((time.monotonic() - wall, time.process_time() - cpu, memory))


def _archive(pool: list[bytes], archive: int) -> Iterator[Figure]:
    index = Index()
    kept: dict[str, bytes] = {}
    begun = time.process_time()
    for seed in range(archive):
        one = fingerprint(program(pool, seed), "java")
        index.add(f"s{seed}", one)
        # As a service holds them: in their stored form.
        kept[f"s{seed}"] = one.to_bytes()
    yield Figure(
        name=f"archive of {archive}: taken in",
        value=archive / (time.process_time() - begun),
        unit="/s",
    )
    sizes = sum(len(stored) for stored in kept.values()) / archive
    yield Figure(name="stored fingerprint, mean", value=sizes, unit="B")
    times: list[float] = []
    burnt: list[float] = []
    found = 0
    for seed in range(0, archive, max(1, archive // ASKED)):
        source = program(pool, seed)
        begun, burning = time.monotonic(), time.process_time()
        nearest = index.search(
            fingerprint(source, "java"),
            lambda names: [(name, Fingerprint.from_bytes(kept[name])) for name in names],
        )
        times.append(1000 * (time.monotonic() - begun))
        burnt.append(1000 * (time.process_time() - burning))
        found += nearest[0].id == f"s{seed}"
    yield Figure(
        name="one submission against it: median", value=statistics.median(times), unit="ms"
    )
    yield Figure(
        name="one submission against it: p95",
        value=statistics.quantiles(times, n=20)[-1],
        unit="ms",
        bound=ANSWER_MS_MAX,
    )
    yield Figure(
        name="one submission against it: CPU, p95",
        value=statistics.quantiles(burnt, n=20)[-1],
        unit="ms",
    )
    yield Figure(
        name="copies found first", value=found / len(times), unit="", bound=1.0, at_least=True
    )
    one = Fingerprint.from_bytes(kept["s0"])
    begun = time.process_time()
    for _ in range(200):
        vector(one)
    yield Figure(
        name="vectors of 512 dimensions", value=200 / (time.process_time() - begun), unit="/s"
    )
