"""Servers that are put back to what they were: no token leads past what was lost with them.

Each of these has a PostgreSQL of its own, which is stopped, copied, recovered and promoted as
`docs/operations.md` says it.
"""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.contestapi.epochs import Standing
from api.db import migrating
from api.embedded import Postgres
from api.embedded.postgres import binaries
from api.settings import Settings
from api.wiring import opened
from judge.images import ROOT
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import BASE, World, contest

FEED = "/contests/finals/event-feed"
Line = dict[str, Any]


@pytest.mark.parametrize(
    ("epoch", "looks", "known"),
    [
        pytest.param("now", 7, True, id="this life"),
        pytest.param("now", 8, False, id="more looks than there were"),
        pytest.param("old", 4, True, id="another look came through"),
        pytest.param("old", 5, False, id="what was read after the last look may be lost"),
        pytest.param("gone", 0, False, id="a life that never was here"),
    ],
)
def test_what_a_token_needs(epoch: str, looks: int, *, known: bool) -> None:
    """A look after what was read, or the life it was read in."""
    at = Standing(seq=1, epoch="now", looks=7, before={"old": 5}, here=True)
    assert at.knows(epoch, looks) == known


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a directory with a name so short that servers keep their sockets, and URLs, in it."""
    with TemporaryDirectory() as made:
        yield Path(made)


class Client:
    """Somebody who asks for the feed now and then, and keeps what it was told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.known: dict[Any, Any] = {}
        self.token: str | None = None

    async def read(self) -> int:
        """Go on by the last token; where that is refused, stay as it was."""
        app = create_app(self._settings)
        params = {"stream": "false"} | ({"since_token": self.token} if self.token else {})
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url=f"http://test{BASE}"
            ) as client,
        ):
            answer = await client.get(FEED, params=params)
        if answer.status_code == 200:
            for line in filter(None, answer.text.splitlines()):
                told: Line = json.loads(line)
                self.known[told["type"], told["id"]] = told["data"]
                self.token = told["token"]
        return answer.status_code


@asynccontextmanager
async def life(postgres: Postgres) -> AsyncIterator[None]:
    """Run a server."""
    await postgres.start()
    try:
        yield
    finally:
        await postgres.stop()


@asynccontextmanager
async def played(settings: Settings, made: World | None = None) -> AsyncIterator[World]:
    """Have the contest of a server that runs."""
    async with opened(settings, application="tests") as parts:
        if made is None:
            yield await contest(parts, settings)
        else:
            made = World(
                **{name: getattr(made, name) for name in made.__slots__} | {"parts": parts}
            )
            yield made


async def happen(made: World, who: int, count: int) -> None:
    for minute in range(count):
        await made.judge(await made.submit(who, minute % 2, minute), Verdict.WA)


@pytest.mark.slow
async def test_a_data_directory_that_is_put_back_is_noticed(
    settings: Settings, place: Path
) -> None:
    """A copy of its files, of the same timeline: numbers are given out again for other things."""
    postgres = Postgres(place / "own", durable=False)
    there = settings.model_copy(update={"database_url": SecretStr(postgres.url())})
    early, late = Client(there), Client(there)
    async with life(postgres):
        await migrating.upgrade(postgres.url())
        async with played(there) as made:
            await happen(made, 0, 2)
            assert [await early.read(), await early.read()] == [200, 200]
    copy = place / "copy"
    shutil.copytree(postgres.data, copy)
    async with life(postgres), played(there, made) as made:
        # A restart alone loses nothing.
        late.token, late.known = early.token, dict(early.known)
        await happen(made, 1, 2)
        assert [await late.read(), await late.read()] == [200, 200]
        assert len(late.known) == len(early.known) + 4
    shutil.rmtree(postgres.data)
    copy.rename(postgres.data)
    async with life(postgres), played(there, made) as made:
        await happen(made, 2, 4)
        fresh = Client(there)
        assert [await fresh.read(), await late.read(), await early.read()] == [200, 400, 200]
        assert early.known == fresh.known


@pytest.mark.slow
@pytest.mark.parametrize("how", ["a moment", "a failover"])
async def test_a_recovery_that_loses_something_is_noticed(
    settings: Settings, place: Path, how: str
) -> None:
    """To a point in time, as the manual says it; and a stand-in that was behind."""
    postgres, archive = Postgres(place / "own", durable=False), place / "archive"
    there = settings.model_copy(update={"database_url": SecretStr(postgres.url())})
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    early, late = Client(there), Client(there)
    async with life(postgres):
        await migrating.upgrade(postgres.url())
    configure(postgres.data, archive, "wal_level")
    base = Postgres(place / "base", durable=False)
    async with life(postgres), played(there) as made:
        await happen(made, 0, 2)
        await back_up(postgres, base)
        assert [await early.read(), await early.read()] == [200, 200]
        moment = datetime.now(UTC)
        late.token, late.known = early.token, dict(early.known)
        if how == "a failover":
            # What is written from here on never reaches the other server.
            await archived(postgres, archive)
            sent = shutil.copytree(archive, place / "sent")
        await happen(made, 1, 2)
        assert [await late.read(), await late.read()] == [200, 200]
    if how == "a moment":
        configure(base.data, archive, "restore_command", moment)
    else:
        configure(base.data, sent, "restore_command")
    (base.data / "recovery.signal").touch()
    elsewhere = there.model_copy(update={"database_url": SecretStr(base.url())})
    for client in (early, late):
        client._settings = elsewhere
    async with life(base), played(elsewhere, made) as made:
        await recovered(base)
        await happen(made, 2, 4)
        fresh = Client(elsewhere)
        assert [await fresh.read(), await late.read(), await early.read()] == [200, 400, 200]
        assert early.known == fresh.known


def configure(data: Path, archive: Path, first: str, moment: datetime | None = None) -> None:
    """Set what the manual says, in the block that begins with a setting."""
    said = (ROOT / "docs" / "operations.md").read_text()
    (block,) = re.findall(rf"```\n({first} = .*?)```", said, re.DOTALL)
    block = block.replace("/archive/", f"{archive}/")
    if "recovery_target_time" in block:
        at = f"recovery_target_time = '{moment}'" if moment else ""
        block = re.sub(r"recovery_target_time = .*", at, block)
    with (data / "postgresql.conf").open("a") as held:
        held.write(block)


async def back_up(postgres: Postgres, base: Postgres) -> None:
    base.root.mkdir()
    program = binaries(None, None).path("pg_basebackup")
    await asyncio.to_thread(
        subprocess.run,
        [
            *(program, "--host", str(postgres.sockets), "--username", "codebattle"),
            *("--pgdata", str(base.data), "--checkpoint=fast", "--wal-method=fetch"),
        ],
        check=True,
    )
    owner = postgres.data.stat()
    for path in (base.data, *base.data.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


async def archived(postgres: Postgres, archive: Path) -> None:
    """Have what was written so far in the archive."""
    connection = await postgres.connect()
    try:
        name = await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
    finally:
        await connection.close()
    async with asyncio.timeout(20):
        while not (archive / name).exists():
            await asyncio.sleep(0.05)


async def recovered(postgres: Postgres) -> None:
    """Wait until a server writes again."""
    connection = await postgres.connect()
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval("SELECT pg_is_in_recovery()"):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
