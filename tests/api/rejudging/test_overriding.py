"""The jury's word in the place of the judge's: it counts, is shown, told, noted, and taken back."""

import asyncio
import csv
import io
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlalchemy import select

from api import clocks
from api.auth import CurrentUser, Role
from api.db.models import AuditEntry, Event, EventProblem, Outbox
from api.leaderboards import rebuilding, updating
from api.live import Resync, Topic
from api.rejudging import applying, overriding, schemas, service
from judge.verdicts import Verdict
from tests.api.conftest import Client
from tests.api.events.conftest import Arena, Arenas, arena, master  # noqa: F401 - fixtures
from tests.api.rejudging.conftest import Scene

REASON = "the jury's canary"


async def _shows(made: Arena, master: Client, what: str, wanted: object) -> None:  # noqa: F811
    """Wait until Ada's cell on the board is as wanted, and see that a rebuild makes the same."""
    found = None
    async with asyncio.timeout(5):
        # A page is kept for a moment and given to all who ask for it.
        while found != wanted:
            shown = (await master.get(f"/v1/events/{made.event_id}/leaderboard")).json()
            row = next(each for each in shown["rows"] if each["name"] == "Ada")
            found = row["cells"]["A"][what]
            await asyncio.sleep(0.05)
    async with made.parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        proof = await rebuilding.check(session, event)
        assert proof.differences == ()


async def test_an_override_counts_and_is_taken_back(
    app: FastAPI,
    arena: Arenas,  # noqa: F811
    master: Client,  # noqa: F811
) -> None:
    """On the board, in what the player and others are told, in the log: as a rejudging is."""
    made = await arena()
    path = (await made.submit(made.ada, "WA")).json()["url"]
    await made.judged()
    judged = (await made.client(made.ada).get(path)).json()
    body = {"verdict": "AC", "reason": REASON}
    topic = Topic.SUBMISSION.of(UUID(judged["id"]))
    assert await app.state.parts.hub.wait_up(5)
    async with app.state.parts.hub.listen([topic]) as updates:
        answer = await master.post(f"{path}/override", json=body)
        told = await asyncio.wait_for(updates.get(), 5)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"]["changed"] == 1
    assert not isinstance(told, Resync)
    assert (told.update.data["verdict"], told.update.data["current"]) == ("AC", True)

    own = await made.client(made.ada).get(path)
    theirs = (await master.get(path)).json()
    assert (own.json()["verdict"], own.json()["overridden"]) == ("AC", True)
    assert REASON not in own.text
    assert theirs["override"] == {
        "by": theirs["override"]["by"],
        "reason": REASON,
        "of": judged["judging_id"],
    }
    await _shows(made, master, "solved", wanted=True)
    await _shows(made, master, "overridden", wanted=True)
    board = f"/v1/events/{made.event_id}/leaderboard"
    exported = (await master.get(f"{board}.json")).json()["rows"]
    assert [each["cells"]["A"]["overridden"] for each in exported if each["cells"]] == [True]
    # What a freeze hides is not the public's to know.
    await made.change(frozen_at=datetime.fromisoformat(judged["submitted_at"]))
    public = (await master.get(f"{board}?limit=7")).json()["rows"]
    assert [each["cells"]["A"]["overridden"] for each in public if each["cells"]] == [False]
    jury = (await master.get(f"{board}?view=jury")).json()["rows"]
    assert [each["cells"]["A"]["overridden"] for each in jury if each["cells"]] == [True]
    await made.change(frozen_at=None)
    preview = (await master.get(f"{answer.json()['url']}/preview")).json()
    assert [(each["old"]["verdict"], each["new"]["verdict"]) for each in preview["items"]] == [
        ("WA", "AC")
    ]
    # Once more, in the place of the first; what is taken back to is the judge's all the same.
    assert (await master.post(f"{path}/override", json=body | {"verdict": "TLE"})).is_success
    undone = await master.post(f"{path}/override/undo", json={"reason": "it was right"})
    assert undone.status_code == 200, undone.text
    again = (await made.client(made.ada).get(path)).json()
    assert (again["verdict"], again["overridden"]) == ("WA", False)
    assert again["runs"] == judged["runs"]
    await _shows(made, master, "solved", wanted=False)
    await _shows(made, master, "overridden", wanted=False)
    twice = await master.post(f"{path}/override/undo", json={"reason": "it was right"})
    assert twice.json()["type"].endswith(":submission-not-overridden")
    async with made.parts.sessions() as session:
        noted = await session.scalars(
            select(AuditEntry.action)
            .order_by(AuditEntry.id)
            .where(AuditEntry.actor_id.is_not(None))
        )
        sent = await session.scalars(select(Outbox.payload).order_by(Outbox.id))
        assert list(noted) == [
            *("submission.overridden", "rejudging.applied") * 2,
            *("submission.restored", "rejudging.applied"),
        ]
        verdicts = [each.get("verdict") for each in sent]
        assert verdicts == ["WA", "AC", "TLE", "WA"]


async def test_where_an_override_is_marked(
    arena: Arenas,  # noqa: F811
    master: Client,  # noqa: F811
) -> None:
    """In one's own row, in the table, in practice; not as of a moment before it was made."""
    made = await arena()
    ada, url = made.client(made.ada), f"/v1/events/{made.event_id}"

    async def now() -> str:
        async with made.parts.sessions() as session:
            return f"?at={await clocks.now(session):%Y-%m-%dT%H:%M:%S.%fZ}"

    async def overridden() -> str:
        path = (await made.submit(made.ada, "WA")).json()["url"]
        await made.judged()
        before = await now()
        body = {"verdict": "AC", "reason": REASON}
        assert (await master.post(f"{path}/override", json=body)).is_success
        return before

    before = await overridden()
    await _shows(made, master, "overridden", wanted=True)
    table = csv.DictReader(io.StringIO((await master.get(f"{url}/leaderboard.csv")).text))
    assert {each["name"]: each["A overridden"] for each in table} == {"Ada": "true", "Bob": ""}
    for at in ("", before, await now()):
        shown = (await ada.get(f"{url}/leaderboard{at}")).json()
        rows = [shown["own"], next(row for row in shown["rows"] if row["cells"])]
        assert [each["cells"]["A"]["overridden"] for each in rows] == [at != before] * 2
    for act in ("finish", "finalise"):
        assert (await master.post(f"{url}/acts/{act}")).is_success
    assert (await ada.post(f"{url}/practice")).status_code == 201
    await overridden()
    (row,) = (await ada.get(f"{url}/leaderboard?kind=practice")).json()["rows"]
    assert row["cells"]["A"]["overridden"] is True


async def test_a_board_that_was_written_down_stays(
    arena: Arenas,  # noqa: F811
    master: Client,  # noqa: F811
) -> None:
    """The verdict changes, the board of a finalised event does not, and the outcome says so."""
    made = await arena()
    path = (await made.submit(made.ada, "WA")).json()["url"]
    await made.judged()
    for act in ("finish", "finalise"):
        answer = await master.post(f"/v1/events/{made.event_id}/acts/{act}")
        assert answer.status_code == 200, answer.text
    changed = await master.post(f"{path}/override", json={"verdict": "AC", "reason": REASON})
    assert (changed.json()["outcome"]["changed"], changed.json()["outcome"]["finalised"]) == (1, 1)
    assert (await master.get(path)).json()["verdict"] == "AC"
    await _shows(made, master, "solved", wanted=False)


async def test_one_that_waited_until_the_board_was_written_down_came_later(
    arena: Arenas,  # noqa: F811
    master: Client,  # noqa: F811
) -> None:
    """Whenever its transaction began: it is on no board, nor in what a contest keeps of then."""
    made = await arena()
    submitted = (await made.submit(made.ada, "WA")).json()
    await made.judged()
    url = f"/v1/events/{made.event_id}"
    assert (await master.post(f"{url}/acts/finish")).is_success
    jury = CurrentUser(id=uuid4(), roles=frozenset({Role.GAME_MASTER}))
    new = schemas.NewOverride(verdict=Verdict.AC, reason=REASON)
    async with made.parts.sessions() as session:
        await clocks.now(session)
        assert (await master.post(f"{url}/acts/finalise")).is_success
        ready = await overriding.override(session, jury, UUID(submitted["id"]), new)
        await applying.apply(session, jury, ready.id, force=False)
        await session.commit()
    await _shows(made, master, "overridden", wanted=False)
    (judgement,) = (await master.get("/v1/clics/api/contests/autumn/judgements")).json()
    assert judgement["judgement_type_id"] == "WA"


async def test_a_later_rejudging_takes_the_place_of_an_override(scene: Scene) -> None:
    """One that was made before it does not."""
    path = f"/v1/submissions/{(submission := await scene.submit('WA'))}"
    await scene.judge()
    early = await scene.rejudge()
    await scene.judge()
    body = {"verdict": "AC", "reason": REASON}
    assert (await scene.master.post(f"{path}/override", json=body)).is_success
    assert (await scene.master.post(f"{early}/apply")).json()["outcome"]["superseded"] == 1
    assert await scene.verdicts(submission) == ["AC"]
    late = await scene.rejudge()
    await scene.judge()
    assert (await scene.master.post(f"{late}/apply")).json()["outcome"]["changed"] == 1
    assert await scene.verdicts(submission) == ["WA"]
    async with scene.parts.sessions() as session:
        assert await service.settle(session) == []


async def test_who_may_override_and_what(
    arena: Arenas,  # noqa: F811
    master: Client,  # noqa: F811
) -> None:
    """Game masters, with a reason, what is judged; a score where the problem has some."""
    made = await arena()
    path = (await made.submit(made.ada, "WA")).json()["url"]
    body = {"verdict": "AC", "reason": REASON}
    unjudged = await master.post(f"{path}/override", json=body)
    assert unjudged.json()["type"].endswith(":submission-unjudged")
    await made.judged()
    for client in (made.client(made.ada), made.client_for(Role.AUTHOR, Role.REVIEWER)):
        for what in ("override", "override/undo"):
            assert (await client.post(f"{path}/{what}", json=body)).status_code == 403
    for wrong in ({"verdict": "JE"}, {"reason": ""}, {"score": 1}, {"verdict": "OK"}):
        assert (await master.post(f"{path}/override", json=body | wrong)).status_code == 422
    missing = await master.post(f"/v1/submissions/{uuid4()}/override", json=body)
    assert missing.status_code == 404
    async with made.parts.sessions() as session:
        problem = (await session.scalars(select(EventProblem))).one()
        problem.scoring, problem.max_score = True, Decimal(10)
        event = await session.get_one(Event, made.event_id)
        event.format = "ioi"
        await session.commit()
    for score, status in ((None, 422), (-1, 422), (10.5, 422), (2.5, 200)):
        answer = await master.post(
            f"{path}/override", json=body | {"verdict": "WA", "score": score}
        )
        assert answer.status_code == status, score
    await _shows(made, master, "score", wanted=25.0)
