"""Which backends there are and which one is used when nobody says.

`CODEBATTLE_ROOTFS` names a directory of exported images for bubblewrap; `judge.rootfs` makes one.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from judge.errors import EngineError, UsageError
from judge.sandbox.base import Launcher

# Said at start-up when bubblewrap was chosen for want of Docker.
BUBBLEWRAP_NOTE: Final = (
    "no Docker engine answers, so programs run under bubblewrap: no container filter beneath "
    "warden's own, programs see this machine's toolchains, and file locks on them can carry "
    "a signal between parallel runs"
)


def _docker() -> Launcher:
    from judge.sandbox.docker import DockerLauncher  # noqa: PLC0415 - the SDK takes 0.2 s

    return DockerLauncher()


def _bubblewrap() -> Launcher:
    from judge.sandbox.bubblewrap import (  # noqa: PLC0415 - the same way
        BubblewrapLauncher,
        BubblewrapSettings,
    )

    exported = os.environ.get("CODEBATTLE_ROOTFS")
    return BubblewrapLauncher(BubblewrapSettings(rootfs=Path(exported) if exported else None))


def _fake() -> Launcher:
    from judge.sandbox.fake import FakeLauncher  # noqa: PLC0415 - nothing real needs it

    return FakeLauncher()


BACKENDS: Final[Mapping[str, Callable[[], Launcher]]] = MappingProxyType(
    {"docker": _docker, "bubblewrap": _bubblewrap, "fake": _fake}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A backend; `note` says what it does not stop, when it was not asked for by name."""

    launcher: Launcher
    note: str = ""


async def choose(name: str | None = None) -> Choice:
    """Return the backend of that name, or the strongest one this machine has.

    Raises `UsageError` for an unknown name and `EngineError` when there is none at all.
    """
    if name is not None:
        if name not in BACKENDS:
            raise UsageError(f"unknown backend {name!r}: choose from {', '.join(BACKENDS)}")
        return Choice(launcher=BACKENDS[name]())
    launcher = _docker()
    try:
        await launcher.reap()
    except EngineError as error:
        await launcher.close()
        missing = error
    else:
        return Choice(launcher=launcher)
    launcher = _bubblewrap()
    try:
        await launcher.reap()
    except EngineError as error:
        await launcher.close()
        raise EngineError(f"no sandbox on this machine: {missing}; {error}") from error
    return Choice(launcher=launcher, note=BUBBLEWRAP_NOTE)
