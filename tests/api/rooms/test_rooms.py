"""Who is in a room is what the others there are told, at once, and nobody else may act for them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from api.auth import Role
from api.db.models import (
    CodeSubmission,
    Event,
    EventParticipant,
    EventProblem,
    EventState,
    SubmissionFile,
)
from api.events.rooms import presence
from api.live import Topic
from api.wiring import Parts
from tests.api.leaderboards.conftest import Grounds
from tests.api.live_client import Watcher, watching

from .conftest import Arena, Arenas

_WAITS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
""")


async def sent(arena: Arena, who: int | None, method: str, path: str, **more: Any) -> Any:
    client = await arena.client(who)
    return await client.request(method, f"{arena.path}/{path}", **more)


def told(watcher: Watcher) -> list[tuple[str, str, bool]]:
    return [
        (each.data["name"], each.data["presence"], each.data["ready"])
        for each in watcher.of("presence")
    ]


async def test_a_room_hears_who_comes_is_ready_goes_and_comes_back(arena: Arenas) -> None:
    here = await arena(state=EventState.LOBBY, starts_at=datetime.now(UTC) + timedelta(minutes=5))
    topic = Topic.ROOM.of(here.ground.rooms[0])
    async with watching(here.url, here.token(None), [topic]) as spectator:
        (snapshot,) = await spectator.until("snapshot")
        assert [each["update"] for each in snapshot.data["items"]] == ["event"] + ["presence"] * 3
        await spectator.until("ready")
        assert (
            (await sent(here, 0, "PUT", "ready", json={}))
            .json()["type"]
            .endswith("room-not-joined")
        )
        for path in ("join", "join"):
            assert (await sent(here, 0, "POST", path)).json()["presence"] == "present"
        assert (await sent(here, 1, "POST", "join")).status_code == 200  # of the other room
        assert (await sent(here, 0, "PUT", "ready", json={})).json()["ready"] is True
        assert (await sent(here, 0, "POST", "leave")).json()["presence"] == "left"
        assert (await sent(here, 0, "POST", "join")).json()["presence"] == "present"
        await spectator.until("presence", 4)
        assert told(spectator) == [
            ("Player 0", "present", False),
            ("Player 0", "present", True),
            ("Player 0", "left", False),
            ("Player 0", "present", False),
        ]
    rooms = (await sent(here, 0, "GET", "rooms")).json()["items"]
    assert [(each["name"], each["entries"], each["present"], each["own"]) for each in rooms] == [
        ("Room 0", 3, 1, True),
        ("Room 1", 2, 1, False),
    ]
    room = (await sent(here, None, "GET", f"rooms/{rooms[0]['id']}?limit=2")).json()
    more = f"rooms/{rooms[0]['id']}?limit=2&cursor={room['next_cursor']}"
    rest = (await sent(here, 0, "GET", more)).json()
    names = [each["name"] for each in room["items"] + rest["items"]]
    assert sorted(names) == ["Entry 0", "Entry 2", "Entry 4"]
    assert rest["next_cursor"] is None


async def test_whoever_is_silent_is_away_and_an_open_stream_speaks_for_its_owner(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "KEEP_S", 0.05)
    here = await arena()
    topic = Topic.ROOM.of(here.ground.rooms[0])
    for who in (0, 2):
        await sent(here, who, "POST", "join")
    async with (
        watching(here.url, here.token(None), [topic]) as spectator,
        here.parts.sessions() as session,
    ):
        await spectator.until("ready")
        long_ago = text("UPDATE codebattle.event_participants SET seen_at = now() - interval '1m'")

        async def silent() -> None:
            await session.execute(long_ago)
            for topics, update in await presence.lose(session):
                await here.parts.publisher.publish(topics, update)

        await silent()
        await spectator.until("presence", 2)
        assert sorted(told(spectator)) == [
            ("Player 0", "disconnected", False),
            ("Player 2", "disconnected", False),
        ]
        async with watching(here.url, here.token(0), [Topic.EVENT.of(here.ground.event_id)]):
            await spectator.until("presence", 3)
            assert told(spectator)[2] == ("Player 0", "present", False)
        await sent(here, 2, "POST", "join")
        await spectator.until("presence", 4)
        await silent()
        await spectator.until("presence", 6)


async def test_rooms_are_for_those_who_play_and_only_while_they_are_open(arena: Arenas) -> None:
    here = await arena(state=EventState.ASSIGNED)
    assert (await sent(here, None, "POST", "join")).status_code == 403
    assert (await sent(here, 0, "POST", "join")).status_code == 409
    await here.change(state=EventState.FINISHED)
    assert (await sent(here, 0, "POST", "join")).status_code == 409
    await here.change(state=EventState.REQUESTED)
    topics = [Topic.EVENT.of(here.ground.event_id), Topic.ROOM.of(here.ground.rooms[0])]
    client = await here.client(0)
    for path in ("clock", "rooms", f"rooms/{here.ground.rooms[0]}"):
        assert (await client.get(f"{here.path}/{path}")).status_code == 404
    for topic in topics:
        assert (await client.get("/v1/stream", params={"topic": topic})).status_code == 404
    async with watching(here.url, here.token(None, Role.GAME_MASTER), topics) as master:
        await master.until("ready")


async def test_the_clock_is_the_servers_and_knows_extra_time_and_pauses(arena: Arenas) -> None:
    here = await arena(duration_s=7200, freeze_s=1800)
    async with here.parts.sessions() as session:
        await session.execute(
            text("UPDATE codebattle.event_entries SET extra_s = 600 WHERE id = :id"),
            {"id": here.ground.entries[0]},
        )
        await session.commit()
    own, other = await asyncio.gather(
        sent(here, 0, "GET", "clock"), sent(here, None, "GET", "clock")
    )
    mine, theirs = own.json(), other.json()
    ends = datetime.fromisoformat(mine["ends_at"])
    assert datetime.fromisoformat(mine["own_ends_at"]) - ends == timedelta(minutes=10)
    assert ends - datetime.fromisoformat(mine["freeze_at"]) == timedelta(minutes=30)
    assert abs(datetime.fromisoformat(mine["now"]) - datetime.now(UTC)) < timedelta(seconds=10)
    assert (mine["open"], mine["paused"], mine["frozen"]) == (True, False, False)
    assert (theirs["open"], theirs["own_ends_at"]) == (False, None)
    await here.change(removed=[{"start": datetime.now(UTC).isoformat(), "end": None}])
    paused = (await sent(here, 0, "GET", "clock")).json()
    assert (paused["paused"], paused["open"], paused["ends_at"]) == (True, False, None)


async def test_source_is_watched_late_never_by_players_and_not_in_a_freeze(arena: Arenas) -> None:
    here = await arena(spectator_delay_s=300, freeze_s=3600)
    now = datetime.now(UTC)
    async with here.parts.sessions() as session:
        versions = {
            row.problem_id: row.version_id for row in await session.scalars(select(EventProblem))
        }
        for ago_s, canary in ((400, "canary_old"), (100, "canary_new")):
            row = CodeSubmission(
                user_id=here.people[0],
                problem_id=here.ground.problems[0],
                version_id=versions[here.ground.problems[0]],
                event_id=here.ground.event_id,
                entry_id=here.ground.entries[0],
                language="python3",
                source_hash="",
                source_bytes=1,
                request_hash="",
                submitted_at=now - timedelta(seconds=ago_s),
            )
            session.add(row)
            await session.flush()
            session.add(SubmissionFile(submission_id=row.id, name="a.py", content=canary.encode()))
        await session.commit()
    path = f"entries/{here.ground.entries[0]}/source?problem=A"

    async def seen(who: int | None) -> list[str]:
        text = (await sent(here, who, "GET", path)).text
        return [each for each in ("canary_old", "canary_new") if each in text]

    assert await seen(None) == ["canary_old"]
    assert await seen(0) == await seen(2) == []
    await here.change(spectator_delay_s=None)
    assert await seen(None) == []
    await here.change(spectator_delay_s=50)
    assert await seen(None) == ["canary_new"]
    await here.change(frozen_at=now - timedelta(seconds=200))
    assert await seen(None) == ["canary_old"]
    await here.change(state=EventState.THAWED, frozen_at=None)
    assert await seen(2) == ["canary_new"]


async def test_source_is_not_watched_by_who_plays_the_problem_elsewhere(
    arena: Arenas, ground: Grounds
) -> None:
    """Two halves of one final have the same problems, and the first one's programs are open."""
    here = await arena(spectator_delay_s=0, state=EventState.FINALISED)
    later = await ground(starts_at=datetime.now(UTC))
    player = here.people[4]
    async with here.parts.sessions() as session:
        chosen = await session.get_one(
            EventProblem, (here.ground.event_id, here.ground.problems[0])
        )
        row = CodeSubmission(
            user_id=here.people[0],
            problem_id=chosen.problem_id,
            version_id=chosen.version_id,
            event_id=here.ground.event_id,
            entry_id=here.ground.entries[0],
            language="python3",
            source_hash="",
            source_bytes=1,
            request_hash="",
            submitted_at=datetime.now(UTC) - timedelta(minutes=5),
        )
        session.add(row)
        await session.flush()
        session.add(SubmissionFile(submission_id=row.id, name="a.py", content=b"canary_old"))
        session.add(
            EventParticipant(
                entry_id=later.entries[0], user_id=player, event_id=later.event_id, name="P"
            )
        )
        await session.commit()
    path = f"entries/{here.ground.entries[0]}/source?problem=A"

    async def seen(who: int | None) -> bool:
        return "canary_old" in (await sent(here, who, "GET", path)).text

    # They play something else there.
    assert await seen(4)
    async with here.parts.sessions() as session:
        await session.execute(
            update(EventProblem)
            .where(EventProblem.event_id == later.event_id, EventProblem.label == "B")
            .values(problem_id=chosen.problem_id, version_id=chosen.version_id)
        )
        await session.commit()
    assert [await seen(4), await seen(3), await seen(None)] == [False, True, True]
    async with here.parts.sessions() as session:
        await session.execute(
            update(Event).where(Event.id == later.event_id).values(state=EventState.FINISHED)
        )
        await session.commit()
    assert await seen(4)


async def test_who_was_done_comes_back_when_there_is_more_time(arena: Arenas) -> None:
    """Somebody has longer, so the event goes on; then all are given more."""
    here = await arena(starts_at=datetime.now(UTC) - timedelta(hours=5, minutes=1))
    assert (await sent(here, 0, "POST", "join")).json()["presence"] == "present"
    async with here.parts.sessions() as session:
        await presence.complete(session, now=datetime.now(UTC))
    assert (await sent(here, 0, "POST", "join")).status_code == 409
    await here.change(duration_s=6 * 3600)
    assert (await sent(here, 0, "GET", "clock")).json()["open"]
    back = await sent(here, 0, "POST", "join")
    assert (back.status_code, back.json()["presence"]) == (200, "present")


@pytest.mark.parametrize("how", ["heard", "over"])
async def test_people_are_locked_in_one_order(arena: Arenas, how: str) -> None:
    """Whoever waits for one of them holds none that comes later, whatever changes about them."""
    here = await arena(starts_at=datetime.now(UTC) - timedelta(days=1 if how == "over" else 0))
    # The first by entry is neither by person nor by when their rows changed.
    people = sorted((uuid4(), uuid4()), reverse=True)
    first, last = zip(sorted(here.ground.entries)[:2], people, strict=True)
    lock = text(
        "SELECT 1 FROM codebattle.event_participants WHERE entry_id = :id FOR UPDATE NOWAIT"
    )
    there = text("""
        UPDATE codebattle.event_participants SET presence = :is, user_id = :who
        WHERE entry_id = :id
    """)

    async def change() -> None:
        async with here.parts.sessions() as session:
            if how == "over":
                await presence.complete(session, now=datetime.now(UTC))
            else:
                followed = [(who, here.ground.event_id) for _, who in (last, first)]
                await presence.hear(session, followed)

    async with here.parts.sessions() as holder, here.parts.sessions() as other:
        for (entry, who), state in ((last, "disconnected"), (first, "present")):
            await holder.execute(there, {"is": state, "id": entry, "who": who})
            await holder.commit()
        await holder.execute(lock, {"id": first[0]})
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(change())
            while not await other.scalar(_WAITS):
                await other.rollback()
                await asyncio.sleep(0.01)
            try:
                await other.execute(lock, {"id": last[0]})
            finally:
                await other.rollback()
                await holder.rollback()
        said = {"id": last[0]}
        left = text("SELECT presence FROM codebattle.event_participants WHERE entry_id = :id")
        assert await other.scalar(left, said) == ("completed" if how == "over" else "present")


async def test_who_is_there_stays_so_whatever_one_look_comes_to(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes may speak for the same people, and PostgreSQL ends one of two in a deadlock."""
    heard = asyncio.Event()

    async def twice(_session: Any, _followed: Any) -> list[Any]:
        if heard.is_set():
            monkeypatch.undo()
            again.set()
            return []
        heard.set()
        raise DBAPIError(None, None, asyncpg.DeadlockDetectedError("deadlock detected"))

    again = asyncio.Event()
    monkeypatch.setattr(presence, "KEEP_S", 0.01)
    monkeypatch.setattr(presence, "hear", twice)
    async with presence.kept(parts), asyncio.timeout(5):
        await again.wait()
