"""Accounts from above: who may, what is written down, and how a service is set up."""

import asyncio
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from api.accounts import service
from api.auth import Role, Scope
from api.settings import Settings
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor, started, token_for
from tests.api.signing_in import FAST, OTHER, PASSWORD, login, prepared, refreshed

NOBODY = UUID(int=7)


@pytest.fixture
async def made(app: FastAPI) -> Parts:
    """Return the application's parts, with `ada` signed up."""
    return await prepared(app)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/accounts"),
        ("POST", "/v1/accounts"),
        ("PATCH", f"/v1/accounts/{NOBODY}"),
        ("GET", "/v1/audit"),
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("PATCH", f"/v1/webhooks/{NOBODY}"),
        ("DELETE", f"/v1/webhooks/{NOBODY}"),
        ("POST", f"/v1/webhooks/{NOBODY}/secret"),
        ("GET", f"/v1/webhooks/{NOBODY}/deliveries"),
        ("GET", f"/v1/webhooks/deliveries/{NOBODY}"),
        ("POST", f"/v1/webhooks/deliveries/{NOBODY}/redeliver"),
    ],
)
async def test_only_game_masters_may(
    app: FastAPI, anonymous: Client, client_for: ClientFor, method: str, path: str
) -> None:
    """Nobody without the role, and no token without the scope `admin`, gets past the door."""
    settings: Settings = app.state.parts.settings
    others = [Role.PLAYER, Role.AUTHOR, Role.REVIEWER, Role.GUILD_MASTER]
    narrow = token_for(settings, Role.GAME_MASTER, scopes=(Scope.READ, Scope.WRITE))
    said = {"name": "x", "password": PASSWORD, "url": "https://x.test"}

    assert (await anonymous.request(method, path, json=said)).status_code == 401
    for client in (client_for(*others), client_for(token=narrow)):
        assert (await client.request(method, path, json=said)).status_code == 403


async def test_game_masters_change_accounts_and_it_is_written_down(
    made: Parts, anonymous: Client, client_for: ClientFor
) -> None:
    """Who, what, on what, when and in which request; passwords are in none of it."""
    pair = (await login(anonymous)).json()
    who = uuid4()
    master = client_for(Role.GAME_MASTER, user_id=who)
    body = {"name": "grace", "password": OTHER, "roles": ["reviewer"]}
    grace = (await master.post("/v1/accounts", json=body)).json()
    twice = await master.post("/v1/accounts", json=body | {"name": "GRACE"})
    listed = (await master.get("/v1/accounts?limit=1")).json()
    rest = (await master.get(f"/v1/accounts?limit=1&cursor={listed['next_cursor']}")).json()
    ada = listed["items"][0]
    changed = await master.patch(
        f"/v1/accounts/{ada['id']}",
        json={"disabled": True, "password": OTHER},
        headers={"X-Request-ID": "request-one"},
    )
    log = await master.get(f"/v1/audit?subject_id={ada['id']}&actor_id={who}")

    assert twice.status_code == 409
    assert [ada["name"], rest["items"][0]["name"]] == ["Ada", "grace"]
    assert rest["next_cursor"] is None
    assert changed.json()["disabled_at"] is not None
    assert (await refreshed(anonymous, pair["refresh_token"])).status_code == 401
    assert (await login(anonymous, password=OTHER)).status_code == 401
    (entry,) = log.json()["items"]
    assert entry["action"] == "account.changed"
    assert entry["detail"] == {"disabled": True, "password": "replaced"}
    assert entry["request_id"] == "request-one"
    assert entry["address"]
    whole = await master.get("/v1/audit")
    assert OTHER not in whole.text
    assert PASSWORD not in whole.text
    assert (await master.get(f"/v1/audit?limit=1&subject_id={grace['id']}")).json()["items"]
    assert (await master.get("/v1/audit?cursor=WyJ4Il0")).status_code == 400
    assert (await master.patch(f"/v1/accounts/{uuid4()}", json={})).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "audit?since=2026-01-01T00:00:00",
        "audit?since=0001-01-01T00:00:00%2B23:00",
        "audit?action=%00",
        "audit?subject_id=%00",
        "audit?actor_id=x",
        "audit?cursor=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTk5Il0",
        "accounts?cursor=WyJcdWQ4MDAiXQ",
        "accounts?cursor=%00",
        "accounts?limit=101",
    ],
)
async def test_odd_questions_are_answered_in_order(client_for: ClientFor, query: str) -> None:
    """Never by a 5xx, whatever the database makes of such text and times."""
    answer = await client_for(Role.GAME_MASTER).get(f"/v1/{query}")

    assert answer.status_code in {400, 422}


async def test_somebody_stays_game_master(made: Parts, client_for: ClientFor) -> None:
    """The last one cannot be disabled or demoted, not even by two requests at once."""
    async with made.sessions() as session:
        both = [
            await service.create(
                session,
                made.passwords,
                name=name,
                password=PASSWORD,
                roles=[Role.GAME_MASTER],
            )
            for name in ("root1", "root2")
        ]
        await session.commit()
    master = client_for(Role.GAME_MASTER)

    answers = await asyncio.gather(
        *(master.patch(f"/v1/accounts/{each.id}", json={"roles": []}) for each in both)
    )

    assert sorted(each.status_code for each in answers) == [200, 409]


async def test_registration_is_closed_unless_opened(
    settings: Settings, parts: Parts, anonymous: Client
) -> None:
    """Where it is open, people begin as players and nothing else."""
    body = {"name": "grace", "password": OTHER}
    closed = await anonymous.post("/v1/auth/register", json=body)
    async with started(settings.model_copy(update={"auth_registration": True})) as opened:
        opened.state.parts.passwords._hasher = FAST
        anonymous._transport.app = opened  # type: ignore[attr-defined]
        made = await anonymous.post("/v1/auth/register", json=body)
        more = await anonymous.post("/v1/auth/register", json=body | {"roles": ["game_master"]})

    assert closed.status_code == 403
    assert made.json()["roles"] == ["player"]
    assert more.status_code == 422


async def test_with_a_key_set_there_are_no_accounts(
    settings: Settings, parts: Parts, anonymous: Client
) -> None:
    """Then people come from elsewhere: 404, and neither HS256 nor personal tokens hold."""
    jwks = settings.model_copy(update={"auth_jwks_url": "http://127.0.0.1:9/keys"})
    async with started(jwks) as app:
        anonymous._transport.app = app  # type: ignore[attr-defined]
        closed = await login(anonymous)
        ours = [
            await anonymous.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
            for token in (token_for(settings), "cbp_x")
        ]

    assert closed.status_code == 404
    assert [each.status_code for each in ours] == [401, 401]
