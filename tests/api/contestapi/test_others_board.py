"""Who makes a scoreboard from nothing but the feed gets the one that is served.

The rules are written down here once more, from the specification and the rules of ICPC, so that a
mistake of ours in either is not made twice.
"""

import json
import random
from collections import defaultdict
from typing import Any

import pytest
from fastapi import FastAPI

from api.db.models import EventState
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import World, Worlds
from tests.api.contestapi.test_over import FEED, client

VERDICTS = (Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.CE, Verdict.JE)
Told = dict[str, dict[str | None, Any]]


def minutes(contest_time: str) -> int:
    hours, minute, _ = contest_time.split(":")
    return 60 * int(hours) + int(minute)


def cell(told: Told, attempts: list[dict[str, Any]], verdicts: dict[str, Any]) -> dict[str, Any]:
    """Return what became of a team's attempts at a problem."""
    made: dict[str, Any] = {"num_judged": 0, "num_pending": 0, "solved": False}
    for attempt in sorted(attempts, key=lambda each: (each["time"], each["id"])):
        verdict = told["judgement-types"].get(verdicts.get(attempt["id"]))
        if made["solved"]:
            break
        if verdict is None or verdict["id"] == "JE":
            # An error of the judge's is none of theirs: it is judged again.
            made["num_pending"] += 1
            continue
        made["num_judged"] += verdict["solved"] or verdict["penalty"]
        if verdict["solved"]:
            made |= {"solved": True, "time": minutes(attempt["contest_time"])}
    return made


def scoreboard(told: Told) -> dict[str, Any]:
    """Return every team's row."""
    contest = told["contest"][None]
    verdicts = {
        each["submission_id"]: each["judgement_type_id"]
        for each in told["judgements"].values()
        if each is not None
    }
    attempts = defaultdict(list)
    for each in told["submissions"].values():
        attempts[each["team_id"], each["problem_id"]].append(each)
    order = sorted(told["problems"].values(), key=lambda each: each["ordinal"])
    rows: dict[str, Any] = {}
    places: dict[str, tuple[int, int, int]] = {}
    for team in map(str, told["teams"]):
        cells = [
            {"problem_id": each["id"]} | cell(told, attempts[team, each["id"]], verdicts)
            for each in order
        ]
        solved = [each for each in cells if each["solved"]]
        wrong = sum(each["num_judged"] - 1 for each in solved)
        total = sum(each["time"] for each in solved) + contest["penalty_time"] * wrong
        last = max((each["time"] for each in solved), default=0)
        score = {"num_solved": len(solved), "total_time": total}
        places[team] = (-len(solved), total, last)
        rows[team] = {"score": score | ({"time": last} if solved else {}), "problems": cells}
    for team, row in rows.items():
        row["rank"] = 1 + sum(place < places[team] for place in places.values())
    return rows


async def compare(app: FastAPI, made: World) -> None:
    for who in ("public", "jury"):
        async with client(app, made, who) as reader:
            told: Told = defaultdict(dict)
            for line in (await reader.get(f"{FEED}?stream=false")).text.splitlines():
                if line:
                    each = json.loads(line)
                    told[each["type"]][each["id"]] = each["data"]
            served = (await reader.get("/contests/finals/scoreboard")).json()["rows"]
        assert {each.pop("team_id"): each for each in served} == scoreboard(told), who


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_a_board_from_the_feed_is_ours(world: Worlds, app: FastAPI, seed: int) -> None:
    """While verdicts are missing, after the freeze, rejudged, and thawed."""
    chance = random.Random(seed)
    made = await world(freeze_s=4 * 3600 + 600)
    at = sorted(chance.uniform(0, 59) for _ in range(24))
    handed = [await made.submit(chance.randrange(4), chance.randrange(2), each) for each in at]
    chance.shuffle(handed)
    for submission_id in handed[:20]:
        await made.judge(submission_id, chance.choice(VERDICTS))
    await compare(app, made)
    for submission_id in handed[:4]:
        await made.rejudge(submission_id, chance.choice(VERDICTS))
    await compare(app, made)
    await made.change(state=EventState.FINISHED, finished_at=made.at(59.5))
    await compare(app, made)
    async with client(app, made, "jury") as jury:
        answer = await jury.post("http://test/v1/events/finals/acts/thaw")
        assert answer.status_code == 200, answer.text
    await compare(app, made)
