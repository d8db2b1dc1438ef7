"""Streams over real sockets, a real Redis and a real PostgreSQL."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import update as sql_update

from api.app import create_app
from api.db.models import Judging, JudgingState
from api.embedded import Redis as RedisServer
from api.live import Publisher, Topic, Update, following, keys
from api.live.hub import Item
from api.problems import service as problems
from api.settings import Settings
from api.wiring import Parts
from judge.verdicts import Verdict
from tests.api.conftest import token_for
from tests.api.live_client import Watcher, serving, watching

from .conftest import Site, submit


async def test_a_stream_begins_with_a_snapshot_and_goes_on_live(site: Site, parts: Parts) -> None:
    async with watching(site.url, site.token, [site.topic]) as watcher:
        ready = await watcher.until("ready")
        assert ready[0].data["topics"] == [site.topic]
        [snapshot] = watcher.of("snapshot")
        assert snapshot.id == ""
        assert snapshot.data["items"][0]["state"] == "queued"
        await parts.publisher.publish([site.topic], site.test_case(1, 5))
        [told] = await watcher.until("running")
        assert told.data["topic"] == site.topic
        assert (told.data["index"], told.data["total"], told.data["verdict"]) == (1, 5, "AC")


@pytest.mark.slow
async def test_resume_has_no_gap_and_no_duplicate_under_concurrent_publishing(
    site: Site, parts: Parts
) -> None:
    """Clients are cut off at random while two topics are written to; each sees each number once."""
    total = 400
    publishers = [parts.publisher, Publisher(parts.redis)]

    async def publish() -> None:
        for index in range(1, total + 1):
            topics = [site.topic] if index % 3 else [site.topic, site.mine]
            await publishers[index % 2].publish(topics, site.test_case(index))

    async def follow(seed: int) -> list[tuple[str, int]]:
        chance = random.Random(seed)
        got: list[tuple[str, int]] = []
        seen = ""
        while len(got) < total + total // 3:
            async with watching(site.url, site.token, [site.topic, site.mine], seen=seen) as each:
                await each.until("ready")
                if len(got) + len(each.of("running")) < total + total // 3:
                    await each.until("running", chance.randint(1, 120) if not seen else 1)
                told = each.of("running")
                if not seen:
                    # The first reading may tell again what PostgreSQL does not hold.
                    assert each.of("snapshot")
                got += [(event.data["topic"], event.data["index"]) for event in told]
                seen = each.last_id
        return got

    writing = asyncio.create_task(publish())
    results = await asyncio.gather(*(follow(seed) for seed in range(4)))
    await writing
    wanted = [(site.topic, index) for index in range(1, total + 1)]
    both = [(site.mine, index) for index in range(3, total + 1, 3)]
    for got in results:
        assert [each for each in got if each[0] == site.topic] == wanted
        assert [each for each in got if each[0] == site.mine] == both


async def test_a_wiped_redis_loses_nothing(site: Site, parts: Parts) -> None:
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        await parts.publisher.publish([site.topic], site.test_case(1))
        await watcher.until("running")
    await _finish(parts, site)
    await parts.redis.flushall()
    for _ in range(5):
        # Numbers begin anew and pass the one the client has; the epoch tells them apart.
        await parts.publisher.publish([Topic.SUBMISSION.of(uuid4())], site.test_case(9))
    async with watching(site.url, site.token, [site.topic], seen=watcher.last_id) as again:
        await again.until("ready")
        [snapshot] = again.of("snapshot")
        assert snapshot.data["items"][0]["verdict"] == "WA"
        assert again.of("running") == []


async def test_an_open_stream_survives_a_wipe(site: Site, parts: Parts) -> None:
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        await _finish(parts, site)
        await parts.redis.flushall()
        await parts.publisher.publish([site.topic], _judged(site))
        await watcher.until("ready", 2)
        assert watcher.of("snapshot")[-1].data["items"][0]["verdict"] == "WA"


async def test_an_open_stream_survives_a_lost_connection(site: Site, parts: Parts) -> None:
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        for index in range(1, 6):
            await parts.publisher.publish([site.topic], site.test_case(index))
            await parts.redis.client_kill_filter(_type="pubsub")
        told = await watcher.until("running", 5)
        assert [each.data["index"] for each in told] == [1, 2, 3, 4, 5]


@pytest.mark.slow
async def test_without_redis_there_is_the_state_and_later_everything(
    settings: Settings, parts: Parts, hello: problems.Imported, short_directory: Path
) -> None:
    token = token_for(settings, user_id=(user_id := uuid4()))
    async with serving(create_app(settings)) as (url, _):
        submission_id, judging_id = await submit(url, token, hello.slug)
    own = RedisServer(short_directory)
    changed = settings.model_copy(update={"redis_url": SecretStr(own.url)})
    topic = Topic.SUBMISSION.of(submission_id)
    app = create_app(changed)
    async with serving(app) as (url, _):
        site = Site(url, app, changed, user_id, token, submission_id, judging_id)
        async with watching(url, token, [topic]) as watcher:
            [snapshot] = await watcher.until("snapshot")
            assert snapshot.data["items"][0]["state"] == "queued"
            assert watcher.of("ready") == []
            await own.start()
            try:
                await watcher.until("ready")
                await app.state.parts.publisher.publish([topic], site.test_case(1))
                await watcher.until("running")
            finally:
                await own.stop()
            await _finish(parts, site)
            await own.start()
            try:
                await watcher.until("ready", 2)
            finally:
                await own.stop()
            assert watcher.of("snapshot")[-1].data["items"][0]["verdict"] == "WA"


async def test_what_postgresql_does_not_hold_is_told_again(site: Site, parts: Parts) -> None:
    for index in range(1, 4):
        await parts.publisher.publish([site.topic], site.test_case(index))
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        assert [each.kind for each in watcher.events[:2]] == ["snapshot", "running"]
        assert [each.data["index"] for each in watcher.of("running")] == [1, 2, 3]


async def test_nothing_of_a_judging_comes_after_its_end(site: Site, parts: Parts) -> None:
    await _finish(parts, site)
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        await parts.publisher.publish([site.topic], site.test_case(9))
        await parts.publisher.publish([site.topic], _judged(site))
        await watcher.until("judged")
        assert watcher.of("running") == []


@pytest.mark.slow
async def test_a_slow_client_is_ended_and_can_resume(
    site: Site, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SEND_S", 0.5)
    monkeypatch.setattr(keys, "KEPT_MAX", 5000)
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    request = (
        f"GET /v1/stream?topic={site.topic} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {site.token}\r\n\r\n"
    )
    writer.write(request.encode())
    await reader.readuntil(b"event: ready")
    hub = site.app.state.parts.hub
    assert len(hub._streams) == 1
    big = Update(kind="judged", data=_judged(site).data | {"room_id": "x" * 20_000})
    published = 0
    async with asyncio.timeout(30):
        while hub._streams:
            # A topic of one's own: more than the buffers of both sockets hold.
            await parts.publisher.publish([site.topic], big)
            published += 1
            for stream in tuple(hub._streams):
                stream.beat(time.monotonic())
    assert published < 5000
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")


async def test_an_overfull_buffer_ends_the_stream(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BUFFER_MAX", 10)
    publisher = site.app.state.parts.publisher
    hub = site.app.state.parts.hub
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        [stream] = hub._streams
        for index in range(1, 12):
            item = Item(site.topic, stream._seen, site.test_case(index))
            stream.take(item)
        [told] = await watcher.until("reconnect")
        assert told.data["reason"] == "slow"
        await watcher.end()
        await publisher.publish([site.topic], site.test_case(20))
    async with watching(site.url, site.token, [site.topic], seen=watcher.last_id) as again:
        await again.until("ready")
        assert [each.data["index"] for each in again.of("running")] == [20]


@pytest.mark.slow
async def test_two_hundred_clients_get_an_update(
    site: Site, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.hub.STREAMS_PER_USER_MAX", 300)
    async with contextlib.AsyncExitStack() as stack:
        watchers: list[Watcher] = []
        for _ in range(200):
            opened = watching(site.url, site.token, [site.topic])
            watchers.append(await stack.enter_async_context(opened))
        for each in watchers:
            await each.until("ready")
        await parts.publisher.publish([site.topic], site.test_case(7))
        for each in watchers:
            [told] = await each.until("running")
            assert told.data["index"] == 7


@pytest.mark.slow
async def test_sigterm_tells_clients_to_come_back(
    settings: Settings, parts: Parts, hello: problems.Imported, tmp_path: Path
) -> None:
    del parts, hello
    user_id = uuid4()
    said = {
        "ENVIRONMENT": "development",
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DATA_DIR": str(tmp_path),
    }
    listening = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "--factory", "api.app:from_environment"),
        *("--fd", str(listening.fileno())),
        pass_fds=[listening.fileno()],
        env=os.environ | {f"CODEBATTLE_{name}": each for name, each in said.items()},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        # The socket listens already: the client waits in its backlog until the server is there.
        token = token_for(settings, user_id=user_id)
        async with watching(url, token, [Topic.USER.of(user_id)]) as watcher:
            await watcher.until("ready")
            server.send_signal(signal.SIGTERM)
            [told] = await watcher.until("reconnect")
            assert told.data["reason"] == "shutdown"
            await watcher.end()
        async with asyncio.timeout(10):
            await server.wait()
    finally:
        listening.close()
        if server.returncode is None:
            server.kill()
            await server.wait()


def _judged(site: Site) -> Update:
    ids = {"submission_id": str(site.submission_id), "judging_id": str(site.judging_id)}
    return Update(kind="judged", data=ids | {"state": "done", "verdict": "WA"})


async def _finish(parts: Parts, site: Site) -> None:
    async with parts.sessions() as session:
        await session.execute(
            sql_update(Judging)
            .where(Judging.id == site.judging_id)
            .values(state=JudgingState.DONE, verdict=Verdict.WA)
        )
        await session.commit()
