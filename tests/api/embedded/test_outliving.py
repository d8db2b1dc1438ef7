"""Nothing outlives the process that started it, whoever that ran as and however it ended."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.api.embedded import family

FAMILY = Path(family.__file__)
REPOSITORY = FAMILY.parents[3]
STRANGER = 54321
GONE_S = 15.0
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


def below(root: Path) -> dict[int, str]:
    """Return processes that work in a directory or were told of it."""
    found = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and int(each.name) != os.getpid():
            with suppress(OSError):
                command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if f"{root}" in command or Path(os.readlink(each / "cwd")).is_relative_to(root):
                    found[int(each.name)] = command
    return found


async def nothing_left(root: Path) -> None:
    """Return when no process works below a directory; fails with the list of those that stay."""
    deadline = time.monotonic() + GONE_S
    while left := below(root):
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.05)


class Family:
    """A running `family.py`."""

    def __init__(self, root: Path, *options: str, user: int | None = None) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.embedded.family", str(root), *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=(root / "stderr").open("wb"),
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (root / "stderr").read_text()
        self.said: dict[str, Any] = json.loads(line)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(GONE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a directory that other users may reach."""
    made = Path(tempfile.mkdtemp(prefix="family-", dir="/tmp")).resolve()
    made.chmod(0o755)
    yield made
    for pid in below(made):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(made)


Start = Callable[[], Family]


@pytest.fixture(
    params=[
        "ourselves",
        pytest.param("stranger", marks=ROOT_ONLY),
        pytest.param("without-namespaces", marks=ROOT_ONLY),
    ]
)
def start(request: pytest.FixtureRequest, root: Path) -> Start:
    """Return what starts a family: as we are, as an ordinary user, as root of little power."""
    if request.param == "stranger":
        os.chown(root, STRANGER, STRANGER)
        probe = subprocess.run(
            [sys.executable, "-c", "import api.embedded"],
            cwd=REPOSITORY,
            user=STRANGER,
            group=STRANGER,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        if probe.returncode != 0:
            pytest.skip(f"others may not run our Python: {probe.stderr.decode()[-200:]}")
        return lambda: Family(root, user=STRANGER)
    if request.param == "without-namespaces":
        if not os.access("/proc/sys/user/max_user_namespaces", os.W_OK):
            pytest.skip("/proc/sys is read-only: namespaces cannot be taken away here")
        return lambda: Family(root, "--without-namespaces")
    return lambda: Family(root)


async def test_killed_parents_leave_nothing_and_lose_nothing(start: Start, root: Path) -> None:
    """After SIGKILL all that ran is gone; at once a second start finds the data; it stops clean."""
    first = start()
    assert first.said["starts"] == 1

    first.end(signal.SIGKILL)
    second = start()

    assert second.said["starts"] == 2
    assert second.said["owner"] == second.root.joinpath("postgres/data").stat().st_uid
    assert second.end(signal.SIGTERM) == 0
    await nothing_left(root)
    assert not list(Path(root).glob("*/run/*"))


async def test_killed_servers_are_started_again(root: Path) -> None:
    """A tree replaces PostgreSQL, Redis and a program's keeper when they are killed."""
    running = Family(root)
    numbers = {"postgres": running.said["postgres"], "redis": running.said["redis"]}
    keeper = next(pid for pid, command in below(root).items() if " keep:" in command)
    for pid in (*numbers.values(), keeper):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_S

    def servers() -> set[int]:
        wanted = ("bin/postgres -D", "valkey-server", "redis-server", " keep:")
        return {pid for pid, said in below(root).items() if any(each in said for each in wanted)}

    while len(servers() - {*numbers.values(), keeper}) < 3:
        assert time.monotonic() < deadline, below(root)
        await asyncio.sleep(0.05)

    assert running.end(signal.SIGTERM) == 0
    await nothing_left(root)


async def test_a_directory_in_use_is_refused_in_one_line(root: Path) -> None:
    """A second start on the same data says who has it, and disturbs nothing."""
    running = Family(root)
    second = subprocess.run(
        [sys.executable, "-m", "tests.api.embedded.family", str(root)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"in use by process {running.process.pid}" in second.stderr.splitlines()[-1]
    assert Path(f"/proc/{running.said['postgres']}").exists()
    assert running.end(signal.SIGTERM) == 0
    await nothing_left(root)
