"""Who moves is told before a rejudge set is applied, and is what then happens."""

from typing import Any

from api.auth import Role
from api.leaderboards import rebuilding, updating
from api.rejudging import service as rejudging
from tests.api.conftest import Client, ClientFor
from tests.api.events.conftest import Arena, Arenas


async def _board(made: Arena, master: Client) -> dict[str, Any]:
    said = await master.get(f"/v1/events/{made.event_id}/leaderboard.json?view=jury")
    return {row["name"]: (row["rank"], row["score"]) for row in said.json()["rows"]}


async def test_who_moves_is_told_before(
    arena: Arenas, master: Client, client_for: ClientFor
) -> None:
    made = await arena()
    assert (await made.submit(made.ada, "AC")).status_code == 202
    assert (await made.submit(made.bob, "WA")).status_code == 202
    await made.judged()
    before = await _board(made, master)
    assert before == {"Ada": (1, 1), "Bob": (2, 0)}

    made.judge.changes = {"AC": "WA", "WA": "AC"}
    body = {"reason": "the data was wrong", "selection": {"event_id": str(made.event_id)}}
    address = (await master.post("/v1/rejudgings", json=body)).headers["location"]
    await made.judged()
    async with made.parts.sessions() as session:
        await rejudging.settle(session)
    told = (await master.get(f"{address}/preview/boards")).json()
    assert [(each["slug"], each["moved"]) for each in told["events"]] == [("autumn", 2)]
    moves = {each["name"]: each for each in told["events"][0]["entries"]}
    was = {name: (each["rank_before"], each["score_before"]) for name, each in moves.items()}
    assert was == before
    assert [each["name"] for each in told["events"][0]["entries"]] == ["Bob", "Ada"]
    # Looking changes nothing, and is not for authors: they may be players there.
    assert await _board(made, master) == before
    assert (await client_for(Role.AUTHOR).get(f"{address}/preview/boards")).status_code == 403

    assert (await master.post(f"{address}/apply")).status_code == 200
    assert await _board(made, master) == {
        name: (each["rank"], each["score"]) for name, each in moves.items()
    }
    async with made.parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        assert (await rebuilding.check(session, event)).equal
    assert (await master.get(f"{address}/preview/boards")).status_code == 409
