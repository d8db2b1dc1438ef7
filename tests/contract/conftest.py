"""One sandbox per backend, shared by a module's tests and cleaned before each.

A backend this machine lacks is a failure where CI says so, a skip with the reason elsewhere.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio

from judge.errors import EngineError
from judge.sandbox.base import Launcher, Sandbox
from judge.sandbox.bubblewrap import WARDEN_BINARY, BubblewrapLauncher, BubblewrapSettings
from judge.sandbox.docker import DockerLauncher

IMAGE = "base"
# Tells the processes that a test starts, and kills, of the copy there is.
COPIED = "CODEBATTLE_TEST_WARDEN"
CPU = min(os.sched_getaffinity(0))


@cache
def _reachable() -> Path:
    """Copy the supervisor to where ordinary users get: a checkout below /root is root's alone."""
    if not WARDEN_BINARY.exists():
        return WARDEN_BINARY
    if COPIED in os.environ:
        return Path(os.environ[COPIED])
    place = Path(tempfile.mkdtemp(prefix="codebattle-alone-"))
    atexit.register(shutil.rmtree, place)
    place.chmod(0o755)
    os.environ[COPIED] = str(shutil.copy(WARDEN_BINARY, place))
    return Path(os.environ[COPIED])


# "alone": as an ordinary user gets it, with one uid and without control groups.
LAUNCHERS: dict[str, Callable[[], Launcher]] = {
    "docker": DockerLauncher,
    "bubblewrap": BubblewrapLauncher,
    "alone": lambda: BubblewrapLauncher(
        settings=BubblewrapSettings(user_namespace=True, control_groups=False, warden=_reachable())
    ),
}
BACKENDS = (
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("alone", marks=pytest.mark.bubblewrap),
)


async def launch(launcher: Launcher) -> Sandbox:
    """Start a sandbox, or say that this machine cannot."""
    try:
        return await launcher.launch(IMAGE, cpu=CPU, index=0)
    except EngineError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have every backend: {error}")
        pytest.skip(str(error))


class Warm:
    """A launcher and its sandbox, started again whenever a test has spent it."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self._sandbox: Sandbox | None = None

    async def sandbox(self) -> Sandbox:
        if self._sandbox is None or not self._sandbox.usable:
            await self.close()
            self._sandbox = await launch(self.launcher)
        await self._sandbox.wipe()
        return self._sandbox

    async def close(self) -> None:
        if self._sandbox is not None:
            await self._sandbox.close()
        self._sandbox = None


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BACKENDS)
async def warm(request: pytest.FixtureRequest) -> AsyncIterator[Warm]:
    found = Warm(LAUNCHERS[request.param]())
    yield found
    await found.close()
    await found.launcher.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(warm: Warm) -> AsyncIterator[Sandbox]:
    """Give a clean sandbox, which must answer after every test that has not lost it on purpose."""
    found = await warm.sandbox()
    yield found
    if found.usable:
        await found.ping()
