"""Slots made straight from a launcher: the hostile tests need nothing of the engine above."""

import os
import shutil
from typing import NoReturn

import pytest

from judge.sandbox.base import Launcher, Sandbox, Seat
from judge.sandbox.bubblewrap import BubblewrapLauncher
from judge.sandbox.docker import DockerLauncher

BACKENDS = (
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
)


class LaunchedSlot:
    """A slot that replaces a sandbox as soon as it is lost or closed."""

    def __init__(self, launcher: Launcher, *, cpu: int, index: int) -> None:
        self._launcher = launcher
        self._cpu = cpu
        self._index = index
        self._sandboxes: dict[tuple[str, Seat], Sandbox] = {}

    async def sandbox(self, image: str, seat: Seat = Seat.SUBMISSION) -> Sandbox:
        """Return this slot's sandbox of an image and seat."""
        found = self._sandboxes.get((image, seat))
        if found is not None and found.usable:
            return found
        if found is not None:
            await found.close()
        fresh = await self._launcher.launch(image, cpu=self._cpu, index=self._index)
        self._sandboxes[image, seat] = fresh
        return fresh

    async def close(self) -> None:
        """Destroy the slot's sandboxes."""
        for sandbox in self._sandboxes.values():
            await sandbox.close()


def open_launcher(backend: str) -> Launcher:
    """Return the launcher of a backend; a missing engine is a failure where CI says so."""
    if backend == "docker":
        if shutil.which("dockerd") is None and not os.environ.get("DOCKER_HOST"):
            missing("no Docker engine")
        return DockerLauncher()
    if shutil.which("bwrap") is None:
        missing("no bubblewrap")
    return BubblewrapLauncher()


def missing(what: str) -> NoReturn:
    """Fail in CI, skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI must have it")
    pytest.skip(what)
