"""A game master's token shows what only the jury sees if it was asked for that, and else nothing.

One that is made to feed a public scoreboard lies around on other people's machines.
"""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.auth import Role, Scope
from api.contestapi.kinds import COLLECTIONS
from api.live import tickets
from api.wiring import Parts
from judge.verdicts import Verdict
from tests.api.conftest import token_for
from tests.api.contestapi.conftest import BASE, World, Worlds
from tests.api.contestapi.test_objects import FREEZE, played

CONTEST = f"{BASE}/contests/finals"


def client(app: FastAPI, token: str | None) -> httpx.AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers=headers
    )


async def said(app: FastAPI, token: str | None, paths: list[str]) -> list[Any]:
    """Return what is answered on each path, and how."""
    async with client(app, token) as one:
        answers = [await one.get(path) for path in paths]
    refused = ("request_id", "instance")
    return [
        (each.status_code, {**each.json(), **dict.fromkeys(refused)})
        if each.is_error
        else (each.status_code, each.content)
        for each in answers
    ]


def of(world: World, *scopes: Scope) -> str:
    return token_for(world.settings, Role.GAME_MASTER, user_id=world.jury, scopes=scopes)


async def paths(world: World) -> tuple[list[str], list[str]]:
    """Return paths that anybody may read, and those that need somebody to be signed in."""
    await played(world)
    hidden = await world.submit(3, 0, 57)
    await world.judge(hidden, Verdict.AC)
    event = f"/v1/events/{world.event_id}"
    public = [f"{CONTEST}/{each}" for each in (*COLLECTIONS, "scoreboard", "access")]
    public += [f"{CONTEST}/submissions/{hidden}/files", f"{event}/leaderboard"]
    public += [f"{event}/leaderboard?view=jury", f"{event}/leaderboard.json?view=jury"]
    private = [event, f"{event}/clarifications", f"{event}/entries", f"{event}/canned-answers"]
    private += [f"/v1/submissions/{hidden}", f"/v1/submissions/{hidden}/source"]
    return public, private


async def test_a_token_for_reading_is_public(world: Worlds, app: FastAPI) -> None:
    made = await world(**FREEZE)
    public, private = await paths(made)
    reading = of(made, Scope.READ)
    stranger = token_for(made.settings)
    assert await said(app, reading, public) == await said(app, stranger, public)
    assert await said(app, reading, private) == await said(app, stranger, private)
    # With more rights to act nobody sees more.
    acting = of(made, Scope.READ, Scope.SUBMIT, Scope.WRITE)
    assert await said(app, acting, public + private) == await said(app, stranger, public + private)


@pytest.mark.parametrize("scopes", [(Scope.READ, Scope.JURY), (Scope.READ, Scope.ADMIN)])
async def test_a_token_that_was_asked_for_it_is_the_jurys(
    world: Worlds, app: FastAPI, scopes: tuple[Scope, ...]
) -> None:
    made = await world(**FREEZE)
    public, private = await paths(made)
    whole = await said(app, made.token("jury"), public + private)
    assert await said(app, of(made, *scopes), public + private) == whole
    assert [code for code, _ in whole] == [200] * len(whole)
    # Of who is no game master it makes none.
    player = token_for(made.settings, user_id=made.people[0], scopes=tuple(Scope))
    assert (await said(app, player, [public[-1]]))[0][0] == 403


async def test_seeing_is_not_acting(world: Worlds, app: FastAPI) -> None:
    """Who shows the jury's board to a hall can change nothing with what that needs."""
    made = await world(**FREEZE)
    async with client(app, of(made, Scope.READ, Scope.JURY)) as one:
        for path in ("acts/finish", "pause", "extend"):
            refused = await one.post(
                f"/v1/events/{made.event_id}/{path}", json={"seconds": 60} if path[0] == "e" else {}
            )
            assert (refused.status_code, refused.json()["type"]) == (
                403,
                "urn:codebattle:error:scope-missing",
            )


async def test_a_stream_is_what_its_token_is(world: Worlds, app: FastAPI, parts: Parts) -> None:
    """Also by a ticket, which remembers nothing but who made it and how."""
    made = await world(**FREEZE)
    topics = [f"event:{made.event_id}"]
    for scopes, jury in (((Scope.READ,), False), ((Scope.READ, Scope.JURY), True)):
        async with client(app, of(made, *scopes)) as one:
            ticket = (await one.post("/v1/stream/tickets", json={"topics": topics})).json()
        user, _ = await tickets.redeem(parts.redis, ticket["ticket"])
        assert user.jury is jury
