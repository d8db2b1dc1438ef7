"""Boards over HTTP: who sees what, and that formulas and what is frozen stay where they are."""

import asyncio
import csv
import io
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import QueuePool, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    BoardMoment,
    Event,
    EventAttempt,
    EventEntry,
    EventParticipant,
    EventState,
    Rating,
    RatingChange,
)
from api.leaderboards import keeping, moments, rebuilding, timelines, updating
from api.leaderboards.updating import Known
from api.wiring import Parts
from judge.verdicts import Verdict
from tests.api.conftest import Client, ClientFor

from .conftest import START, Ground, Grounds

FREEZE_S = 3600
FORMULA = '=HYPERLINK("http://evil","x")'


def judged(ground: Ground, who: int, task: int, minutes: float, verdict: Verdict | None) -> Known:
    return Known(
        event_id=ground.event_id,
        entry_id=ground.entries[who],
        problem_id=ground.problems[task],
        submission_id=new_id(),
        submitted_at=ground.at(minutes),
        verdict=verdict,
    )


async def take(parts: Parts, *some: Known) -> None:
    for known in some:
        async with parts.sessions() as session:
            await updating.record(session, known)
            await session.commit()


async def change(parts: Parts, ground: Ground, **values: Any) -> None:
    async with parts.sessions() as session:
        await session.execute(update(Event).where(Event.id == ground.event_id).values(**values))
        await session.commit()


@pytest.fixture
async def played(parts: Parts, ground: Grounds) -> Ground:
    """Return an icpc event of which the last hour is frozen; entry 4 is behind, then solves two."""
    made = await ground(freeze_s=FREEZE_S)
    async with parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        await rebuilding.rebuild(session, event)
        await session.execute(
            update(EventEntry).where(EventEntry.id == made.entries[0]).values(name=FORMULA)
        )
        session.add_all(
            EventParticipant(entry_id=who, user_id=who, event_id=made.event_id, name="P")
            for who in made.entries
        )
        await session.commit()
    await take(
        parts,
        judged(made, 0, 0, 10, Verdict.AC),
        judged(made, 1, 0, 9.5, Verdict.AC),
        judged(made, 2, 1, 30, Verdict.WA),
        judged(made, 4, 0, 241, Verdict.AC),
        judged(made, 4, 1, 242, Verdict.AC),
    )
    return made


def path(ground: Ground, more: str = "") -> str:
    return f"/v1/events/{ground.event_id}/leaderboard{more}"


async def rows(client: Client, ground: Ground, more: str = "") -> list[tuple[int, int, float]]:
    """Return rank, number of the entry and score of each row."""
    said = await client.get(path(ground, more))
    assert said.status_code == 200, said.text
    return [
        (row["rank"], ground.entries.index(UUID(row["entry_id"])), row["score"])
        for row in said.json()["rows"]
    ]


async def test_a_page_and_the_own_row(
    played: Ground, client_for: ClientFor, anonymous: Client
) -> None:
    said = (await anonymous.get(path(played, "?limit=1"))).json()
    assert (said["view"], said["frozen"], said["entries"]) == ("public", True, 5)
    assert datetime.fromisoformat(said["frozen_since"]) == START + timedelta(hours=4)
    assert said["own"] is None
    assert said["rows"][0]["entry_id"] == str(played.entries[1])
    assert said["rows"][0]["cells"]["A"] == {
        "attempts": 1, "pending": 0, "solved": True, "first": True, "score": 1, "penalty": 9,
        "at_s": 570, "overridden": False,
    }  # fmt: skip
    assert said["problems"][0]["first"] == {
        "entry_id": str(played.entries[1]), "at_s": 570, "settled": True,
    }  # fmt: skip
    assert said["problems"][1]["first"] is None

    player = client_for(user_id=played.entries[4])
    second = (await player.get(path(played, f"?limit=1&cursor={said['next_cursor']}"))).json()
    assert (second["rows"][0]["rank"], second["rows"][0]["name"]) == (2, FORMULA)
    assert (second["own"]["rank"], second["own"]["score"]) == (3, 0)
    assert second["own"]["cells"]["B"]["pending"] == 1
    assert not second["own"]["cells"]["B"]["solved"]


async def test_rooms_guilds_and_the_jury(
    played: Ground, client_for: ClientFor, anonymous: Client, parts: Parts
) -> None:
    master = client_for(Role.GAME_MASTER)
    assert await rows(anonymous, played) == [(1, 1, 1), (2, 0, 1), (3, 2, 0), (3, 3, 0), (3, 4, 0)]
    assert (await rows(master, played, "?view=jury"))[:2] == [(1, 4, 2), (2, 1, 1)]
    odd = f"?room={played.rooms[1]}"
    assert await rows(anonymous, played, odd) == [(1, 1, 1), (2, 3, 0)]
    async with parts.sessions() as session:
        guild = await session.scalar(
            select(EventEntry.guild_id).where(EventEntry.id == played.entries[2])
        )
    assert await rows(anonymous, played, f"?guild={guild}") == [(1, 2, 0), (1, 3, 0)]
    own = (await client_for(user_id=played.entries[0]).get(path(played, odd))).json()["own"]
    assert own is None
    guilds = (await anonymous.get(path(played, "/guilds"))).json()
    assert [(row["rank"], row["score"]) for row in guilds["rows"]] == [(1, 2), (2, 0)]
    assert (guilds["how"], guilds["best"]) == ("sum", None)


async def test_what_is_refused(
    played: Ground, client_for: ClientFor, anonymous: Client, parts: Parts
) -> None:
    player = client_for()
    for client, more, status, slug in (
        (anonymous, "?view=jury", 401, "unauthenticated"),
        (player, "?view=jury", 403, "forbidden"),
        (player, ".csv?view=jury", 403, "forbidden"),
        (player, "/guilds?view=jury", 403, "forbidden"),
        (player, "/resolver", 403, "forbidden"),
        (client_for(Role.GAME_MASTER), "/resolver", 409, "event-state"),
        (player, "?cursor=bm9uc2Vuc2U", 400, "bad-cursor"),
        (anonymous, f"?at={START:%Y-%m-%dT%H:%M:%SZ}", 401, "unauthenticated"),
        (player, "?at=2999-01-01T00:00:00Z", 422, "invalid"),
    ):
        said = await client.get(path(played, more))
        assert (said.status_code, said.json()["type"].rsplit(":")[-1]) == (status, slug), more
    await change(parts, played, state=EventState.LOBBY)
    for more in ("?limit=2", ".csv", "/guilds", "/resolver"):
        said = await player.get(path(played, more))
        assert (said.status_code, said.json()["type"].rsplit(":")[-1]) == (409, "event-not-started")
    assert (await player.get(f"/v1/events/{new_id()}/leaderboard")).status_code == 404


async def test_who_has_it_already_gets_nothing(
    played: Ground, anonymous: Client, parts: Parts
) -> None:
    first = await anonymous.get(path(played))
    tag = first.headers["etag"]
    again = await anonymous.get(path(played), headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag

    # What was handed in is pending as soon as a worker came by.
    async with parts.sessions() as session:
        await updating.note(session, judged(played, 3, 2, 20, None))
        await session.commit()
    changed = await keeping.show(parts.sessions)
    assert [each.public for each in changed] == [((played.entries[3], played.problems[2]),)]
    assert await keeping.show(parts.sessions) == []
    told = await anonymous.get(path(played, "?limit=99"), headers={"If-None-Match": tag})
    assert told.status_code == 200
    cells = {row["entry_id"]: row["cells"] for row in told.json()["rows"]}
    assert cells[str(played.entries[3])]["C"]["pending"] == 1


async def test_looking_back(played: Ground, client_for: ClientFor, parts: Parts) -> None:
    """The log's own time counts: what was known then."""
    async with parts.sessions() as session:
        known = [
            each.at
            for each in await session.scalars(select(EventAttempt).order_by(EventAttempt.id))
        ]
    master = client_for(Role.GAME_MASTER, user_id=played.entries[4])

    def then(number: int, view: str) -> str:
        return f"?view={view}&limit=3&at={known[number].isoformat().replace('+00:00', 'Z')}"

    assert await rows(master, played, then(0, "jury")) == [(1, 0, 1), (2, 1, 0), (2, 2, 0)]
    assert (await rows(master, played, then(4, "jury")))[0] == (1, 4, 2)
    said = (await master.get(path(played, then(4, "public")))).json()
    assert [row["rank"] for row in said["rows"]] == [1, 2, 3]
    assert (said["own"]["rank"], said["own"]["score"]) == (3, 0)
    assert said["problems"][0]["first"]["entry_id"] == str(played.entries[1])
    more = path(played, f"{then(4, 'public')}&cursor={said['next_cursor']}")
    assert [row["rank"] for row in (await master.get(more)).json()["rows"]] == [3, 3]


async def test_the_thaw_step_by_step(
    played: Ground, client_for: ClientFor, anonymous: Client, parts: Parts
) -> None:
    await change(parts, played, state=EventState.FINISHED)
    master = client_for(Role.GAME_MASTER)
    assert (await anonymous.get(path(played, "/resolver"))).status_code == 403
    told = (await master.get(path(played, "/resolver"))).json()
    assert [(s["label"], s["rank_before"], s["rank"], s["score"]) for s in told["steps"]] == [
        ("A", 3, 3, 1),
        ("B", 3, 1, 2),
    ]
    assert told["pending"] == 0
    half = (await master.get(path(played, "/resolver?limit=1"))).json()
    rest = await master.get(path(played, f"/resolver?limit=1&cursor={half['next_cursor']}"))
    assert half["steps"] + rest.json()["steps"] == told["steps"]

    # It stays the same after the thaw, and is everybody's.
    await change(parts, played, state=EventState.THAWED, thawed_at=played.at(400))
    assert (await anonymous.get(path(played, "/resolver"))).json()["steps"] == told["steps"]


async def test_exports_are_whole_and_no_formula(
    played: Ground, client_for: ClientFor, anonymous: Client
) -> None:
    said = await anonymous.get(path(played, ".csv"))
    assert said.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in said.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(said.text)))
    assert [line["rank"] for line in lines] == ["1", "2", "3", "3", "3"]
    assert lines[1]["name"] == f"'{FORMULA}"
    assert (lines[0]["A score"], lines[0]["A at_s"], lines[0]["B score"]) == ("1", "570", "")

    master = client_for(Role.GAME_MASTER)
    whole = (await master.get(path(played, ".json?view=jury"))).json()
    page = (await master.get(path(played, "?view=jury"))).json()
    assert whole["rows"] == page["rows"]
    assert whole["problems"] == page["problems"]


async def test_ratings(parts: Parts, ground: Grounds, anonymous: Client) -> None:
    made = await ground(entries=1)
    people = sorted(new_id() for _ in range(4))
    async with parts.sessions() as session:
        session.add_all(
            Rating(user_id=who, rating=rating, games=1)
            for who, rating in zip(people, (1500, 1600, 1500, 1400), strict=True)
        )
        session.add(
            RatingChange(event_id=made.event_id, user_id=people[1], before=1500, after=1600, rank=1)
        )
        await session.commit()
    found: list[tuple[int, int]] = []
    cursor = ""
    while True:
        said = (await anonymous.get(f"/v1/ratings?limit=2{cursor}")).json()
        found += [(row["rank"], people.index(UUID(row["user_id"]))) for row in said["items"]]
        if said["next_cursor"] is None:
            break
        cursor = f"&cursor={said['next_cursor']}"
    assert found == [(1, 1), (2, 0), (2, 2), (4, 3)]
    history = (await anonymous.get(f"/v1/ratings/{people[1]}")).json()
    assert (history["rank"], history["rating"], len(history["items"])) == (1, 1600, 1)
    assert history["items"][0]["after"] == 1600
    assert (await anonymous.get(f"/v1/ratings/{new_id()}")).status_code == 404


async def test_ratings_tell_nobody_of_a_private_event(
    parts: Parts, ground: Grounds, anonymous: Client, client_for: ClientFor
) -> None:
    made = await ground(entries=1, private=True)
    who = new_id()
    async with parts.sessions() as session:
        session.add(Rating(user_id=who, rating=1600, games=1))
        session.add(
            RatingChange(event_id=made.event_id, user_id=who, before=1500, after=1600, rank=1)
        )
        session.add(
            EventParticipant(
                entry_id=made.entries[0], user_id=who, event_id=made.event_id, name="Ada"
            )
        )
        await session.commit()
    seen = {"nobody": anonymous, "a stranger": client_for()}
    seen |= {"oneself": client_for(user_id=who), "the jury": client_for(Role.GAME_MASTER)}
    told = {name: (await each.get(f"/v1/ratings/{who}")).json() for name, each in seen.items()}
    assert {name: len(each["items"]) for name, each in told.items()} == {
        "nobody": 0,
        "a stranger": 0,
        "oneself": 1,
        "the jury": 1,
    }
    assert {each["rating"] for each in told.values()} == {1600}


async def test_exports_are_bounded(
    played: Ground, client_for: ClientFor, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole board is dear: each may take so many at once, whatever the others take."""
    monkeypatch.setattr(app.state.parts.looking, "_clock", lambda: 0.0)
    one, other = client_for(), client_for()
    taken = [(await one.get(path(played, ".json"))).status_code for _ in range(11)]
    assert taken == [200] * 10 + [429]
    assert (await one.get(path(played, ".csv"))).json()["type"].endswith(":rate-limited")
    assert (await other.get(path(played, ".csv"))).status_code == 200
    assert (await one.get(path(played))).status_code == 200


async def test_who_reads_an_export_slowly_keeps_no_connection(played: Ground, app: FastAPI) -> None:
    parts: Parts = app.state.parts
    begun, told = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200
        if message["type"] == "http.response.body":
            begun.set()
            await told.wait()

    async def receive() -> Any:
        await told.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path(played, ".json"),
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "scheme": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "server": ("test", 80),
        "root_path": "",
    }
    reading = asyncio.create_task(app(scope, receive, send))
    async with asyncio.timeout(10):
        await begun.wait()
        assert cast("QueuePool", parts.engine.pool).checkedout() == 0
        told.set()
        await reading


async def test_nobody_waits_for_all_moments_of_an_event(
    parts: Parts, ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written down a few entries at a time, by all who need them, with no lock between."""
    monkeypatch.setattr(timelines, "ENTRIES_AT_ONCE", 2)
    made = await ground(state=EventState.FINISHED, started_at=START)
    await take(parts, *(judged(made, who, 0, 10, Verdict.AC) for who in (0, 3)))
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    most: list[int] = []
    real = moments.drop
    count = select(func.count(BoardMoment.entry_id.distinct()))

    async def dropped(session: AsyncSession, event_id: UUID, who: Collection[UUID]) -> None:
        # What was written before is committed, so the event was free.
        async with parts.sessions() as other:
            assert await other.scalar(count) == sum(most)
        most.append(len(who))
        await real(session, event_id, who)

    monkeypatch.setattr(moments, "drop", dropped)
    await asyncio.gather(*(timelines.ensure(parts.sessions, made.event_id) for _ in range(2)))
    assert most == [2, 2, 1]
    async with parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        proof = await rebuilding.check(session, event)
        assert await session.scalar(select(func.count()).select_from(BoardMoment)) == 7
    assert proof.differences == ()
