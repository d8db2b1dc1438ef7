"""Playing an event that is over: virtually on a clock of one's own, and as practice.

Ada solved the problem in the tenth minute of an hour, Bob in the fiftieth, and the event is
finalised; whatever is done afterwards, what it left stays to the byte.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from api import clocks
from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    CodeSubmission,
    Event,
    EventEntry,
    EventState,
    GuildMemberRef,
    GuildRef,
    Outbox,
    UserProfileRef,
)
from api.events import acting
from api.events.drafts import handing_in
from api.events.machine import Act
from api.leaderboards import keeping, rebuilding, updating
from api.leaderboards.updating import Known
from judge.verdicts import Verdict
from tests.api.conftest import Client
from tests.api.events.conftest import Arena, Arenas

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
OFFICIAL = (
    "board_cells",
    "board_rows",
    "board_guilds",
    "leaderboard_entries",
    "guild_leaderboard_entries",
    "ratings",
    "rating_changes",
)


@pytest.fixture
async def over(arena: Arenas) -> Arena:
    made = await arena(state=EventState.FINISHED, starts_at=START, started_at=START)
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
        await acting.act(session, made.event_id, Act.FINALISE, by=None, now=datetime.now(UTC))
        await session.commit()
    return made


async def begin(made: Arena, user: UUID, what: str = "virtual", **body: Any) -> Any:
    path = f"/v1/events/autumn/{what}"
    return await made.client(user).post(path, json=body) if body else await _post(made, user, path)


async def _post(made: Arena, user: UUID, path: str) -> Any:
    return await made.client(user).post(path)


async def began(made: Arena, user: UUID, minutes: float) -> None:
    """Let a virtual participation have begun so many minutes ago."""
    async with made.parts.sessions() as session:
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        place = EventEntry.id.in_(
            text(
                "SELECT entry_id FROM codebattle.event_participants WHERE user_id = :u"
            ).bindparams(u=user)
        )
        await session.execute(
            update(EventEntry)
            .where(place, EventEntry.kind == "virtual")
            .values(starts_at=at)
            .execution_options(synchronize_session=False)
        )
        await session.commit()


async def board(made: Arena, user: UUID | None, kind: str, **more: Any) -> dict[str, Any]:
    path = f"/v1/events/{'autumn' if user else made.event_id}/leaderboard"
    answer = await made.client(user).get(path, params={"kind": kind} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(found: dict[str, Any]) -> list[tuple[int, str, str, int]]:
    return [
        (row["rank"], row["kind"], row["name"], row["cells"].get("A", {}).get("attempts", 0))
        for row in found["rows"]
    ]


async def left(made: Arena) -> str:
    """Return all that the event left: its board, snapshots, ratings and messages."""
    async with made.parts.sessions() as session:
        tables = {
            name: sorted(
                await session.scalars(text(f"SELECT to_jsonb(t)::text FROM codebattle.{name} t"))
            )
            for name in OFFICIAL
        }
        told = await session.scalars(select(Outbox.kind).where(Outbox.kind.startswith("event.")))
        return json.dumps([tables, sorted(told)])


async def proven(made: Arena) -> rebuilding.Proof:
    async with made.parts.sessions() as session:
        await keeping.show(made.parts.sessions)
        proof = await rebuilding.check(session, await updating.locked(session, made.event_id))
    assert proof.differences == ()
    return proof


async def test_the_time_is_the_databases(over: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    cyd = new_id()
    assert (await begin(over, cyd)).json()["stage"] == "running"
    monkeypatch.setattr(clocks, "now", AsyncMock(return_value=datetime.max.replace(tzinfo=UTC)))
    shown = (await over.client(cyd).get("/v1/events/autumn/virtual")).json()
    assert (shown["stage"], (await board(over, cyd, "virtual"))["elapsed_s"]) == ("over", None)


async def test_a_virtual_participation(over: Arena) -> None:
    """Its row moves among the official ones of the same moment; what they left stays."""
    cyd, dan = new_id(), new_id()
    before = await left(over)
    first = await begin(over, cyd)
    again = await begin(over, cyd)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["entry_id"] == again.json()["entry_id"]
    assert first.json()["stage"] == "running"
    assert (await begin(over, dan)).status_code == 201
    clock = (await over.client(cyd).get("/v1/events/autumn/clock")).json()
    assert clock["open"] is True
    assert clock["elapsed_s"] < 60
    assert (await over.client(cyd).get("/v1/events/autumn/statements")).status_code == 200

    # Nothing of the event had happened yet at this moment of hers.
    assert rows(await board(over, cyd, "virtual"))[:2] == [
        (1, "official", "Ada", 0),
        (1, "official", "Bob", 0),
    ]
    await began(over, cyd, 30)
    assert (await over.submit(cyd, "WA")).status_code == 202
    assert (await over.submit(cyd, "AC")).status_code == 202
    await over.judged()

    now = await board(over, cyd, "virtual")
    shown = {row["name"]: row for row in now["rows"]}
    me = now["own"]
    # After Ada, who was done by then, before Bob, who was not; nobody's rank is taken.
    assert [row["kind"] for row in now["rows"]] == ["official", "virtual", "official", "virtual"]
    assert (me["rank"], shown["Ada"]["rank"], shown["Bob"]["rank"]) == (2, 1, 2)
    assert me["penalty"] == 30 + 20
    assert (me["cells"]["A"]["attempts"], me["cells"]["A"]["first"]) == (2, False)
    assert shown["Ada"]["cells"]["A"]["first"] is True
    assert shown["Bob"]["cells"] == {}
    assert now["kind"] == "virtual"
    assert abs(now["elapsed_s"] - 1800) < 10
    # Everybody may look at any moment, and at the end.
    early = await board(over, dan, "virtual", elapsed_s=300)
    assert all(row["cells"] == {} for row in early["rows"])
    end = await board(over, over.ada, "virtual")
    assert end["elapsed_s"] is None
    assert [(row["rank"], row["kind"]) for row in end["rows"]] == [
        (1, "official"),
        # The same penalty as Bob's, and solved earlier; nobody is moved by it.
        (2, "virtual"),
        (2, "official"),
        (3, "virtual"),
    ]
    paged = await board(over, cyd, "virtual", elapsed_s=1800, limit=1)
    second = await board(over, cyd, "virtual", elapsed_s=1800, limit=1, cursor=paged["next_cursor"])
    assert second["rows"] == [now["own"]]

    assert len((await board(over, cyd, "official"))["rows"]) == 2
    assert await left(over) == before
    assert (await proven(over)).rows == 14 + 7  # how the four stood, three of them twice


async def test_practice(over: Arena) -> None:
    """Without a clock and shown apart, also for who took part and for who played virtually."""
    cyd = new_id()
    before = await left(over)
    closed = await over.submit(over.ada, "AC")
    assert (closed.status_code, "begin practice" in closed.json()["detail"]) == (409, True)
    for who in (over.ada, cyd):
        assert (await begin(over, who, "practice")).status_code == 201
        assert (await begin(over, who, "practice")).status_code == 200
    await begin(over, cyd)
    assert (await over.submit(over.ada, "WA")).status_code == 202
    assert (await over.submit(cyd, "WA")).status_code == 202
    await began(over, cyd, 90)
    assert (await over.submit(cyd, "AC")).status_code == 202
    await over.judged()

    shown = await board(over, cyd, "practice")
    assert [(row["rank"], row["kind"], row["score"]) for row in shown["rows"]] == [
        (1, "practice", 100.0),
        (2, "practice", 0.0),
    ]
    assert shown["own"] == shown["rows"][0]
    assert shown["problems"][0]["first"] is None
    assert (await board(over, None, "practice"))["own"] is None
    assert await left(over) == before
    await proven(over)


async def test_a_rejudge_and_a_rebuild_bring_rows_apart_along(over: Arena, master: Client) -> None:
    """As the official ones: in the transaction that applies it; and made anew they are the same."""
    cyd = new_id()
    await begin(over, cyd)
    await over.submit(cyd, "AC")
    await over.judged()
    over.judge.changes["AC"] = "WA"
    body = {"reason": "data", "selection": {"event_id": str(over.event_id)}}
    url = (await master.post("/v1/rejudgings", json=body)).headers["location"]
    await over.judged()
    async with over.parts.sessions() as session:
        await session.execute(text("UPDATE codebattle.rejudgings SET state = 'ready'"))
        await session.commit()
    solved = (await board(over, cyd, "virtual"))["own"]["cells"]["A"]["solved"]
    assert (await master.post(f"{url}/apply")).status_code == 200
    assert solved
    assert not (await board(over, cyd, "virtual", elapsed_s=9))["own"]["cells"]["A"]["solved"]
    await proven(over)
    async with over.parts.sessions() as session:
        await session.execute(text("UPDATE codebattle.board_apart SET lost = -7"))
        event = await updating.locked(session, over.event_id)
        assert "virtual row" in (await rebuilding.check(session, event)).differences[0]
        await rebuilding.rebuild(session, event)
        await session.commit()
    await proven(over)


NOT_YET: list[tuple[dict[str, Any], str]] = [
    ({"state": EventState.LIVE}, "event-not-over"),
    ({"state": EventState.FINISHED, "freeze_s": 600, "thawed_at": None}, "event-not-over"),
    ({"state": EventState.CANCELLED, "thawed_at": None}, "event-not-over"),
]


async def test_nobody_begins_before_all_is_shown(over: Arena) -> None:
    """Neither plays nor reads such a board, while the event goes on or hides something."""
    path = f"/v1/events/{over.event_id}/leaderboard"
    for event, slug in NOT_YET:
        await over.change(**event)
        client = over.client(new_id())
        for answer in (
            await client.post("/v1/events/autumn/virtual"),
            await client.post("/v1/events/autumn/practice"),
            await client.get(path, params={"kind": "virtual"}),
            await client.get(path, params={"kind": "practice"}),
        ):
            said = (answer.status_code, answer.json()["type"].rpartition(":")[2])
            assert said == (409, slug), event
    await over.change(state=EventState.FINALISED, thawed_at=START)
    missing = await over.client().get("/v1/events/winter/leaderboard.csv")
    assert (missing.status_code, missing.json()["type"][-15:]) == (404, "event-not-found")
    bad: list[tuple[dict[str, Any], int]] = [
        ({"kind": "practice", "elapsed_s": 5}, 400),
        ({"kind": "virtual", "elapsed_s": -1}, 422),
        ({"kind": "virtual", "at": START.isoformat()}, 400),
        ({"kind": "nothing"}, 422),
    ]
    for params, status in bad:
        assert (await over.client(new_id()).get(path, params=params)).status_code == status


async def test_a_start_that_is_planned(over: Arena) -> None:
    """Nothing is taken before it; until then it can be called off, and not after it."""
    cyd, client = new_id(), over.client
    at = datetime.now(UTC) + timedelta(hours=1)
    for wrong in (at + timedelta(days=8), "soon"):
        assert (await begin(over, cyd, starts_at=str(wrong))).status_code == 422
    begun = await begin(over, cyd, starts_at=at.isoformat())
    assert (begun.status_code, begun.json()["stage"]) == (201, "waiting")
    early = await over.submit(cyd)
    assert (early.status_code, early.json()["detail"]) == (
        409,
        "your virtual participation has not begun",
    )
    for _ in range(2):
        assert (await client(cyd).delete("/v1/events/autumn/virtual")).status_code == 204
    assert (await client(cyd).get("/v1/events/autumn/virtual")).status_code == 404
    await begin(over, cyd)
    assert (await client(cyd).delete("/v1/events/autumn/virtual")).status_code == 409
    async with over.parts.sessions() as session:
        noted = await session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("event.virtual"))
        )
        assert sorted(noted) == [
            "event.virtual_begun",
            "event.virtual_begun",
            "event.virtual_called_off",
        ]


async def test_a_guild_plays_on_one_clock(over: Arena) -> None:
    """Its master begins for members, who have entries of their own; nobody plays twice."""
    guild, cyd, dan, eve = (new_id() for _ in range(4))
    async with over.parts.sessions() as session:
        session.add(GuildRef(guild_id=guild, name="Owls", event_at=START))
        session.add_all(
            UserProfileRef(user_id=who, name=name, guild_id=guild, event_at=START)
            for who, name in ((cyd, "Cyd"), (dan, "Dan"), (eve, "Eve"))
        )
        session.add_all(
            GuildMemberRef(guild_id=guild, user_id=who, event_at=START) for who in (cyd, dan)
        )
        await session.commit()
    path = f"/v1/events/autumn/virtual/guilds/{guild}"
    body = {"members": [str(cyd), str(dan)]}
    head = over.client_for(Role.GUILD_MASTER, user_id=cyd)
    assert (await over.client(dan).post(path, json=body)).status_code == 403
    strangers = await head.post(path, json={"members": [str(eve)]})
    assert (strangers.status_code, strangers.json()["type"][-13:]) == (422, "guild-members")
    await begin(over, dan)
    assert (await head.post(path, json=body)).json()["type"].endswith("event-registered")
    async with over.parts.sessions() as session:
        await session.execute(text("DELETE FROM codebattle.event_entries WHERE kind = 'virtual'"))
        await session.commit()
    answers = [await head.post(path, json=body) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert len({each["starts_at"] for each in answers[0].json()["items"]}) == 1
    shown = await board(over, dan, "virtual", guild=str(guild))
    assert sorted(row["name"] for row in shown["rows"]) == ["Cyd", "Dan"]


async def test_at_the_virtual_bell_the_draft_is_handed_in(over: Arena) -> None:
    """To the virtual entry, at its last moment, once; a draft of practice never is."""
    cyd = new_id()
    await begin(over, over.ada)
    await begin(over, cyd, "practice")
    body = {"language": "python3", "source": "AC"}
    for who in (over.ada, cyd):
        put = await over.client(who).put("/v1/events/autumn/drafts/A", json=body)
        assert put.status_code == 200
        assert put.json()["hand_in"] is (who == over.ada)
    # What is saved there keeps nobody from finalising.
    async with over.parts.sessions() as session:
        event = await session.get_one(Event, over.event_id)
        assert await handing_in.outstanding(session, event) == 0
        begun = (await over.client(over.ada).get("/v1/events/autumn/virtual")).json()
        for state in (EventState.THAWED, EventState.FINALISED):
            event.state = state
            await session.commit()
            said = await handing_in.hand_in(session, over.parts.settings, now=datetime.now(UTC))
            assert said == []
        bell = datetime.fromisoformat(begun["ends_at"])
        late = bell + timedelta(seconds=3)
        counts = [
            len(await handing_in.hand_in(session, over.parts.settings, now=late)) for _ in range(2)
        ]
        assert counts == [1, 0]
        handed = (await session.scalars(select(CodeSubmission))).one()
        assert str(handed.entry_id) == begun["entry_id"]
        assert handed.submitted_at == bell - timedelta(microseconds=1)
    await over.judged()
    await proven(over)
    end = await board(over, over.bob, "virtual")
    assert [row["penalty"] for row in end["rows"] if row["kind"] == "virtual"] == [59]


async def test_whoever_plays_virtually_watches_nobody(over: Arena) -> None:
    """Sources that anybody may watch after the event are not for who plays for time in it."""
    await over.change(spectator_delay_s=0)
    cyd, entry = new_id(), over.entries[over.ada]
    await begin(over, over.ada, "practice")
    await over.submit(over.ada, "AC")
    shown = (await board(over, over.ada, "practice"))["own"]
    path = "/v1/events/autumn/entries/{}/source?problem=A"

    async def watched() -> int:
        answer = await over.client(cyd).get(path.format(shown["entry_id"] if shown else entry))
        return answer.status_code

    assert await watched() == 200
    await begin(over, cyd)
    assert await watched() == 404
    await began(over, cyd, 61)
    assert await watched() == 200
