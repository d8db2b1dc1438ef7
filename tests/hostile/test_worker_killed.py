"""A worker killed by SIGKILL in mid-run leaves nothing behind: no process, no container."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from judge.sandbox.container import LABEL

from .slots import BACKENDS, open_launcher

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
GONE_S = 10.0
START_S = 60.0
POLL_S = 0.05


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_left(backend: str) -> None:
    """Ten seconds after the worker's death no process of the run and no sandbox of it exists."""
    open_launcher(backend)
    marker = f"orphan-{uuid.uuid4().hex}"
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.worker_in_midrun", backend, marker],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "launched\n"
        # The run, its child, and the worker itself, which has the marker as an argument.
        _wait_until(lambda: len(_processes(marker)) > 2, START_S)
        sandboxes = _containers(worker.pid) if backend == "docker" else ["bwrap"]
        assert len(sandboxes) == 1
    finally:
        worker.kill()
        worker.communicate()

    _wait_until(lambda: not _processes(marker), GONE_S)
    if backend == "docker":
        _wait_until(lambda: not _containers(worker.pid), GONE_S)


def _processes(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _containers(pid: int) -> list[str]:
    client = docker.from_env()
    found = client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    client.close()
    return [str(c.id) for c in found if f".{pid}." in c.labels[LABEL]]


def _wait_until(condition: Callable[[], bool], bound_s: float) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {bound_s} s"
        time.sleep(POLL_S)
