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

from api.embedded.process import entered
from tests.api.embedded import family
from tests.api.embedded.watching import GONE_S, below, nothing_left

pytestmark = pytest.mark.slow

FAMILY = Path(family.__file__)
REPOSITORY = FAMILY.parents[3]
STRANGER = 54321
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


def sockets(root: Path) -> list[Path]:
    """Return the sockets servers left below a directory."""
    return list(root.glob("*/run/*")) + list(root.glob("*/run/.s*"))


def runs_our_python(user: int) -> bool:
    """Tell whether somebody may; ours may be below root's home."""
    argv = [sys.executable, "-c", "import api.embedded, tests"]
    try:
        ended = subprocess.run(
            argv, cwd=REPOSITORY, user=user, group=user, extra_groups=[], check=False
        )
    except PermissionError:
        return False
    return ended.returncode == 0


class Family:
    """A running `family.py`."""

    def __init__(self, root: Path, *options: str, user: int | None = None) -> None:
        argv = [sys.executable, "-m", "tests.api.embedded.family", str(root), *options]
        if user is not None and not runs_our_python(user):
            # Then they get root's right to look into directories, and no other.
            argv = entered(argv, mode=f"as:{user}:{user}")
            user = None
        with (root / "stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                argv,
                cwd=REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=errors,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        assert self.process.stdout is not None
        with self.process.stdout as said:
            line = said.readline()
        if not line:
            self.process.wait(GONE_S)
            pytest.fail((root / "stderr").read_text())
        self.said: dict[str, Any] = json.loads(line)

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(GONE_S)


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a directory that other users may reach; nothing may be left there."""
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
        return lambda: Family(root, user=STRANGER)
    if request.param == "without-namespaces":
        return lambda: Family(root, "--without-namespaces")
    return lambda: Family(root)


async def test_killed_parents_leave_nothing_and_lose_nothing(start: Start, root: Path) -> None:
    """After SIGKILL all that ran is gone; at once a second start finds the data; it stops clean."""
    first = start()
    assert first.said["starts"] == 1

    first.end(signal.SIGKILL)
    second = start()

    assert second.said["starts"] == 2
    assert second.end(signal.SIGTERM) == 0
    await nothing_left(root)
    assert not sockets(root)


async def test_killed_parts_are_started_again(root: Path) -> None:
    """A tree replaces PostgreSQL, Redis and a program; what the program had started goes."""
    running = Family(root)
    first, second = (int((root / name).read_text()) for name in ("first", "second"))
    killed = {running.said["postgres"], running.said["redis"], first}
    before = set(below(root))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_S
    while not anew(root, before) or second in below(root):
        assert time.monotonic() < deadline, below(root)
        await asyncio.sleep(0.05)

    assert running.end(signal.SIGTERM) == 0
    await nothing_left(root)


def anew(root: Path, before: set[int]) -> bool:
    """Tell whether there are a new PostgreSQL, a new Redis and a new program."""
    said = [command for pid, command in below(root).items() if pid not in before]
    wanted = ("postgres -D", "valkey-server", "first")
    return all(any(each in command for command in said) for each in wanted)


def test_a_directory_in_use_is_refused_in_one_line(root: Path) -> None:
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
    assert running.said["postgres"] in below(root)
    assert running.end(signal.SIGTERM) == 0
