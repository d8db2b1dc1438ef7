"""The whole service as `codebattle up` starts it, for benchmarks, and the books of its processes.

`Service` has what a client needs: an address, tokens of as many users as wanted, a problem. CPU
time is taken from the kernel's clocks, by part: API, worker, PostgreSQL, Redis.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from pydantic import SecretStr

from api.auth import Role, bearer
from api.blobs import LocalBlobs
from api.db.engine import engine, sessions
from api.embedded import Postgres
from api.problems import service as problems
from api.settings import Environment, Settings
from benchmarks.measuring import descendants, process_cpu
from judge.images import ROOT

SLUG = "hello5"
CASES = 5
START_S = 90.0
# What a request, a submission and a user may never meet here: a bound that is not measured.
LIFTED = {
    "CODEBATTLE_SUBMISSIONS_PER_MINUTE": "0",
    "CODEBATTLE_SELF_TEST": "off",
}
PARTS = ("serve", "worker", "postgres", "valkey-server", "redis-server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service."""

    process: asyncio.subprocess.Process
    settings: Settings
    data: Path
    port: int
    ready_s: float

    def token(self, user: UUID | None = None, *roles: Role) -> str:
        """Return a bearer token of a new user, or of this one."""
        return bearer.issue(
            self.settings,
            user_id=user or uuid4(),
            name="Bench",
            roles=roles or (Role.PLAYER,),
            lifetime=timedelta(hours=2),
        )

    def pids(self) -> dict[str, list[int]]:
        """Return the processes of each part; a part's own children are with it."""
        found: dict[str, list[int]] = {}
        for pid in descendants(self.process.pid):
            part = _part(pid)
            if part is not None:
                found.setdefault(part, []).append(pid)
        return found

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each part so far."""
        spent = {}
        for part, pids in self.pids().items():
            spent[part] = 0.0
            for pid in pids:
                with suppress(OSError):
                    spent[part] += process_cpu(pid)
        return spent

    async def connect(self) -> asyncpg.Connection:
        """Return a connection to the service's database."""
        return await Postgres(self.data / "postgres").connect("codebattle")


def _part(pid: int) -> str | None:
    """Tell which part a process belongs to, by its command line; keepers belong to none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    name = Path(words[0].split(" ")[0].rstrip(":")).name
    if name in PARTS:
        return "redis" if name != "postgres" else name
    if "enter.py" in " ".join(words[:3]):
        return None
    if "worker" in words:
        return "worker"
    return "api" if "python" in name else None


@asynccontextmanager
async def running(
    *, backend: str | None = None, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> AsyncIterator[Service]:
    """Start everything in a new directory, with one problem, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as place:
        data = Path(place) / "data"
        secret = secrets.token_urlsafe(48)
        port = _free_port()
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api", "up", "--no-examples", "--port", str(port)),
            *("--data-dir", str(data), *(("--backend", backend) if backend else ()), *options),
            stdout=asyncio.subprocess.PIPE,
            env={
                **{name: value for name, value in os.environ.items() if "CODEBATTLE" not in name},
                **LIFTED,
                "CODEBATTLE_AUTH_SECRET": secret,
                **(env or {}),
            },
        )
        try:
            await _up(process)
            ready_s = time.monotonic() - began
            settings = Settings(
                environment=Environment.DEVELOPMENT,
                data_dir=data,
                auth_secret=SecretStr(secret),
                database_url=SecretStr(Postgres(data / "postgres").url()),
            )
            await _import(settings, Path(place))
            yield Service(process=process, settings=settings, data=data, port=port, ready_s=ready_s)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _up(process: asyncio.subprocess.Process) -> None:
    """Wait for the last line of the greeting, and go on reading whatever else is said."""
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        async for line in process.stdout:
            if b"Ctrl-C" in line:
                return
    raise RuntimeError("the service does not start")


async def _import(settings: Settings, place: Path) -> None:
    """Import the problem: `hello` with five cases."""
    package = place / SLUG
    shutil.copytree(ROOT / "problems" / "hello", package)
    cases = sorted((package / "data").glob("secret/*.in"))
    for case in cases[CASES - len(list((package / "data").glob("sample/*.in"))) :]:
        case.unlink()
        case.with_suffix(".ans").unlink()
    bound = engine(settings, application="benchmark")
    async with sessions(bound)() as session:
        await problems.import_package(session, LocalBlobs(settings.blobs_dir), package, slug=SLUG)
        await session.commit()
    await bound.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def body(source: str, language: str = "python3") -> bytes:
    """Return the body of a submission."""
    return json.dumps({"problem": SLUG, "language": language, "source": source}).encode()


PYTHON = 'print(f"Welcome to the arena, {input()}!")\n'


async def judged(service: Service) -> int:
    """Return how many judgings are over."""
    connection = await service.connect()
    try:
        query = "SELECT count(*) FROM codebattle.judgings WHERE state IN ('done', 'failed')"
        found: int = await connection.fetchval(query)
    finally:
        await connection.close()
    return found
