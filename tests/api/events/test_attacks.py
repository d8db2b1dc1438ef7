"""What people tried at an event to see or to decide more than is theirs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from api import clocks
from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import CodeProblem, Event, EventEntry, EventState, Visibility
from api.events import acting, tending, ticking
from api.events.life import planning
from api.events.machine import Act
from api.similarity import access
from api.submissions import desk, intake
from tests.api.conftest import Client, ClientFor
from tests.api.events.conftest import Arena, Arenas


def soon(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


class Ahead(datetime):
    """The clock of a machine that is an hour ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        """Return the moment at which that machine believes it is."""
        return datetime.now(tz) + timedelta(hours=1)


async def owned(arena: Arena, owner: UUID) -> None:
    """Give the arena's problem to somebody."""
    async with arena.parts.sessions() as session:
        await session.execute(update(CodeProblem).values(owner_id=owner))
        await session.commit()


async def test_no_slug_stands_for_another_event(arena: Arenas, client_for: ClientFor) -> None:
    """A request with the id of the finals as its slug would take their place for everybody."""
    made = await arena()
    wanted = {"title": "T", "format": "icpc", "starts_at": soon(hours=2), "duration_s": 3600}
    for slug in (str(made.event_id), made.event_id.hex):
        asked = await client_for(Role.GUILD_MASTER).post("/v1/events", json=wanted | {"slug": slug})
        assert asked.status_code == 422, asked.text
    other = {"title": "T", "format": "icpc", "duration_s": 60, "seed": 1}
    async with made.parts.sessions() as session:
        session.add(
            Event(
                slug=str(made.event_id),
                state=EventState.REQUESTED,
                starts_at=datetime.now(UTC),
                requested_by=new_id(),
                **other,
            )
        )
        await session.execute(update(Event).where(Event.id == made.event_id).values(title="Mine"))
        await session.commit()
    found = await made.client(made.ada).get(f"/v1/events/{made.event_id}")
    assert (found.status_code, found.json()["title"]) == (200, "Mine")


async def test_authors_decide_no_event(arena: Arenas, client_for: ClientFor) -> None:
    """Whose problem is played cannot have its submissions judged anew by other data."""
    made, author = await arena(), new_id()
    await owned(made, author)
    answer = await made.submit(made.ada, "WA")
    await made.judged()
    client = client_for(Role.AUTHOR, user_id=author)
    whole = {"reason": "mine", "selection": {"problem": "hello"}}
    one = f"/v1/submissions/{answer.json()['id']}/rejudge"
    tried = [
        await client.post("/v1/rejudgings", json=whole),
        await client.post(one, json={"reason": "mine"}),
    ]
    assert [each.json()["type"].rpartition(":")[2] for each in tried] == ["selection-empty"] * 2
    master = client_for(Role.GAME_MASTER)
    assert (await master.post(one, json={"reason": "the jury's"})).status_code == 202


async def test_a_worker_whose_clock_is_ahead_starts_nothing(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody would have the hidden problems, and nobody could hand anything in."""
    begins = datetime.now(UTC) + timedelta(minutes=30)
    made = await arena(state=EventState.LOBBY, started_at=None, starts_at=begins)
    for module in (ticking, tending):
        monkeypatch.setattr(module, "datetime", Ahead, raising=False)
    await ticking.tick(made.parts)
    await tending.tend(made.parts)
    assert (await made.event()).state is EventState.LOBBY
    assert (await made.client(made.ada).get("/v1/events/autumn/statements")).status_code == 409


@pytest.mark.parametrize("late", ["the desk", "the database"])
async def test_what_came_in_time_is_in_time(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """However long it waits, and though the clock has finished the event meanwhile."""
    made = await arena()
    busy, name = (desk, "admission") if late == "the desk" else (intake, "store")
    real = getattr(busy, name)

    async def slowly(*args: Any, **more: Any) -> Any:
        # It is there by now, and the bell rings.
        async with made.parts.sessions() as session:
            began = await clocks.now(session) - timedelta(seconds=60)
        await made.change(starts_at=began, started_at=began, duration_s=60)
        await ticking.tick(made.parts)
        return await real(*args, **more)

    monkeypatch.setattr(busy, name, slowly)
    answer = await made.submit(made.ada)
    assert answer.status_code == 202, answer.text
    event = await made.event()
    end = clocks.schedule(event).end
    assert event.state is EventState.FINISHED
    assert end is not None
    assert datetime.fromisoformat(answer.json()["submitted_at"]) < end
    monkeypatch.undo()
    assert (await made.submit(made.bob)).status_code == 409


async def test_nobody_hands_in_after_an_event_was_finished_by_hand(arena: Arenas) -> None:
    """What is left of the last second, or of extra time, is nobody's."""
    made = await arena()
    async with made.parts.sessions() as session:
        await session.execute(update(EventEntry).values(extra_s=600))
        event = await session.get_one(Event, made.event_id)
        now = await clocks.now(session)
        jury = CurrentUser(id=new_id(), roles=frozenset({Role.GAME_MASTER}))
        await acting.act(session, event.id, Act.FINISH, by=jury, now=now)
        await session.commit()
    assert (await made.submit(made.ada)).status_code == 409


async def test_nobody_tries_a_problem_out_beside_the_event(arena: Arenas) -> None:
    """A public problem would be judged without a penalty, and while the board stands still."""
    made = await arena()
    async with made.parts.sessions() as session:
        await session.execute(update(CodeProblem).values(visibility=Visibility.PUBLIC))
        await session.commit()
    new = {"problem": "hello", "language": "python3", "source": "AC"}
    for roles in ((), (Role.AUTHOR,)):
        client = made.client_for(*roles, user_id=made.ada)
        for event in ({}, {"event_id": str(new_id())}):
            answer = await client.post("/v1/submissions", json=new | event)
            known = (404,) if event and not roles else (409,)
            assert answer.status_code in known, (roles, event, answer.text)
    assert answer.json()["type"].endswith(":event-not-named")
    stranger = await made.client().post("/v1/submissions", json=new)
    await made.change(state=EventState.LOBBY, started_at=None)
    # Before the start that would tell which problems it has.
    early = await made.client(made.ada).post("/v1/submissions", json=new)
    assert (stranger.status_code, early.status_code) == (202, 202)


async def test_a_reviewer_who_plays_is_a_player(arena: Arenas) -> None:
    """Until the event is over; what it hides is not there before the start, to read or to try."""
    made = await arena(state=EventState.APPROVED, started_at=None)
    new = {"problem": "hello", "language": "python3", "source": "AC"}

    async def seen(user: UUID, *roles: Role) -> list[int]:
        client = made.client_for(*roles, user_id=user)
        asked = [
            await client.get("/v1/problems/hello"),
            await client.get("/v1/problems/hello/samples"),
            await client.post("/v1/submissions", json=new),
        ]
        listed = (await client.get("/v1/problems")).json()["items"]
        return [*(each.status_code for each in asked), len(listed)]

    assert await seen(made.ada, Role.REVIEWER) == [404, 404, 404, 0]
    assert await seen(new_id(), Role.REVIEWER) == [200, 200, 202, 1]
    await made.change(state=EventState.LIVE, started_at=datetime.now(UTC))
    assert await seen(made.ada, Role.REVIEWER) == [200, 200, 404, 0]
    await made.change(state=EventState.FINALISED)
    assert await seen(made.ada, Role.REVIEWER) == [200, 200, 202, 1]


async def test_who_wrote_a_problem_does_not_play_it(arena: Arenas, client_for: ClientFor) -> None:
    """Whichever comes first: the problem, or the author; and it is drawn for nobody else's sake."""
    made, author = await arena(state=EventState.APPROVED, started_at=None), new_id()
    await owned(made, author)
    path, master = f"/v1/events/{made.event_id}", client_for(Role.GAME_MASTER)
    refused = await made.client(author).put(f"{path}/registration")
    assert (refused.status_code, refused.json()["authors"]) == (409, [str(author)])
    await owned(made, made.ada)
    chosen = await master.put(f"{path}/problems", json={"items": [{"problem": "hello"}]})
    assert (chosen.status_code, chosen.json()["problem"]) == (409, "hello")
    drawn = await master.post(f"{path}/problems/draw", json={"topics": [{"count": 1}]})
    assert drawn.json()["type"].endswith(":event-problems-too-few")


async def test_a_private_event_is_there_for_nobody_else(
    arena: Arenas, anonymous: Client, client_for: ClientFor
) -> None:
    """A rehearsal has the problems of what is still to come, and goes on before that."""
    made = await arena(private=True)
    path, room = f"/v1/events/{made.event_id}", str(made.room_id)
    asked = ["", "/statements", "/problems", "/entries", "/rooms", "/clock", "/virtual"]
    asked += ["/leaderboard", "/leaderboard.csv", "/leaderboard.json", "/leaderboard/guilds"]
    boards = [each for each in asked if "board" in each]

    async def listed(client: Client) -> int:
        return len((await client.get("/v1/events")).json()["items"])

    stranger = made.client()
    for each in asked:
        assert (await stranger.get(path + each)).status_code in {404, 405}, each
    for each in boards:
        assert (await anonymous.get(path + each)).status_code == 404, each
    topics = {"topics": [f"event:{made.event_id}", f"room:{room}"]}
    assert (await stranger.post("/v1/stream/tickets", json=topics)).status_code == 404
    assert await listed(stranger) == 0
    clics = "/v1/clics/api/contests"
    assert (await anonymous.get(clics)).json() == []
    assert (await anonymous.get(f"{clics}/autumn/problems")).status_code == 404
    for client in (made.client(made.ada), client_for(Role.GAME_MASTER)):
        assert (await client.get(f"{path}/statements")).status_code == 200
        assert (await client.get(f"{path}/leaderboard")).status_code == 200
        assert (await client.post("/v1/stream/tickets", json=topics)).status_code == 201
        assert await listed(client) == 1
    assert (await stranger.get(f"{path}/leaderboard")).status_code == 404


async def test_reviewers_compare_nothing_that_a_freeze_hides(arena: Arenas) -> None:
    """Whoever is alike was accepted; they may play, or tell who does."""
    made = await arena()
    reviewer = CurrentUser(id=new_id(), roles=frozenset({Role.REVIEWER}))
    expected = {
        (EventState.FROZEN, 600): False,
        (EventState.FINISHED, 600): False,
        (EventState.FINISHED, None): True,
        (EventState.THAWED, 600): True,
    }
    for (state, freeze_s), may in expected.items():
        await made.change(state=state, freeze_s=freeze_s)
        async with made.parts.sessions() as session:
            assert await access.may_see(session, reviewer, [made.event_id]) is may, (
                state,
                freeze_s,
            )


async def test_nobody_uses_up_the_share_of_a_room(arena: Arenas) -> None:
    """What stands in a room's name puts everybody in it back, and an author may be a rival."""
    made = await arena()
    async with made.parts.sessions() as session:
        await session.execute(update(CodeProblem).values(visibility=Visibility.PUBLIC))
        await session.commit()
    new = {"problem": "hello", "language": "python3", "source": "AC"}
    room = {"room_id": str(made.room_id)}
    event = {"event_id": str(made.event_id)}
    for roles, status in (
        ((Role.AUTHOR,), 404),
        ((Role.REVIEWER,), 404),
        ((Role.GAME_MASTER,), 202),
    ):
        for where in (room, room | event):
            answer = await made.client_for(*roles).post("/v1/submissions", json=new | where)
            assert answer.status_code == status, (roles, where, answer.text)


async def test_requests_of_one_moment_are_counted(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends many at once has no more of them waiting than others."""
    monkeypatch.setattr(planning, "REQUESTS_MAX", 2)
    chief = client_for(Role.GUILD_MASTER)
    wanted = {"title": "T", "format": "icpc", "starts_at": soon(hours=2), "duration_s": 3600}
    seeded = await chief.post("/v1/events", json={"slug": "mine", "seed": 1, **wanted})
    assert seeded.status_code == 403
    answers = await asyncio.gather(
        *(chief.post("/v1/events", json={"slug": f"e{n}", **wanted}) for n in range(6))
    )
    assert sorted(each.status_code for each in answers) == [201] * 2 + [409] * 4


async def test_nobody_calls_off_what_was_approved_meanwhile(
    arena: Arenas, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for an event takes a request back, not an event."""
    made = await arena()
    chief = client_for(Role.GUILD_MASTER)
    wanted = {"title": "T", "format": "icpc", "starts_at": soon(hours=2), "duration_s": 3600}
    asked = (await chief.post("/v1/events", json={"slug": "spring", **wanted})).json()
    real = acting.held

    async def slowly(*args: Any) -> Event:
        async with made.parts.sessions() as session:
            mine = update(Event).where(Event.id == UUID(asked["id"]))
            await session.execute(mine.values(state=EventState.APPROVED))
            await session.commit()
        return await real(*args)

    monkeypatch.setattr(acting, "held", slowly)
    answer = await chief.post(f"{asked['url']}/acts/cancel")
    assert answer.status_code == 403, answer.text
    assert (await chief.get(asked["url"])).json()["state"] == "approved"
