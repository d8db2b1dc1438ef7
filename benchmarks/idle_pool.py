"""Bar: a warm sandbox that waits costs at most 15 MB.

Counted per sandbox: the proportional set size of its warden and its shim, and by how much
dockerd and containerd have grown for all of them; shared pages are divided among their users.
"""

import asyncio
import os

from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import descendants, parents, proportional_bytes
from benchmarks.setting import engine_processes, judging, own_containers, own_wardens
from judge.sandbox.base import Seat

IMAGES = ("base", "gcc", "python3", "java")
BOUND_MB = 15


async def measure() -> Report:
    """Start sandboxes on both backends and look at them."""
    figures = []
    details = {}
    for backend, sizes in (("docker", await _docker()), ("bubblewrap", await _bubblewrap())):
        details[backend] = {what: round(size / 1e6, 3) for what, size in sizes.items()}
        parts = ", ".join(f"{what} {size / 1e6:.2f}" for what, size in sizes.items())
        figures.append(
            Figure(
                name=f"idle sandbox, {backend}",
                value=sum(sizes.values()) / 1e6,
                unit="MB",
                bound=BOUND_MB,
                note=parts,
            )
        )
    return Report(figures=tuple(figures), details=details)


async def _docker() -> dict[str, float]:
    async with judging("docker", images=["base"]) as opened, opened.pool.lease() as slot:
        # One sandbox was started before, so that what engines keep for good is not counted.
        first = own_containers()
        daemons = set(engine_processes(first)) - {_parent(pid) for pid in first}
        before = sum(map(proportional_bytes, daemons))
        for image in IMAGES:
            for seat in Seat:
                await slot.sandbox(image, seat)
        await asyncio.sleep(1)
        wardens = own_containers()
        shims = {_parent(pid) for pid in wardens}
        return {
            "warden": _mean(wardens),
            "shim": _mean(list(shims)),
            "dockerd and containerd": max(0, sum(map(proportional_bytes, daemons)) - before)
            / (len(wardens) - len(first)),
        }


async def _bubblewrap() -> dict[str, float]:
    async with judging("bubblewrap", images=["base"]) as opened, opened.pool.lease() as slot:
        for image in IMAGES:
            for seat in Seat:
                await slot.sandbox(image, seat)
        wardens = own_wardens()
        beside = [pid for pid in descendants(os.getpid()) if pid not in wardens]
        return {
            "warden": _mean(wardens),
            "bwrap": sum(map(proportional_bytes, beside)) / len(wardens),
        }


def _parent(pid: int) -> int:
    return parents()[pid]


def _mean(processes: list[int]) -> float:
    return sum(map(proportional_bytes, processes)) / len(processes)


if __name__ == "__main__":
    run(measure)
