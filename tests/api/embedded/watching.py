"""Finds the processes that have to do with a directory."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

GONE_S = 15.0


def below(root: Path) -> dict[int, str]:
    """Return processes that work in a directory, have a file of it open, or were told of it."""
    found = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and int(each.name) != os.getpid():
            with suppress(OSError):
                command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                places = [(each / "cwd").readlink()]
                places += [link.readlink() for link in (each / "fd").iterdir()]
                if f"{root}" in command or any(place.is_relative_to(root) for place in places):
                    found[int(each.name)] = command
    return found


async def nothing_left(root: Path) -> None:
    """Return when no process has to do with a directory; fails with those that stay."""
    deadline = time.monotonic() + GONE_S
    while left := below(root):
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.05)
