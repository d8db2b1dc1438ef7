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
_SECRET = secrets.token_urlsafe(48)
PARTS = ("serve", "worker", "postgres", "valkey-server", "redis-server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service."""

    process: asyncio.subprocess.Process
    settings: Settings
    data: Path
    port: int
    # How long its greeting took, and what it said.
    greeted_s: float
    said: str

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
    chosen = ("--no-examples", *(("--backend", backend) if backend else ()), *options)
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as place:
        async with up(Path(place) / "data", env=env, options=chosen) as service:
            await _import(service.settings, Path(place))
            yield service


@asynccontextmanager
async def up(
    data: Path, *, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> AsyncIterator[Service]:
    """Start everything in a directory, as `codebattle up` does, and stop it at the end."""
    port = _free_port()
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api", "up", "--port", str(port)),
        *("--data-dir", str(data), *options),
        stdout=asyncio.subprocess.PIPE,
        env=environment() | dict(env or {}),
    )
    try:
        said = await _greeted(process)
        settings = Settings(
            environment=Environment.DEVELOPMENT,
            data_dir=data,
            auth_secret=SecretStr(_SECRET),
            database_url=SecretStr(Postgres(data / "postgres").url()),
        )
        yield Service(
            process=process,
            settings=settings,
            data=data,
            port=port,
            greeted_s=time.monotonic() - began,
            said=said,
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def environment() -> dict[str, str]:
    """Return what processes of the service are started with.

    Compiled modules are kept, as they are wherever nobody forbids it.
    """
    kept = {name: value for name, value in os.environ.items() if "CODEBATTLE" not in name}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, **LIFTED, "CODEBATTLE_AUTH_SECRET": _SECRET}


async def _greeted(process: asyncio.subprocess.Process) -> str:
    """Return the greeting once its last line is there."""
    assert process.stdout is not None
    said = []
    async with asyncio.timeout(START_S):
        async for line in process.stdout:
            said.append(line.decode())
            if b"Ctrl-C" in line:
                return "".join(said)
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
