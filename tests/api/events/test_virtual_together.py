"""Playing an event that is over together: virtual teams, boards of guilds, exports, live rows.

The event is of teams: Ada is one, who solved the problem in its tenth minute, Bob another, who did
in its fiftieth.
"""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from api.app import create_app
from api.auth import Role
from api.db.base import new_id
from api.db.models import Entries, EventEntry, EventState
from api.leaderboards import updating
from api.leaderboards.updating import Known
from api.live import Topic
from api.settings import Settings
from judge.verdicts import Verdict
from tests.api.conftest import token_for
from tests.api.events.conftest import Arena, Arenas
from tests.api.events.test_teams import guild, slug
from tests.api.live_client import serving, watching

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
URL = "/v1/events/autumn"
BOARD = f"{URL}/leaderboard"


@pytest.fixture
async def over(arena: Arenas) -> Arena:
    made = await arena(
        state=EventState.FINISHED,
        starts_at=START,
        started_at=START,
        entries=Entries.TEAM,
        team_members_max=2,
    )
    async with made.parts.sessions() as session:
        for who, minute in ((made.ada, 10), (made.bob, 50)):
            known = Known(
                event_id=made.event_id,
                entry_id=made.entries[who],
                problem_id=made.problem_id,
                submission_id=new_id(),
                submitted_at=START + timedelta(minutes=minute),
                verdict=Verdict.AC,
            )
            await updating.record(session, known)
        await session.commit()
    return made


async def begin(made: Arena, user: UUID, body: dict[str, Any]) -> Any:
    return await made.client(user).post(f"{URL}/virtual", json=body)


async def began(made: Arena, minutes: float) -> None:
    """Let all virtual participations have begun so many minutes ago."""
    async with made.parts.sessions() as session:
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        await session.execute(
            update(EventEntry).where(EventEntry.kind == "virtual").values(starts_at=at)
        )
        await session.commit()


async def test_a_team_plays_virtually(over: Arena) -> None:
    """On one clock, in one row; others come in by its key until its time is over."""
    cyd, dan, eve = (new_id() for _ in range(3))
    first = (await begin(over, cyd, {"team": "Ducks"})).json()
    key = first["team_key"]
    assert (first["team"], first["stage"]) == ("Ducks", "running")
    tries: list[tuple[UUID, dict[str, Any], str]] = [
        (dan, {"key": "abcdefgh"}, "entry-not-found"),
        (dan, {"key": key, "team": "Ducks"}, "invalid"),
        (dan, {"key": key, "starts_at": START.isoformat()}, "invalid"),
        (dan, {"key": key}, "ok"),
        (dan, {"key": key}, "ok"),
        (dan, {}, "ok"),
        (dan, {"team": "Geese"}, "event-registered"),
        (cyd, {"team": "Ducks"}, "ok"),
        (eve, {"key": key}, "event-full"),
    ]
    for who, body, said in tries:
        assert slug(await begin(over, who, body)) == said, body
    shown = (await over.client(dan).get(f"{URL}/virtual")).json()
    assert (shown["entry_id"], shown["team_key"]) == (first["entry_id"], key)

    await began(over, 30)
    assert (await over.submit(cyd, "WA")).status_code == 202
    assert (await over.submit(dan, "AC")).status_code == 202
    await over.judged()
    found = (await over.client(cyd).get(BOARD, params={"kind": "virtual"})).json()
    own = found["own"]
    assert (own["name"], own["rank"], own["penalty"]) == ("Ducks", 2, 50)
    assert (own["cells"]["A"]["attempts"], len(found["rows"])) == (2, 3)
    theirs = await over.client(dan).get("/v1/submissions", params={"entry": first["entry_id"]})
    assert len(theirs.json()["items"]) == 2

    await over.change(team_members_max=3)
    await began(over, 61)
    assert slug(await begin(over, eve, {"key": key})) == "event-closed"
    assert (await over.client(dan).get(f"{URL}/virtual")).json()["team_key"] is None
    await over.change(entries=Entries.INDIVIDUAL)
    assert slug(await begin(over, eve, {"team": "Geese"})) == "event-entries"


async def test_one_leaves_a_team_before_its_start_and_the_last_takes_it_along(over: Arena) -> None:
    cyd, dan = new_id(), new_id()
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = (await begin(over, cyd, {"team": "Ducks", "starts_at": at})).json()["team_key"]
    assert (await begin(over, dan, {"key": key})).json()["stage"] == "waiting"
    left = []
    for who in (cyd, dan):
        assert (await over.client(who).delete(f"{URL}/virtual")).status_code == 204
        async with over.parts.sessions() as session:
            left.append(
                (
                    await session.scalar(
                        text("SELECT count(*) FROM codebattle.event_entries WHERE kind = 'virtual'")
                    ),
                    await session.scalar(
                        text("SELECT count(*) FROM codebattle.board_moments WHERE virtual")
                    ),
                )
            )
    assert left == [(1, 1), (0, 0)]


# How guilds' boards are made up, and what Owls, who send (AC in minute 30), (nothing), come to.
COMBINED: list[tuple[dict[str, Any], tuple[int, float, int]]] = [
    ({"how": "sum"}, (2, 1.0, 30)),
    ({"how": "average"}, (3, 0.5, 15)),
    ({"how": "best", "best": 1}, (2, 1.0, 30)),
]


async def test_guilds_play_among_the_guilds_there_were(over: Arena) -> None:
    """With teams of theirs, on one clock; combined as the event's own guilds are."""
    people, foes = [new_id() for _ in range(3)], new_id()
    owls, hawks = await guild(over.parts, *people), await guild(over.parts, new_id())
    async with over.parts.sessions() as session:
        # Ada and Bob were of another guild each.
        for who, of in ((over.ada, hawks), (over.bob, foes)):
            entry = await session.get_one(EventEntry, over.entries[who])
            entry.guild_id = of
        await session.commit()
    head = over.client_for(Role.GUILD_MASTER, user_id=people[0])
    path = f"{URL}/virtual/guilds/{owls}"
    one, two, three = (str(each) for each in people)
    tries: list[tuple[dict[str, Any], str]] = [
        ({}, "invalid"),
        ({"members": [one], "teams": [{"name": "x", "members": [two]}]}, "invalid"),
        ({"members": [one, two, three]}, "event-full"),
        ({"teams": [{"name": n, "members": [one]} for n in "xy"]}, "event-teams"),
        (
            {"teams": [{"name": "x", "members": [one, two]}, {"name": "y", "members": [three]}]},
            "ok",
        ),
    ]
    for body, said in tries:
        answer = await head.post(path, json=body)
        assert slug(answer) == said, body
    items = answer.json()["items"]
    assert [each["team"] for each in items] == ["x", "x", "y"]
    await began(over, 30)
    assert (await over.submit(people[1], "AC")).status_code == 202
    await over.judged()
    client = over.client(people[2])
    params = {"kind": "virtual", "elapsed_s": "3600"}
    for how, owned in COMBINED:
        await over.change(guild_board=how)
        async with asyncio.timeout(10):
            # What was made for readers is given to others for a moment.
            while (found := (await client.get(f"{BOARD}/guilds", params=params)).json())[
                "how"
            ] != how["how"]:
                await asyncio.sleep(0.4)
        rows = {row["guild_id"]: row for row in found["rows"]}
        mine = rows[str(owls)]
        assert (mine["rank"], mine["score"], mine["penalty"]) == owned, how
        assert (mine["kind"], mine["name"], found["kind"]) == ("virtual", "Owls", "virtual")
        assert [rows[str(each)]["rank"] for each in (hawks, foes)] == [1, 2]
    refused = await client.get(f"{BOARD}/guilds", params={"kind": "practice"})
    assert refused.status_code == 400


async def test_exports_of_every_kind(over: Arena) -> None:
    """The same rows as the pages have, as JSON and as CSV with the kind of each."""
    cyd = new_id()
    assert (await begin(over, cyd, {"team": "=Ducks"})).status_code == 201
    assert (await over.client(cyd).post(f"{URL}/practice")).status_code == 201
    client = over.client(cyd)
    kinds: list[tuple[dict[str, Any], list[str]]] = [
        ({"kind": "virtual", "elapsed_s": 1800}, ["official", "official", "virtual"]),
        ({"kind": "practice"}, ["practice"]),
    ]
    for params, of in kinds:
        page = (await client.get(BOARD, params=params)).json()
        whole = (await client.get(f"{BOARD}.json", params=params)).json()
        assert whole == {name: page[name] for name in whole}, params
        written = (await client.get(f"{BOARD}.csv", params=params)).text
        lines = list(csv.DictReader(io.StringIO(written)))
        assert [line["kind"] for line in lines] == of
        assert [line["rank"] for line in lines] == [str(row["rank"]) for row in page["rows"]]
        assert all(not line["name"].startswith("=") for line in lines)
    plain = (await client.get(f"{BOARD}.csv")).text.splitlines()
    assert "kind" not in plain[0].split(",")
    refused: list[tuple[dict[str, Any], int]] = [
        ({"kind": "practice", "elapsed_s": 3}, 400),
        ({"elapsed_s": 3}, 400),
        ({"kind": "nothing"}, 422),
    ]
    for params, status in refused:
        for form in ("csv", "json"):
            answer = await client.get(f"{BOARD}.{form}", params=params)
            assert answer.status_code == status, params
    await over.change(state=EventState.LIVE)
    assert slug(await client.get(f"{BOARD}.json?kind=practice")) == "event-not-over"


async def test_followers_are_told_of_virtual_rows(over: Arena, settings: Settings) -> None:
    """On the event's topic, by whoever may know of it, and with nothing but whose cell it is."""
    cyd = new_id()
    begun = (await begin(over, cyd, {})).json()
    stranger = token_for(settings)
    topic = Topic.EVENT.of(over.event_id)
    async with (
        serving(create_app(settings)) as (url, _),
        watching(url, stranger, [topic]) as spectator,
    ):
        await spectator.until("ready")
        assert (await over.submit(cyd, "AC")).status_code == 202
        await over.judged()
        told = await spectator.until("board")
    assert told[-1].data == {
        "topic": topic,
        "event_id": str(over.event_id),
        "entry_id": begun["entry_id"],
        "problem_id": str(over.problem_id),
        "kind": "virtual",
    }
