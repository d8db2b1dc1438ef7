"""What each side is given of a contest, in the form that the specification draws."""

import json
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.contestapi.kinds import COLLECTIONS, FILTERS, Side, properties
from api.contestapi.submitting import packed
from api.db.models import Clarification, EventState
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import BASE, SOURCE, World, Worlds

FREEZE = {"freeze_s": 4 * 3600 + 600}
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
SPAN = re.compile(r"-?(0|[1-9]\d*):[0-5]\d:[0-5]\d\.\d{3}")
ID = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,34}[A-Za-z0-9_-])?")
TIMES = {"time", "start_time", "end_time", "started", "frozen", "ended", "thawed", "finalized"}
SPANS = {"contest_time", "start_contest_time", "end_contest_time", "duration"}
REFERENCES = {
    "organization_id": "organizations",
    "language_id": "languages",
    "problem_id": "problems",
    "team_id": "teams",
    "from_team_id": "teams",
    "to_team_id": "teams",
    "reply_to_id": "clarifications",
    "submission_id": "submissions",
    "judgement_id": "judgements",
    "judgement_type_id": "judgement-types",
    "group_ids": "groups",
    "team_ids": "teams",
}
WHO = ("public", 0, 1, "jury")


def client(app: FastAPI, world: World, who: int | str) -> httpx.AsyncClient:
    token = world.token(who)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://test{BASE}", headers=headers
    )


async def played(world: World) -> None:
    """Let things happen: before and after the freeze, rejudged, pending, asked and answered."""
    solved = await world.submit(0, 0, 3, "java")
    await world.judge(solved, Verdict.AC)
    await world.judge(await world.submit(1, 1, 4), Verdict.WA)
    await world.judge(await world.submit(1, 1, 55), Verdict.AC)
    await world.submit(2, 1, 56)
    await world.rejudge(solved, Verdict.TLE)
    asked = Clarification(event_id=world.event_id, author_id=world.people[0], text="What?")
    asked.from_user_id, asked.problem_id = world.people[0], world.problems[0]
    async with world.parts.sessions() as session:
        session.add(asked)
        await session.flush()
        for receiver in (world.people[0], None):
            session.add(
                Clarification(
                    event_id=world.event_id,
                    author_id=world.jury,
                    to_user_id=receiver,
                    reply_to_id=asked.id,
                    text="That.",
                )
            )
        await session.commit()


def walk(said: Any) -> Any:
    """Yield every key with its value, however deep."""
    if isinstance(said, dict):
        for key, value in said.items():
            yield key, value
            yield from walk(value)
    elif isinstance(said, list):
        for each in said:
            yield from walk(each)


def check_form(said: Any) -> None:
    for key, value in walk(said):
        if value is None or key == "state":
            continue
        if key in TIMES and isinstance(value, str):
            assert TIME.fullmatch(value), (key, value)
        elif key in SPANS:
            assert SPAN.fullmatch(value), (key, value)
        elif key == "id" or key.endswith("_id"):
            assert ID.fullmatch(value), (key, value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ("icpc", EventState.LIVE),
        ("icpc", EventState.LOBBY),
        ("ioi", EventState.FROZEN),
        ("battle", EventState.FINALISED),
    ],
)
async def test_feed_and_collections_say_the_same(
    world: Worlds, app: FastAPI, rules: str, state: EventState
) -> None:
    """To everybody, with what `access` lists, and nothing refers to what is not there yet."""
    made = await world(format=rules, state=state, **FREEZE)
    if state is not EventState.LOBBY:
        await played(made)
    if state is EventState.FINALISED:
        await made.change(
            finished_at=made.at(300), thawed_at=made.at(310), finalised_at=made.at(320)
        )
    for who in WHO:
        async with client(app, made, who) as reader:
            offered = await _offered(reader)
            assert offered == properties(_side(who), scores=rules != "icpc")
            expected = await _collections(reader, offered)
            told = await _feed(reader)
        assert told == expected, who


def _side(who: int | str) -> Side:
    return {"public": Side.PUBLIC, "jury": Side.JURY}.get(str(who), Side.TEAM)


async def _offered(reader: httpx.AsyncClient) -> dict[str, tuple[str, ...]]:
    said = (await reader.get("/contests/finals/access")).json()
    return {each["type"]: tuple(each["properties"]) for each in said["endpoints"]}


async def _collections(
    reader: httpx.AsyncClient, offered: dict[str, tuple[str, ...]]
) -> dict[tuple[str, str | None], Any]:
    expected: dict[tuple[str, str | None], Any] = {}
    for kind in COLLECTIONS:
        answer = await reader.get(f"/contests/finals/{kind}")
        assert answer.status_code == (200 if kind in offered else 404), kind
        found = answer.json() if kind in offered else []
        for each in found:
            check_form(each)
            assert set(each) <= set(offered[kind]), kind
            expected[kind, each["id"]] = each
        for each in found[:1]:
            assert (await reader.get(f"/contests/finals/{kind}/{each['id']}")).json() == each
    for single, path in (("contest", ""), ("state", "/state")):
        said = (await reader.get(f"/contests/finals{path}")).json()
        check_form(said)
        assert set(said) == set(offered[single])
        expected[single, None] = said
    return expected


async def _feed(reader: httpx.AsyncClient) -> dict[tuple[str, str | None], Any]:
    answer = await reader.get("/contests/finals/event-feed", params={"stream": "false"})
    told: dict[tuple[str, str | None], Any] = {}
    for line in map(json.loads, answer.text.splitlines()):
        name = (line["type"], line["id"])
        assert name not in told
        for key, value in line["data"].items():
            if key in REFERENCES and value:
                for each in value if isinstance(value, list) else [value]:
                    assert (REFERENCES[key], each) in told, (name, key)
        told[name] = line["data"]
    assert line["type"] == "state"
    return told


async def test_nobody_is_given_what_is_not_theirs(world: Worlds, app: FastAPI) -> None:
    """Sources, runs, hidden verdicts and others' questions: the jury has them, others their own."""
    made = await world(**FREEZE)
    await played(made)
    counts: dict[int | str, dict[str, int]] = {}
    for who in WHO:
        async with client(app, made, who) as reader:
            found = {
                kind: (await reader.get(f"/contests/finals/{kind}")).json()
                for kind in ("submissions", "judgements", "runs", "persons", "clarifications")
            }
            counts[who] = {
                kind: len(each) for kind, each in found.items() if isinstance(each, list)
            }
            sources = 0
            for each in found["submissions"]:
                answer = await reader.get(f"/contests/finals/submissions/{each['id']}/files")
                assert answer.status_code == (200 if each["files"] else 404)
                sources += answer.content == packed({"main.cpp": SOURCE})
                assert bool(each["files"]) or each["entry_point"] is None
            counts[who]["sources"] = sources
            whole = await reader.get("/contests/finals/event-feed?stream=false")
            assert "HIDDEN" not in whole.text
    seen = {"submissions": 4, "clarifications": 1}
    own = {"persons": 1, "sources": 1, "runs": 2, "judgements": 2, "clarifications": 3}
    assert counts == {
        "public": seen | {"judgements": 2, "runs": 0, "sources": 0},
        0: seen | own,
        1: seen | own | {"runs": 4, "judgements": 3, "sources": 2, "clarifications": 1},
        "jury": dict.fromkeys(("submissions", "persons", "sources"), 4)
        | {"runs": 6, "judgements": 3, "clarifications": 3},
    }


async def test_before_the_start_there_are_no_problems(world: Worlds, app: FastAPI) -> None:
    """Not in collections, the scoreboard, awards or questions; the jury has them."""
    made = await world(state=EventState.LOBBY)
    await played(made)
    for who in WHO:
        async with client(app, made, who) as reader:
            found = {
                kind: (await reader.get(f"/contests/finals/{kind}")).json()
                for kind in ("problems", "submissions", "awards", "scoreboard", "clarifications")
            }
        said = json.dumps(found)
        assert ("hello" in said) == (who == "jury"), who
        assert bool(found["problems"]) == bool(found["submissions"]) == (who == "jury")
        assert found["scoreboard"]["state"]["started"] is None


async def test_collections_are_filtered_by_ids(world: Worlds, app: FastAPI) -> None:
    """By any property that holds an id, several together; empty means none."""
    made = await world()
    await played(made)
    team = str(made.entries[1])
    async with client(app, made, "jury") as reader:
        judged = (await reader.get("/contests/finals/judgements")).json()
        one = judged[0]
        cases = [
            (f"submissions?team_id={team}", 2),
            (f"submissions?team_id={team}&problem_id=hello", 0),
            ("submissions?language_id=java", 1),
            (f"judgements?submission_id={one['submission_id']}", 1),
            ("judgements?submission_id=nothing", 0),
            ("judgements?judgement_type_id=TLE", 1),
            (f"runs?judgement_id={one['id']}", 2),
            ("teams?organization_id=", 2),
            ("clarifications?from_team_id=&to_team_id=", 1),
        ]
        for query, count in cases:
            found = (await reader.get(f"/contests/finals/{query}")).json()
            assert len(found) == count, query
    assert set(FILTERS) >= {query.partition("?")[0] for query, _ in cases}


async def test_the_scoreboard_is_the_one_of_the_side(world: Worlds, app: FastAPI) -> None:
    """Frozen for the public, whole or by room; the jury sees how it stands."""
    made = await world(**FREEZE)
    await made.judge(await made.submit(0, 0, 3), Verdict.AC)
    await made.judge(await made.submit(1, 1, 4), Verdict.WA)
    await made.judge(await made.submit(1, 1, 52), Verdict.AC)
    boards = {}
    for who in ("public", "jury"):
        async with client(app, made, who) as reader:
            boards[who] = (await reader.get("/contests/finals/scoreboard")).json()
            room = (await reader.get("/contests/finals/scoreboard?group_id=room-2")).json()
            assert len(room["rows"]) == 2
            assert (await reader.get("/contests/finals/scoreboard?group_id=x")).status_code == 404
            check_form(boards[who])
    first, second = (
        {row["team_id"]: row for row in boards[who]["rows"]}[str(made.entries[1])]
        for who in ("public", "jury")
    )
    assert first["score"] == {"num_solved": 0, "total_time": 0}
    assert first["problems"][1] == {
        "problem_id": "B",
        "num_judged": 1,
        "num_pending": 1,
        "solved": False,
    }
    assert second["score"] == {"num_solved": 1, "total_time": 72, "time": 52}
    assert [row["rank"] for row in boards["public"]["rows"]] == [1, 2, 2, 2]
