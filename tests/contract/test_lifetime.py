"""How sandboxes end: closed, lost, given up, orphaned."""

import asyncio
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest
import pytest_asyncio

from judge.errors import SandboxLostError
from judge.sandbox.base import Launcher, Outcome, Sandbox
from judge.sandbox.cgroups import PREFIX
from judge.sandbox.container import LABEL

from .commands import command, shell
from .conftest import BACKENDS, LAUNCHERS, launch

ROOT = Path(__file__).resolve().parents[2]
GONE_S = 10.0


@pytest_asyncio.fixture(params=BACKENDS)
async def launcher(request: pytest.FixtureRequest) -> AsyncIterator[Launcher]:
    found = LAUNCHERS[request.param]()
    yield found
    await found.close()


def running(marker: str) -> list[int]:
    """Return the processes of this machine that were given an argument."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker.encode() in arguments:
            found.append(int(entry.name))
    return found


async def until_running(marker: str, *, wanted: bool, bound_s: float = GONE_S) -> None:
    deadline = time.monotonic() + bound_s
    while bool(running(marker)) != wanted:
        assert time.monotonic() < deadline, f"{running(marker)} after {bound_s} s"
        await asyncio.sleep(0.02)


async def start(sandbox: Sandbox) -> tuple[str, "asyncio.Task[Outcome]"]:
    """Start a run that lasts; return the marker of its processes."""
    marker = f"9{uuid.uuid4().int}"
    lasting = shell('sleep "$0" & exec -a x sleep "$0"', wall_ms=100_000)
    argv = (*lasting.argv, marker)
    run = asyncio.ensure_future(sandbox.run(command(*argv, wall_ms=100_000)))
    await until_running(marker, wanted=True)
    return marker, run


async def test_close_ends_everything(launcher: Launcher) -> None:
    """After close nothing runs, and whoever was waiting is told."""
    sandbox = await launch(launcher)
    marker, run = await start(sandbox)

    await sandbox.close()

    with pytest.raises(SandboxLostError):
        await run
    assert running(marker) == []
    assert not sandbox.usable
    with pytest.raises(SandboxLostError):
        await sandbox.ping()


async def test_close_twice(launcher: Launcher) -> None:
    """Closing what is closed does nothing."""
    sandbox = await launch(launcher)

    await sandbox.close()
    await sandbox.close()


async def test_two_at_once(launcher: Launcher) -> None:
    """Sandboxes of different slots do not share uids."""
    one, other = await launch(launcher), await launcher.launch("base", cpu=None, index=1)
    marker, run = await start(one)

    assert not (await other.run(shell("kill -9 -1"))).ok
    assert running(marker)

    run.cancel()
    await one.close()
    await other.close()


async def test_supervisor_killed(launcher: Launcher) -> None:
    """A sandbox whose supervisor dies is lost at once, and another can be started."""
    sandbox = await launch(launcher)
    marker, run = await start(sandbox)
    (child, *_) = running(marker)

    for pid in supervisors(child):
        signal.pidfd_send_signal(pid, signal.SIGKILL)

    async with asyncio.timeout(GONE_S):
        with pytest.raises(SandboxLostError):
            await run
    await sandbox.close()
    assert running(marker) == []
    again = await launch(launcher)
    assert (await again.run(command("true"))).ok
    await again.close()


def supervisors(pid: int) -> list[int]:
    """Return descriptors of the ancestor that is PID 1 of a process's namespace."""
    while pid > 1:
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        if fields["NSpid"].split()[-1] == "1":
            return [os.pidfd_open(pid)]
        pid = int(fields["PPid"])
    return []


ORPHAN = """
import asyncio, sys
from tests.contract.conftest import LAUNCHERS
from tests.contract.commands import command

async def main(backend, marker):
    launcher = LAUNCHERS[backend]()
    sandbox = await launcher.launch("base", cpu=None, index=0)
    await sandbox.run(command("sleep", marker, wall_ms=100_000))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("backend", BACKENDS)
async def test_dead_worker_leaves_nothing(backend: str) -> None:
    """Soon after a worker was killed nothing of its sandboxes runs; the rest is reaped."""
    launcher = LAUNCHERS[backend]()
    await (await launch(launcher)).close()
    marker = f"8{uuid.uuid4().int}"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHAN, backend, marker, cwd=ROOT
    )
    try:
        # The worker itself carries the marker as well.
        deadline = time.monotonic() + 30
        while len(running(marker)) < 2:
            assert worker.returncode is None
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    finally:
        worker.kill()
        await worker.wait()

    await until_running(marker, wanted=False)
    await launcher.reap()
    deadline = time.monotonic() + GONE_S
    while left := left_by(worker.pid, backend):  # dockerd may be removing them
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.02)
    await launcher.close()


def left_by(pid: int, backend: str) -> list[str]:
    """Name what a worker's sandboxes have left; other workers of this machine come and go."""
    if backend == "docker":
        client = docker.from_env()
        found = client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
        client.close()
        return [str(each.id) for each in found if f".{pid}." in each.labels[LABEL]]
    places = [Path(tempfile.gettempdir()), *Path("/sys/fs/cgroup").glob("*")]
    return [str(path) for place in places for path in place.glob(f"{PREFIX}*.{pid}.*")]
