"""What benchmarks judge with and on: warm judges, small packages, a busy neighbour.

`Books` adds up the CPU time of everybody who takes part in judging: this process, the control
groups of the sandboxes, and for the docker backend dockerd, containerd and the shims.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from benchmarks.measuring import (
    Group,
    Sample,
    command_name,
    descendants,
    listener,
    parents,
    process_cpu,
)
from judge.artefacts import ArtefactCache
from judge.judging import Judge
from judge.problem import load
from judge.problem.model import Problem
from judge.sandbox.backends import choose
from judge.sandbox.base import Launcher
from judge.sandbox.container import LABEL
from judge.sandbox.pool import Pool
from judge.sandbox.worker import Worker

CPUS = sorted(os.sched_getaffinity(0))


def own_containers() -> list[int]:
    """Return the first process of each container this process has started."""
    client = docker.from_env()
    try:
        label = f"{LABEL}={Worker.current().label}"
        found: list[Any] = client.containers.list(filters={"label": label})
        return [client.api.inspect_container(each.id)["State"]["Pid"] for each in found]
    finally:
        client.close()


def own_wardens() -> list[int]:
    """Return the supervisors of bubblewrap sandboxes this process has started."""
    return [pid for pid in descendants(os.getpid()) if command_name(pid) == "warden"]


def engine_processes(containers: Iterable[int]) -> tuple[int, ...]:
    """Return dockerd, containerd and the shims of these containers."""
    family = parents()
    shims = [family[pid] for pid in containers]
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    found = {*shims, listener(host.removeprefix("unix://"))}
    for shim in shims:
        words = Path(f"/proc/{shim}/cmdline").read_bytes().split(b"\0")
        if b"-address" in words:
            found.add(listener(words[words.index(b"-address") + 1].decode()))
    return tuple(pid for pid in found if pid is not None)


class Books:
    """The CPU time of all who take part in judging with a backend, whose sandboxes are warm."""

    def __init__(self, backend: str) -> None:
        containers = own_containers() if backend == "docker" else []
        wardens = own_wardens() if backend == "bubblewrap" else []
        groups = {pid: Group.of(pid) for pid in (*containers, *wardens)}
        self._groups = {group for group in groups.values() if group is not None}
        self._processes = engine_processes(containers) if containers else ()
        # Without a group of its own a sandbox's share cannot be told exactly.
        self.exact = all(group is not None for group in groups.values())

    def others(self) -> float:
        """Return the CPU seconds of everybody but this process."""
        return sum(group.cpu() for group in self._groups) + sum(map(process_cpu, self._processes))

    def all(self) -> Sample:
        """Return now, and the CPU seconds of everybody."""
        return Sample(time.perf_counter(), self.others() + time.process_time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open pool of sandboxes and the judge that works on it."""

    pool: Pool
    judge: Judge


@asynccontextmanager
async def judging(
    backend: str | Launcher,
    *,
    cpus: Sequence[int] = CPUS[:1],
    images: Sequence[str] = (),
    cache: Path | None = None,
) -> AsyncIterator[Opened]:
    """Open a pool with warm sandboxes of these images, and a judge."""
    launcher = (await choose(backend)).launcher if isinstance(backend, str) else backend
    try:
        await launcher.reap()
        pool = Pool(launcher, cpus)
        try:
            await pool.prewarm(images)
            stored = ArtefactCache(cache) if cache is not None else None
            yield Opened(pool=pool, judge=Judge(pool, cache=stored))
        finally:
            await pool.close()
    finally:
        await launcher.close()


def package(
    directory: Path,
    cases: Sequence[tuple[bytes, bytes]],
    *,
    time_limit_s: float = 10,
    memory_mib: int = 1024,
    output_mib: int = 8,
) -> Problem:
    """Write a package with these secret cases and load it."""
    secret = directory / "data" / "secret"
    secret.mkdir(parents=True)
    for number, (given, answer) in enumerate(cases, 1):
        (secret / f"{number:02}.in").write_bytes(given)
        (secret / f"{number:02}.ans").write_bytes(answer)
    (directory / "problem.yaml").write_text(
        "problem_format_version: 2025-09\nname: Benchmark\n"
        "uuid: 3a3c3c1e-6c5e-4d43-8d5c-0c8f3a9f6d10\n"
        f"limits:\n  time_limit: {time_limit_s}\n  memory: {memory_mib}\n  output: {output_mib}\n",
        encoding="utf-8",
    )
    return load(directory)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory that goes away."""
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as name:
        yield Path(name)


def static_program(directory: Path, source: str) -> Path:
    """Compile a C program for this machine and any image; raises when there is no compiler."""
    path = directory / "program"
    subprocess.run(
        ["cc", "-x", "c", "-O2", "-static", "-o", str(path), "-"],
        input=source.encode(),
        check=True,
    )
    return path


@contextmanager
def busy(cpus: Sequence[int]) -> Iterator[None]:
    """Keep each of these CPUs fully busy with a process of its own."""
    burners = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile 1: pass"]
        )
        for cpu in cpus
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
