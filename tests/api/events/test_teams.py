"""Teams in an event: several people share one entry, one row of the board, and their work."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    CodeProblemVersion,
    CodeSubmission,
    Entries,
    Event,
    EventParticipant,
    EventState,
    GuildMemberRef,
    GuildRef,
    Rating,
    SubmissionFile,
    UserProfileRef,
)
from api.events import acting
from api.events.drafts import handing_in
from api.events.machine import Act
from api.live import Topic
from api.wiring import Parts
from tests.api.conftest import Client, ClientFor
from tests.api.events.conftest import Arena, Arenas

URL = "/v1/events/autumn"
CLICS = "/v1/clics/api/contests/autumn"


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2] if answer.is_error else "ok"


async def guild(parts: Parts, *members: UUID) -> UUID:
    made, now = new_id(), datetime.now(UTC)
    async with parts.sessions() as session:
        session.add(GuildRef(guild_id=made, name="Owls", event_at=now))
        for number, each in enumerate(members):
            name = f"Owl {number}"
            session.add(UserProfileRef(user_id=each, name=name, guild_id=made, event_at=now))
            session.add(GuildMemberRef(guild_id=made, user_id=each, event_at=now))
        await session.commit()
    return made


async def listed(client: Client) -> dict[str, tuple[str, int]]:
    found = (await client.get(f"{URL}/entries")).json()["items"]
    return {each["name"]: (each["id"], len(each["members"])) for each in found}


async def test_a_guild_sends_teams(
    parts: Parts, arena: Arenas, client_for: ClientFor, master: Client
) -> None:
    made = await arena(state=EventState.APPROVED, started_at=None, entries=Entries.TEAM)
    people = [new_id() for _ in range(5)]
    owls = await guild(parts, *people)
    chief = client_for(Role.GUILD_MASTER, user_id=people[0])

    async def put(*teams: Sequence[int], names: str = "xyz", **more: Any) -> str:
        body = [
            {"name": name, "members": [str(people[n]) for n in team]}
            for name, team in zip(names, teams, strict=False)
        ]
        return slug(await chief.put(f"{URL}/guilds/{owls}", json={"teams": body} | more))

    for refused, why in (
        (await put([0, 1], [1]), "event-teams"),
        (await put([0], [1], names="xx"), "event-teams"),
        (await put([0, 1, 2, 3]), "event-full"),
        (await put([0], members=[str(people[1])]), "invalid"),
        (await put([]), "invalid"),
    ):
        assert refused == why
    assert await put([0, 1], [2, 3]) == "ok"
    before = await listed(master)
    assert {name: size for name, (_, size) in before.items()} == {
        "Ada": 1,
        "Bob": 1,
        "x": 2,
        "y": 2,
    }
    more = {"extra_s": 60}
    await master.patch(f"{URL}/entries/{before['x'][0]}", json=more)
    # Two change places, one goes: teams of the same name stay the entries they were.
    assert await put([3, 1, 4], [0]) == "ok"
    after = await listed(chief)
    assert after == before | {"x": (before["x"][0], 3), "y": (before["y"][0], 1)}
    registered = (await master.get(f"{URL}/guilds")).json()["items"][0]
    assert set(registered["members"]) == {str(people[n]) for n in (0, 1, 3, 4)}
    # Members without names of teams are one, called as the guild is.
    body = {"members": [str(each) for each in people[:3]]}
    assert slug(await chief.put(f"{URL}/guilds/{owls}", json=body)) == "ok"
    assert (await listed(master)).keys() == {"Ada", "Bob", "Owls"}
    assert (await listed(master))["Owls"][1] == 3
    # One leaves, the team stays; the guild withdraws, and it is gone.
    assert (await client_for(user_id=people[2]).delete(f"{URL}/registration")).status_code == 204
    assert (await listed(master))["Owls"][1] == 2
    assert (await chief.delete(f"{URL}/guilds/{owls}")).status_code == 204
    assert (await listed(master)).keys() == {"Ada", "Bob"}
    # Where each plays alone there are no teams; and that is not changed over people's heads.
    assert slug(await master.patch(URL, json={"entries": "individual"})) == "event-entries"
    await made.change(entries=Entries.INDIVIDUAL)
    assert await put([0, 1]) == "event-entries"
    assert slug(await chief.put(f"{URL}/registration", json={"team": "z"})) == "event-entries"


async def test_people_make_a_team_and_let_others_in(
    arena: Arenas, client_for: ClientFor, master: Client
) -> None:
    made = await arena(
        state=EventState.APPROVED, started_at=None, entries=Entries.TEAM, team_members_max=2
    )
    eve, fay, gil = (client_for(user_id=new_id()) for _ in range(3))

    async def put(client: Client, **body: str) -> Any:
        return await client.put(f"{URL}/registration", json=body)

    first = (await put(eve, team="Ducks")).json()
    key = first["team_key"]
    assert slug(await put(fay, key="A" * 16)) == "entry-not-found"
    assert slug(await put(fay, key=key, team="Ducks")) == "invalid"
    # Of a private event nobody knows but who was told, by whom the key is from.
    await made.change(private=True)
    for wrong in ({}, {"team": "Geese"}, {"key": "A" * 16}):
        assert slug(await put(fay, **wrong)) == "event-not-found"
    joined = (await put(fay, key=key)).json()
    await made.change(private=False)
    assert (joined["entry_id"], joined["team_key"]) == (first["entry_id"], key)
    for again in ({}, {"team": "Ducks"}, {"key": key}):
        assert slug(await put(eve, **again)) == "ok"
    assert slug(await put(eve, team="Geese")) == "event-registered"
    full = await put(gil, key=key)
    assert (slug(full), full.json()["team_members_max"]) == ("event-full", 2)
    # The key is theirs alone, and only while people register.
    for stranger in (gil, master):
        for path in (URL, f"{URL}/entries", f"/v1/events/{made.event_id}"):
            assert key not in (await stranger.get(path)).text
    assert (await gil.put(f"{URL}/registration")).json()["team_key"] is None
    assert (await eve.delete(f"{URL}/registration")).status_code == 204
    assert (await listed(master))["Ducks"] == (first["entry_id"], 1)
    await made.change(state=EventState.ASSIGNED)
    assert (await fay.get(URL)).json()["team_key"] is None
    await made.change(state=EventState.APPROVED)
    assert (await fay.delete(f"{URL}/registration")).status_code == 204
    assert "Ducks" not in await listed(master)


@pytest.fixture
async def duo(arena: Arenas) -> tuple[Arena, UUID]:
    """Return a live event in which Cid plays beside Ada."""
    made, cid = await arena(entries=Entries.TEAM), new_id()
    async with made.parts.sessions() as session:
        entry = made.entries[made.ada]
        session.add(
            EventParticipant(entry_id=entry, user_id=cid, event_id=made.event_id, name="Cid")
        )
        await session.execute(update(CodeProblemVersion).values(source_bytes=1000))
        await session.commit()
    return made, cid


async def test_a_team_is_one_row_wherever_it_is_shown(
    duo: tuple[Arena, UUID], master: Client
) -> None:
    here, cid = duo
    entry = str(here.entries[here.ada])
    for who, source in ((cid, "WA"), (here.ada, "AC"), (here.bob, "WA")):
        assert (await here.submit(who, source)).status_code == 202
    await here.judged()

    board = (await here.client(here.bob).get(f"/v1/events/{here.event_id}/leaderboard")).json()[
        "rows"
    ]
    assert [(each["rank"], each["entry_id"]) for each in board] == [
        *((1, entry), (2, str(here.entries[here.bob])))
    ]
    assert board[0]["cells"]["A"]["attempts"] == 2
    own = (await here.client(cid).get(f"/v1/events/{here.event_id}/leaderboard")).json()["own"]
    assert own["entry_id"] == entry
    room = (await here.client(cid).get(f"{URL}/rooms/{here.room_id}")).json()
    people = [{who["name"] for who in each["people"]} for each in room["items"]]
    assert sorted(people, key=len) == [{"Bob"}, {"Ada", "Cid"}]

    # The Contest API: one team, two persons, all submissions the team's, source the team's too.
    persons = (await master.get(f"{CLICS}/persons")).json()
    assert sorted(each["name"] for each in persons if each["team_ids"] == [entry]) == ["Ada", "Cid"]
    mine = (await here.client(cid).get(f"{CLICS}/submissions?team_id={entry}")).json()
    assert len(mine) == 2
    assert len((await here.client(cid).get(f"{CLICS}/persons")).json()) == 2
    rows = (await master.get(f"{CLICS}/scoreboard")).json()["rows"]
    assert [each["team_id"] for each in rows] == [entry, str(here.entries[here.bob])]

    # Rated as one opponent, each by themselves.
    async with here.parts.sessions() as session:
        await acting.act(session, here.event_id, Act.FINISH, by=None, now=datetime.now(UTC))
        await acting.act(session, here.event_id, Act.FINALISE, by=None, now=datetime.now(UTC))
        await session.commit()
        ratings = {each.user_id: each.rating for each in await session.scalars(select(Rating))}
    assert ratings == {here.ada: 1520, cid: 1520, here.bob: 1480}


async def test_a_team_asks_as_one(duo: tuple[Arena, UUID], master: Client) -> None:
    here, cid = duo
    asked = await here.client(here.ada).post(f"{URL}/clarifications", json={"text": "Is n odd?"})
    question = asked.json()["clarification_id"]
    answer = {"text": "It may be."}
    await master.post(f"{URL}/clarifications/{question}/answer", json=answer)

    async def heard(who: UUID) -> int:
        return int(await here.parts.redis.xlen(f"codebattle:{{live}}:stream:{Topic.USER.of(who)}"))

    async with asyncio.timeout(10):
        while not await heard(here.ada) or not await heard(cid):
            await asyncio.sleep(0.01)
    assert await heard(here.bob) == 0
    for who, texts in (
        (here.ada, ["It may be.", "Is n odd?"]),
        (cid, ["It may be.", "Is n odd?"]),
        (here.bob, []),
    ):
        items = (await here.client(who).get(f"{URL}/clarifications")).json()["items"]
        assert [each["text"] for each in items] == texts
        assert [each["own"] for each in items][1:] == [who == here.ada] * bool(texts)


async def test_of_a_teams_drafts_the_last_one_is_handed_in(duo: tuple[Arena, UUID]) -> None:
    here, cid = duo
    client = {who: here.client(who) for who in (here.ada, cid, here.bob)}

    async def save(who: UUID, source: str, **more: Any) -> None:
        body = {"language": "python3", "source": source, **more}
        assert (await client[who].put(f"{URL}/drafts/A", json=body)).status_code == 200

    await save(cid, "AC of Cid")
    await save(here.ada, "AC of Ada")
    await save(here.bob, "WA of Bob")
    seen = (await client[cid].get(f"{URL}/drafts")).json()["items"]
    assert {each["user_id"] for each in seen} == {str(here.ada), str(cid)}
    theirs = f"{URL}/drafts/A?by={here.ada}"
    assert (await client[cid].get(theirs)).json()["source"] == "AC of Ada"
    assert (await client[here.bob].get(theirs)).status_code == 404
    assert (await client[cid].get(f"{URL}/drafts/A")).json()["source"] == "AC of Cid"

    async def bell() -> list[str]:
        """Ring as often as there are drafts, and return all that was handed in, as of now."""
        async with here.parts.sessions() as session:
            for _ in range(3):
                now = datetime.now(UTC) + timedelta(hours=2)
                await handing_in.hand_in(session, here.parts.settings, now=now)
            assert await handing_in.outstanding(session, await here.event()) == 0
            await session.execute(update(CodeSubmission).values(submitted_at=datetime.now(UTC)))
            await session.commit()
            files = await session.scalars(
                select(SubmissionFile.content).order_by(SubmissionFile.content)
            )
            return [bytes(each).decode() for each in files]

    assert await bell() == ["AC of Ada", "WA of Bob"]
    # Ada's is there already: what Cid had saved before, and has not handed in, is not old.
    await save(cid, "AC by Cid, later")
    await save(here.ada, "AC of Ada")
    assert await bell() == ["AC by Cid, later", "AC of Ada", "WA of Bob"]
    # Somebody of the team handed in since; who asked for no bell holds nobody back.
    await save(cid, "old")
    await save(here.ada, "unwanted", hand_in=False)
    assert (await here.submit(here.ada, "AC at last")).status_code == 202
    assert "old" not in await bell()
    async with here.parts.sessions() as session:
        entries = set(await session.scalars(select(CodeSubmission.entry_id)))
        changes = await session.scalars(select(AuditEntry.action))
        assert "event.registered" not in set(changes)
        assert (await session.get_one(Event, here.event_id)).entries is Entries.TEAM
    assert entries == {here.entries[here.ada], here.entries[here.bob]}
