"""When a contest is over nothing changes any more, and numbers of another life are not taken."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.backups.restoring import restore
from api.backups.taking import take
from api.db.models import EventState
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import BASE, World, Worlds

FEED = "/contests/finals/event-feed"
FREEZE = {"freeze_s": 4 * 3600 + 600}
KINDS = ("judgements", "runs", "scoreboard", "awards", "state")


def client(app: FastAPI, world: World, who: int | str) -> httpx.AsyncClient:
    token = world.token(who)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://test{BASE}",
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
    )


def lines(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines() if line]


async def all_of(app: FastAPI, world: World) -> dict[Any, Any]:
    """Return what everybody reads, without the tokens; the feed is one that would go on."""
    found: dict[Any, Any] = {}
    for who in ("public", 0, "jury"):
        async with client(app, world, who) as reader:
            for kind in KINDS:
                found[who, kind] = (await reader.get(f"/contests/finals/{kind}")).json()
            told = lines((await reader.get(FEED)).text)
            assert (told[-1]["type"], told[-1]["data"]["end_of_updates"] is None) == (
                "state",
                False,
            )
            for each in told:
                found[who, each["type"], each["id"]] = each["data"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("read_before", [True, False])
async def test_a_verdict_that_changes_after_the_end_does_not_show(
    world: Worlds, app: FastAPI, *, read_before: bool
) -> None:
    """The feed ends with the last state, and stays as it was, whether it was read before or not."""
    made = await world(state=EventState.LIVE)
    submission_id = await made.submit(0, 0, 3)
    first = await made.judge(submission_id, Verdict.AC)
    await made.judge(await made.submit(1, 1, 4), Verdict.WA)
    await made.change(state=EventState.FINISHED, finished_at=made.at(59))
    async with client(app, made, "jury") as jury:
        answer = await jury.post("http://test/v1/events/finals/acts/finalise")
        assert answer.status_code == 200, answer.text
        before = await all_of(app, made) if read_before else {}
        host = "http://test/v1/submissions"
        for verdict in ("WA", "TLE"):
            told = {"verdict": verdict, "reason": "seen by the jury"}
            answer = await jury.post(f"{host}/{submission_id}/override", json=told)
            assert answer.json()["outcome"]["finalised"] == 1, answer.text
        assert (await jury.get(f"{host}/{submission_id}")).json()["verdict"] == "TLE"
        token = lines((await jury.get(FEED)).text)[-1]["token"]
        assert (await jury.get(f"{FEED}?since_token={token}")).content == b""
    after = await all_of(app, made)
    if read_before:
        assert after == before
    for who in ("public", 0, "jury"):
        shown = {each["id"]: each["judgement_type_id"] for each in after[who, "judgements"]}
        assert shown[str(first)] == "AC"
        assert after[who, "judgements", str(first)]["judgement_type_id"] == "AC"
        assert len(shown) == 2


async def test_who_waits_behind_a_solved_problem_is_not_pending(
    world: Worlds, app: FastAPI
) -> None:
    """As scoreboards that are made from the feed have it; what came before the solve is."""
    made = await world(**FREEZE)
    await made.submit(0, 1, 3)
    for problem in (0, 1):
        await made.judge(await made.submit(0, problem, 4), Verdict.AC)
    await made.submit(0, 0, 5)
    for who in ("public", "jury"):
        async with client(app, made, who) as reader:
            board = (await reader.get("/contests/finals/scoreboard")).json()
        cells = board["rows"][0]["problems"]
        assert [(each["solved"], each["num_pending"]) for each in cells] == [(True, 0), (True, 1)]


@pytest.mark.slow
async def test_a_token_from_before_a_restore_is_refused(
    world: Worlds, empty_database: str, tmp_path: Path
) -> None:
    """Numbers are given out again there; what the backup has may be gone on by."""
    made = await world()
    url = made.settings.database_url.get_secret_value()
    app = create_app(made.settings)
    polled = {"stream": "false"}
    async with app.router.lifespan_context(app), client(app, made, "public") as reader:
        kept = lines((await reader.get(FEED, params=polled)).text)[-1]["token"]
        again = await reader.get(FEED, params=polled | {"since_token": kept})
        assert (again.status_code, again.content) == (200, b"")
        taken = await take(url, made.parts.blobs, tmp_path / "backups", with_blobs=True)
        await made.submit(0, 0, 3)
        said = await reader.get(FEED, params=polled | {"since_token": kept})
        lost = lines(said.text)[-1]["token"]
        again = await reader.get(FEED, params=polled | {"since_token": lost})
        assert (again.status_code, again.content) == (200, b"")
    await restore(empty_database, made.parts.blobs, taken.directory)
    there = made.settings.model_copy(update={"database_url": SecretStr(empty_database)})
    other = create_app(there)
    async with other.router.lifespan_context(other), client(other, made, "public") as reader:
        refused = await reader.get(FEED, params=polled | {"since_token": lost})
        assert refused.status_code == 400
        assert "put back" in refused.json()["message"]
        again = await reader.get(FEED, params=polled | {"since_token": kept})
        assert (again.status_code, again.content) == (200, b"")


async def test_a_first_verdict_that_comes_after_the_end_is_not_told(
    world: Worlds, app: FastAPI
) -> None:
    """Whoever finalised did it without: the judgement stays without an end."""
    made = await world()
    await made.judge(await made.submit(0, 0, 3), Verdict.AC, seconds=120)
    moments = {"finished_at": made.at(3.5), "thawed_at": made.at(4), "finalised_at": made.at(4)}
    await made.change(state=EventState.FINALISED, **moments)
    async with client(app, made, "jury") as reader:
        (judgement,) = (await reader.get("/contests/finals/judgements")).json()
        assert (judgement["judgement_type_id"], judgement["end_time"]) == (None, None)
        assert (await reader.get("/contests/finals/runs")).json() == []
        told = {each["type"]: each["data"] for each in lines((await reader.get(FEED)).text)}
        assert told["judgements"] == judgement
        assert "runs" not in told
