"""Who may follow what, for how long and how often."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from api.accounts import service
from api.auth import CurrentUser, Role, Scope
from api.live import keys
from api.live.hub import BEAT_S
from api.wiring import Parts
from tests.api.conftest import token_for
from tests.api.live_client import watching

from .conftest import Site


async def test_a_ticket_is_good_once_and_for_its_topics_only(site: Site, parts: Parts) -> None:
    headers = {"Authorization": f"Bearer {site.token}"}
    async with httpx.AsyncClient(base_url=site.url, timeout=20) as client:
        made = await client.post(
            "/v1/stream/tickets", json={"topics": ["user:me"]}, headers=headers
        )
        assert made.status_code == 201
        ticket = made.json()["ticket"]
        assert site.token not in made.json()["url"]
        async with watching(site.url, None, [], ticket=ticket) as watcher:
            ready = await watcher.until("ready")
            assert ready[0].data["topics"] == [site.mine]
        used = await client.get("/v1/stream", params={"ticket": ticket})
        assert (used.status_code, used.json()["type"]) == (
            401,
            "urn:codebattle:error:ticket-invalid",
        )
        both = await client.get(
            "/v1/stream", params={"ticket": ticket, "topic": site.topic}, headers=headers
        )
        assert both.status_code == 400
        other = await client.post(
            "/v1/stream/tickets",
            json={"topics": [site.topic]},
            headers={"Authorization": f"Bearer {token_for(site.settings)}"},
        )
        assert other.status_code == 404
        for key in await parts.redis.keys(keys.TICKET + "*"):
            assert ticket.encode() not in key


@pytest.mark.parametrize(
    ("topics", "status"),
    [
        ([], 400),
        (["nonsense"], 422),
        (["user:00000000-0000-4000-8000-000000000000"], 404),
        (["submission:00000000-0000-4000-8000-000000000000"], 404),
        (["job:00000000-0000-4000-8000-000000000000"], 404),
        ([f"user:{uuid4()}" for _ in range(51)], 422),
    ],
)
async def test_bad_topics_are_refused(site: Site, topics: list[str], status: int) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=20) as client:
        headers = {"Authorization": f"Bearer {site.token}"}
        answer = await client.get("/v1/stream", params={"topic": topics}, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_strangers_follow_nothing_of_others_and_game_masters_do(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, timeout=20) as client:
        for topic in (site.topic, site.mine):
            for roles in ((), (Role.AUTHOR,), (Role.REVIEWER,), (Role.GUILD_MASTER,)):
                token = token_for(site.settings, *roles)
                headers = {"Authorization": f"Bearer {token}"}
                answer = await client.get(f"/v1/stream?topic={topic}", headers=headers)
                assert answer.status_code == 404
        assert (await client.get(f"/v1/stream?topic={site.topic}")).status_code == 401
    master = token_for(site.settings, Role.GAME_MASTER)
    async with watching(site.url, master, [site.topic, site.mine]) as watcher:
        await watcher.until("ready")


async def test_streams_of_one_person_are_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.hub.STREAMS_PER_USER_MAX", 1)
    headers = {"Authorization": f"Bearer {site.token}"}
    async with (
        watching(site.url, site.token, [site.topic]) as watcher,
        httpx.AsyncClient(base_url=site.url, timeout=20) as client,
    ):
        await watcher.until("ready")
        answer = await client.get(f"/v1/stream?topic={site.topic}", headers=headers)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "10"


async def test_heartbeats_and_the_end_of_old_streams(site: Site) -> None:
    hub = site.app.state.parts.hub
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
        [stream] = hub._streams
        before = watcher.comments
        stream.beat(stream._told_at + BEAT_S)
        await watcher.until_comments(before + 1)
        stream.beat(stream._until + 1)
        [told] = await watcher.until("reconnect")
        assert told.data["reason"] == "expired"


async def test_a_gone_client_leaves_nothing_behind(site: Site) -> None:
    hub = site.app.state.parts.hub
    async with watching(site.url, site.token, [site.topic]) as watcher:
        await watcher.until("ready")
    async with asyncio.timeout(5):
        while hub._streams:
            hub._gone.clear()
            await hub._gone.wait()
    assert hub._sinks == {}
    assert hub._streams_of == {}


async def test_waiting_requests_of_one_person_are_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.hub.WAITS_PER_USER_MAX", 1)
    hub = site.app.state.parts.hub
    headers = {"Authorization": f"Bearer {site.token}"}
    path = f"/v1/submissions/{site.submission_id}"
    async with httpx.AsyncClient(base_url=site.url, headers=headers, timeout=30) as client:
        first = asyncio.create_task(client.get(path, params={"wait": 1}))
        async with asyncio.timeout(10):
            while not hub._waits_of:
                await asyncio.sleep(0.01)
        second = await client.get(path, params={"wait": 30})
        at_once = await client.get(path)
        assert (second.status_code, at_once.status_code) == (429, 200)
        assert second.json()["type"].endswith(":too-many-waiting")
        assert (await first).status_code == 200
    assert not hub._waits_of


async def test_streams_end_with_their_token(site: Site, parts: Parts) -> None:
    """At once when it is revoked here, by the next look when it ran out or was elsewhere."""
    hub = site.app.state.parts.hub
    async with parts.sessions() as session:
        account = await service.create(
            session, parts.passwords, name="Ada", password="correct horse battery"
        )
        user = CurrentUser(id=account.id, name="Ada")
        held, token = await service.make_token(
            session, user, name="t", scopes=[Scope.READ, Scope.WRITE], lifetime=timedelta(hours=1)
        )
        await session.commit()
    async with (
        watching(site.url, token, ["user:me"]) as watcher,
        watching(site.url, site.token, [site.mine]) as other,
        httpx.AsyncClient(base_url=site.url, timeout=20) as client,
    ):
        await watcher.until("ready")
        await other.until("ready")
        headers = {"Authorization": f"Bearer {token}"}
        gone = await client.delete(f"/v1/me/tokens/{held.id}", headers=headers)
        assert gone.status_code == 204
        [told] = await watcher.until("reconnect")
        assert told.data["reason"] == "revoked"
        [stream] = [each for each in hub._streams if each.user_id == site.user_id]
        stream.beat(stream._check_at + 1)
        await site.app.state.parts.publisher.publish([site.topic, site.mine], site.test_case(1))
        await other.until("running")
        stream._user = replace(stream._user, until=time.time() - 1)
        stream.beat(stream._check_at + 1)
        [told] = await other.until("reconnect")
        assert told.data["reason"] == "revoked"
