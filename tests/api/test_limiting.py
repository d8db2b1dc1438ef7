"""How often: in every process together, with the wait told, and never at the cost of an outage."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.auth import Role
from api.errors import TooManyError
from api.limiting import Local, Rate, Shared
from api.settings import Settings
from api.wiring import Parts
from tests.api.conftest import started, token_for

pytestmark = pytest.mark.usefixtures("hello")
NEW = {"problem": "hello", "language": "python3", "source": "AC"}
FEW = {"submissions_per_minute": 1, "submissions_burst": 3}


async def hand_in(
    settings: Settings, times: int, *, roles: tuple[Role, ...] = (), apps: int = 1, **more: str
) -> list[httpx.Response]:
    """Hand in as one user at several processes' applications."""
    token, user = token_for(settings, *roles, user_id=uuid4()), []
    for _ in range(apps):
        async with (
            started(settings) as app,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as one,
        ):
            one.headers["Authorization"] = f"Bearer {token}"
            user += await asyncio.gather(
                *(one.post("/v1/submissions", json=NEW | more) for _ in range(times))
            )
    return user


async def test_a_users_submissions_are_counted_in_all_processes(settings: Settings) -> None:
    """429 says how long to wait; the burst is one for all; somebody else has a bucket of theirs."""
    few = settings.model_copy(update=FEW)
    answers = await hand_in(few, 2, apps=2)
    other = await hand_in(few, 1)

    assert [each.status_code for each in answers] == [202, 202, 202, 429]
    assert answers[3].json()["type"] == "urn:codebattle:error:rate-limited"
    wait = answers[3].headers["retry-after"]
    assert 1 <= int(wait) <= 60
    assert answers[3].headers["ratelimit"] == f'"default";r=0;t={wait}'
    assert other[0].status_code == 202


@pytest.mark.parametrize(
    ("change", "roles", "queue"),
    [
        ({"submissions_per_minute": 0}, (Role.PLAYER,), "interactive"),
        ({"redis_url": SecretStr("unix:///nowhere/redis.sock")}, (Role.PLAYER,), "interactive"),
        ({}, (Role.AUTHOR,), "batch"),
    ],
    ids=["turned off", "without Redis", "work of the jury"],
)
async def test_what_is_not_counted(
    settings: Settings, change: dict[str, object], roles: tuple[Role, ...], queue: str
) -> None:
    """An outage of Redis refuses nobody."""
    answers = await hand_in(settings.model_copy(update=FEW | change), 5, roles=roles, queue=queue)
    assert {each.status_code for each in answers} == {202}


async def test_a_bucket_fills_again(parts: Parts) -> None:
    """One by one, at its rate."""
    shared = Shared(parts.redis, "test", Rate(per_minute=600, burst=2))
    first = (await shared.take({"a": 3}))["a"]
    none = (await shared.take({"a": 1}))["a"]
    await asyncio.sleep(none.wait_s)
    again = (await shared.take({"a": 2}))["a"]

    assert (first.count, none.count, again.count) == (2, 0, 1)
    assert 0 < none.wait_s <= 0.1


def test_a_local_bucket_forgets_what_is_full() -> None:
    """Each address has its own; time gives back; the memory of them is bounded."""
    now = [0.0]
    local = Local(Rate(per_minute=60, burst=2), clock=lambda: now[0])
    for _ in range(2):
        local.take("a", "requests")
    with pytest.raises(TooManyError) as refused:
        local.take("a", "requests")
    local.take("b", "requests")
    now[0] = 1.0
    local.take("a", "requests")
    for number in range(50_000):
        local.take(str(number), "requests")

    assert refused.value.headers["Retry-After"] == "1"
    assert len(local._full_at) <= 20_000


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 200), ("10.0.0.1", 429)])
async def test_an_address_cannot_be_made_up(settings: Settings, trusted: str, status: int) -> None:
    """Strangers are counted by address; only a known proxy may say that it is another one."""
    few = settings.model_copy(update={"anonymous_per_minute": 1, "anonymous_burst": 2})
    async with started(few) as app:
        inner: Any = app
        proxied: Any = ProxyHeadersMiddleware(inner, trusted_hosts=trusted)
        transport = httpx.ASGITransport(proxied, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = [
                await client.get("/v1/problems", headers={"X-Forwarded-For": f"198.51.100.{n}"})
                for n in range(3)
            ]
            guesses = [
                await client.get("/v1/submissions", headers={"Authorization": "Bearer x.y.z"})
                for _ in range(3)
            ]

    assert [each.status_code for each in answers] == [200, 200, status]
    assert guesses[2].status_code == 429
