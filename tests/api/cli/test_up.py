"""`codebattle up`, the whole of it: first verdict, second start, kills, Ctrl-C."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.cli.up import Wanted, run
from judge.errors import EngineError
from judge.images import ROOT
from tests.api.embedded.watching import below, nothing_left

START_S = 120.0
END_S = 40.0
SOLUTION = (ROOT / "problems/hello/submissions/accepted/greet.py").read_text()

pytestmark = [pytest.mark.slow, pytest.mark.bubblewrap]


class Up:
    """A running `codebattle up` and what it said."""

    def __init__(self, data: Path, port: int) -> None:
        self.began = time.monotonic()
        self.output = data.with_suffix(".out")
        self.output.unlink(missing_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                argv(data, port), stdout=output, stderr=output, env=environment()
            )
        while "Ctrl-C stops everything" not in self.said():
            if self.process.poll() is not None or time.monotonic() - self.began > START_S:
                self.process.kill()
                self.process.wait()
                pytest.fail(self.said())
            time.sleep(0.1)

    def said(self) -> str:
        return self.output.read_text()

    def found(self, pattern: str) -> str:
        match = re.search(pattern, self.said())
        assert match is not None, self.said()
        return match[1]

    def client(self) -> httpx.Client:
        token = self.found(r"demo token +(\S+)")
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.found(r"up at (\S+)"), headers=headers, timeout=15)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(END_S)


def argv(data: Path, port: int) -> list[str]:
    """Return the command line."""
    chosen = ["--data-dir", str(data), "--port", str(port), "--backend", "bubblewrap"]
    return [sys.executable, "-m", "api", "up", *chosen]


def environment() -> dict[str, str]:
    """Return our environment without what would change the service."""
    return {name: text for name, text in os.environ.items() if not name.startswith("CODEBATTLE_")}


def verdict(client: httpx.Client) -> Any:
    """Submit a right solution and return what comes of it."""
    new = {"problem": "hello", "language": "python3", "source": SOLUTION}
    taken = client.post("/v1/submissions", json=new).raise_for_status()
    deadline = time.monotonic() + END_S
    found = None
    while found is None and time.monotonic() < deadline:
        answer = client.get(taken.headers["Location"], params={"wait": 5})
        # While PostgreSQL is away the answer is 503.
        if answer.is_success:
            found = answer.json()["verdict"]
    return found


def problems(client: httpx.Client) -> dict[str, Any]:
    """Return the problems by slug."""
    page = client.get("/v1/problems", params={"limit": 100}).raise_for_status().json()
    return {each["slug"]: each for each in page["items"]}


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data directory that is not there yet; nothing may be left there."""
    parent = Path(tempfile.mkdtemp(prefix="up-", dir="/tmp")).resolve()
    yield parent / "data"
    for pid in below(parent):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(parent)


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.long(30)
def test_up_judges_stays_alone_survives_kills_and_stops(data: Path, port: int) -> None:
    """From nothing to a verdict; killed parts come back; killed itself it starts anew at once."""
    first = Up(data, port)

    assert first.found(r"first verdict +(\w+)") == "AC"
    with first.client() as client:
        before = problems(client)
        assert len(before) == len(list((ROOT / "problems").glob("*/problem.yaml")))
    assert data.stat().st_mode & 0o077 == 0

    second = subprocess.run(
        argv(data, port), env=environment(), capture_output=True, text=True, check=False
    )
    assert second.returncode == 5
    assert f"in use by process {first.process.pid}" in second.stderr
    assert second.stderr.count("\n") == 1

    postgres = int((data / "postgres/data/postmaster.pid").read_text().split()[0])
    kept = [
        pid for pid, said in below(data).items() if said.endswith(("api serve ", "api worker "))
    ]
    for pid in (postgres, *kept):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with first.client() as client:
        deadline = time.monotonic() + END_S
        while not _answers(client):
            assert time.monotonic() < deadline, first.said()
            time.sleep(0.1)
        assert verdict(client) == "AC"

    first.end(signal.SIGKILL)
    again = Up(data, port)

    with again.client() as client:
        assert problems(client) == before
        assert verdict(client) == "AC"
    assert again.end(signal.SIGINT) == 0
    asyncio.run(nothing_left(data))


def _answers(client: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return client.get("/readyz").is_success
    return False


def test_a_port_in_use_is_said_in_one_line(data: Path) -> None:
    """Asked for by hand it must be that port; everything that was started is stopped."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        ended = subprocess.run(
            argv(data, number), env=environment(), capture_output=True, text=True, check=False
        )

    assert ended.returncode == 2
    assert ended.stderr == f"codebattle: --port {number}: Address already in use\n"
    asyncio.run(nothing_left(data))


def test_a_disk_without_room_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started, and not by whatever fails first."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30 << 20))
    with pytest.raises(EngineError, match="30 MiB free, 256 MiB are needed"):
        asyncio.run(run(Wanted(data_dir=tmp_path)))

    assert list(tmp_path.iterdir()) == []
