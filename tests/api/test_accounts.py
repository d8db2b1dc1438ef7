"""Accounts of our own over HTTP: signing in, staying so, personal tokens, secrets."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import func, select, update

from api.accounts import attempts, service, sessions
from api.auth import Role, Scope
from api.auth.passwords import Passwords
from api.db.models import Account, AuditEntry, LoginWindow, Token, UserProfileRef
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor
from tests.api.signing_in import FAST, OTHER, PASSWORD, login, prepared, refreshed


@pytest.fixture
async def made(app: FastAPI) -> Parts:
    """Return the application's parts, with `ada` signed up."""
    return await prepared(app)


async def test_signing_in_gives_a_token_that_works(
    made: Parts, anonymous: Client, client_for: ClientFor
) -> None:
    """Names are folded; the access token carries id, name and roles."""
    pair = (await login(anonymous, "ADA")).json()
    me = (await client_for(token=pair["access_token"]).get("/v1/me")).json()

    assert me["name"] == "Ada"
    assert me["roles"] == ["author", "player"]
    async with made.sessions() as session:
        assert (await session.scalars(select(UserProfileRef.name))).all() == ["Ada"]
        stored = (await session.scalars(select(Token.token_hash))).one()
        password = (await session.scalars(select(Account.password_hash))).one()
    assert pair["refresh_token"] not in stored
    assert password.startswith("$argon2id$")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "ada", "password": OTHER},
        {"name": "nobody", "password": PASSWORD},
    ],
)
async def test_a_wrong_name_and_a_wrong_password_look_the_same(
    made: Parts, anonymous: Client, body: dict[str, str]
) -> None:
    """Both are one 401, and both cost one hash."""
    answer = await anonymous.post("/v1/auth/login", json=body)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "name or password is wrong"
    assert answer.json()["type"].endswith("bad-login")


async def test_an_unknown_name_costs_as_many_hashes_as_a_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether there is an account, one verification with our parameters is made."""
    passwords = Passwords(FAST)
    stored = await passwords.hash(PASSWORD)
    await passwords.matches(None, PASSWORD)  # makes the stand-in
    seen: list[str | None] = []
    work = Passwords._work

    def watched(self: Passwords, password: str, stored: str | None) -> str | None:
        seen.append(stored)
        return work(self, password, stored)

    monkeypatch.setattr(Passwords, "_work", watched)

    assert await passwords.matches(stored, PASSWORD)
    assert not await passwords.matches(stored, OTHER)
    assert not await passwords.matches(None, PASSWORD)
    assert len(seen) == 3
    assert None not in seen


async def test_a_weak_hash_is_replaced_at_the_next_sign_in(made: Parts, anonymous: Client) -> None:
    """When parameters grow, accounts follow as people sign in."""
    made.passwords._hasher = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)

    assert (await login(anonymous)).status_code == 200
    async with made.sessions() as session:
        stored = (await session.scalars(select(Account.password_hash))).one()
    assert "t=2" in stored
    assert (await login(anonymous)).status_code == 200


@pytest.mark.parametrize(
    ("password", "detail"),
    [("short", "10 to 256"), ("aaaaaaaaaaaa", "easy"), ("gracegrace", "easy")],
)
async def test_easy_passwords_are_refused(
    made: Parts, client_for: ClientFor, password: str, detail: str
) -> None:
    """And the answer does not repeat them."""
    answer = await client_for(Role.GAME_MASTER).post(
        "/v1/accounts", json={"name": "grace", "password": password}
    )

    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert password not in answer.text


async def test_a_refresh_token_is_good_once(made: Parts, anonymous: Client) -> None:
    """Each gives the next; one that comes again ends the family, the newest included."""
    first = (await login(anonymous)).json()["refresh_token"]
    apart = (await login(anonymous)).json()["refresh_token"]
    second = (await refreshed(anonymous, first)).json()["refresh_token"]
    third = (await refreshed(anonymous, second)).json()["refresh_token"]

    again = await refreshed(anonymous, first)

    assert again.status_code == 401
    assert again.json()["type"].endswith("session-ended")
    assert (await refreshed(anonymous, third)).status_code == 401
    assert (await refreshed(anonymous, apart)).status_code == 200
    async with made.sessions() as session:
        actions = (await session.scalars(select(AuditEntry.action))).all()
    assert "session.reused" in actions


async def test_a_race_for_one_refresh_token_leaves_no_token_alive(
    made: Parts, anonymous: Client
) -> None:
    """Whoever is second is a copy: what the first one got has ended too."""
    token = (await login(anonymous)).json()["refresh_token"]

    answers = await asyncio.gather(*(refreshed(anonymous, token) for _ in range(6)))

    won = [each for each in answers if each.status_code == 200]
    assert len(won) == 1
    assert (await refreshed(anonymous, won[0].json()["refresh_token"])).status_code == 401
    async with made.sessions() as session:
        alive = await session.scalar(
            select(func.count()).select_from(Token).where(Token.revoked_at.is_(None))
        )
    assert alive == 0


async def test_signing_out_ends_the_family(made: Parts, anonymous: Client) -> None:
    """The answer is the same for a token that never was."""
    token = (await login(anonymous)).json()["refresh_token"]
    out = await anonymous.post("/v1/auth/logout", json={"refresh_token": token})
    unknown = await anonymous.post("/v1/auth/logout", json={"refresh_token": "cbr_x"})

    assert (out.status_code, unknown.status_code) == (204, 204)
    assert (await refreshed(anonymous, token)).status_code == 401


async def test_an_expired_refresh_token_is_refused(made: Parts, anonymous: Client) -> None:
    """A sign-in that was not used for long has ended."""
    token = (await login(anonymous)).json()["refresh_token"]
    async with made.sessions() as session:
        await session.execute(update(Token).values(expires_at=datetime.now(UTC)))
        await session.commit()

    assert (await refreshed(anonymous, token)).status_code == 401


async def test_guessing_is_limited(made: Parts, anonymous: Client) -> None:
    """After ten wrong passwords even the right one waits; another name does not."""
    wrong = await asyncio.gather(*(login(anonymous, password=OTHER) for _ in range(12)))

    assert sorted({each.status_code for each in wrong}) == [401, 429]
    assert [each.status_code for each in wrong].count(401) == 10
    refused = await login(anonymous)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    assert (await login(anonymous, "grace")).status_code == 401
    async with made.sessions() as session:
        await session.execute(update(LoginWindow).values(ends_at=datetime.now(UTC)))
        await session.commit()
    assert (await login(anonymous)).status_code == 200


async def test_a_right_password_takes_its_attempt_back(made: Parts, anonymous: Client) -> None:
    """Signing in often is not guessing, and windows that are over are forgotten."""
    for _ in range(12):
        assert (await login(anonymous)).status_code == 200
    async with made.sessions() as session:
        assert await session.scalar(select(func.max(LoginWindow.attempts))) == 0
        await session.execute(update(LoginWindow).values(ends_at=func.now() - timedelta(hours=1)))
        assert await attempts.prune(session) == 2


async def test_a_new_password_ends_all_sign_ins(
    made: Parts, anonymous: Client, client_for: ClientFor
) -> None:
    """The current one is needed; afterwards only the new one works."""
    pair = (await login(anonymous)).json()
    mine = client_for(token=pair["access_token"])
    wrong = await mine.post("/v1/me/password", json={"current": OTHER, "new": OTHER})
    right = await mine.post("/v1/me/password", json={"current": PASSWORD, "new": OTHER})

    assert (wrong.status_code, right.status_code) == (401, 204)
    assert (await refreshed(anonymous, pair["refresh_token"])).status_code == 401
    assert (await login(anonymous)).status_code == 401
    assert (await login(anonymous, password=OTHER)).status_code == 200


async def token_of(client: Client, **changes: Any) -> Any:
    body = {"name": "laptop", "scopes": ["read", "submit"]} | changes
    return await client.post("/v1/me/tokens", json=body)


async def test_a_personal_token_is_shown_once(
    made: Parts, anonymous: Client, client_for: ClientFor
) -> None:
    """It is stored as a hash, works within its scopes, and notes its last use."""
    mine = client_for(token=(await login(anonymous)).json()["access_token"])
    answer = await token_of(mine)
    token = answer.json()["token"]
    used = client_for(token=token)
    me = (await used.get("/v1/me")).json()
    listed = await mine.get("/v1/me/tokens")

    assert answer.status_code == 201
    assert me["scopes"] == ["read", "submit"]
    assert me["roles"] == ["author", "player"]
    assert token not in listed.text
    (shown,) = listed.json()["items"]
    assert token.startswith(shown["prefix"])
    assert shown["used_at"] is not None
    async with made.sessions() as session:
        assert token not in (await session.scalars(select(Token.token_hash))).all()


async def test_a_personal_token_cannot_grow(
    made: Parts, anonymous: Client, client_for: ClientFor
) -> None:
    """It makes no tokens, changes no password, and revokes nothing but itself."""
    mine = client_for(token=(await login(anonymous)).json()["access_token"])
    one = (await token_of(mine, scopes=list(Scope))).json()
    other = (await token_of(mine)).json()
    used = client_for(token=one["token"])
    change = {"current": PASSWORD, "new": OTHER}

    assert (await token_of(used)).status_code == 403
    assert (await used.post("/v1/me/password", json=change)).status_code == 403
    assert (await used.delete(f"/v1/me/tokens/{other['id']}")).status_code == 403
    assert (await used.delete(f"/v1/me/tokens/{one['id']}")).status_code == 204
    assert (await used.get("/v1/me")).status_code == 401


async def test_a_personal_token_ends(made: Parts, anonymous: Client, client_for: ClientFor) -> None:
    """By its time, by being revoked, or with its account; somebody else's is not to be found."""
    mine = client_for(token=(await login(anonymous)).json()["access_token"])
    token = (await token_of(mine)).json()
    used = client_for(token=token["token"])
    stranger = client_for()

    assert (await stranger.delete(f"/v1/me/tokens/{token['id']}")).status_code == 404
    assert (await token_of(stranger)).status_code == 403
    async with made.sessions() as session:
        await session.execute(update(Token).values(expires_at=datetime.now(UTC)))
        await session.commit()
    expired = await used.get("/v1/me")
    assert expired.status_code == 401
    assert expired.json()["type"].endswith("token-expired")
    async with made.sessions() as session:
        await session.execute(update(Token).values(expires_at=None))
        await session.execute(update(Account).values(disabled_at=datetime.now(UTC)))
        await session.commit()
    assert (await used.get("/v1/me")).status_code == 401
    assert (await client_for(token="cbp_" + "x" * 5000).get("/v1/me")).status_code == 401


async def test_no_secret_is_logged(
    made: Parts, anonymous: Client, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    """Passwords and tokens are in no log line and in no error, right or wrong."""
    caplog.set_level(logging.DEBUG)
    pair = (await login(anonymous)).json()
    mine = client_for(token=pair["access_token"])
    token = (await token_of(mine)).json()["token"]
    await client_for(token=token).get("/v1/me")
    wrong = await login(anonymous, password="canary of a password")
    bad = await anonymous.post(
        "/v1/auth/login", json={"name": "ada", "password": {"canary": "canary of a password"}}
    )
    await refreshed(anonymous, pair["refresh_token"])
    await refreshed(anonymous, pair["refresh_token"])

    secrets = [PASSWORD, "canary of a password", token, *pair.values()]
    said = caplog.text + json.dumps([record.__dict__ for record in caplog.records], default=str)
    for secret in (each for each in secrets if isinstance(each, str) and len(each) > 12):
        assert secret not in said + wrong.text + bad.text
    assert bad.status_code == 422


async def test_old_tokens_are_deleted(made: Parts, anonymous: Client) -> None:
    """What ended a month ago is gone; what ended yesterday is still recognised."""
    await login(anonymous)
    await login(anonymous)
    async with made.sessions() as session:
        first, second = (await session.scalars(select(Token).order_by(Token.id))).all()
        first.revoked_at = datetime.now(UTC) - timedelta(days=31)
        second.revoked_at = datetime.now(UTC) - timedelta(days=1)
        await session.flush()
        assert await service.prune(session) == 1
        await sessions.end_all(session, second.account_id)
