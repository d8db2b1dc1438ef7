"""Duels of teams: captains name who plays, all agree, any member's submission is the side's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    Event,
    EventParticipant,
    EventState,
    GuildMemberRef,
    GuildRef,
    LeaderboardEntry,
    Rating,
    RatingChange,
    UserProfileRef,
    Visibility,
)
from api.events import acting
from api.events.duels import deciding, service
from api.events.machine import Act
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, ClientFor, imported
from tests.api.events.conftest import Arena

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Four:
    """Ada and Cid against Bob, a guild master, and Dan, who is of his guild."""

    parts: Parts
    client_for: ClientFor
    problem_id: UUID
    ada: UUID = field(default_factory=new_id)
    bob: UUID = field(default_factory=new_id)
    cid: UUID = field(default_factory=new_id)
    dan: UUID = field(default_factory=new_id)

    async def call(self, who: UUID, path: str = "", **body: Any) -> Any:
        roles = (Role.PLAYER, Role.GUILD_MASTER) if who == self.bob else (Role.PLAYER,)
        client = self.client_for(*roles, user_id=who)
        return await client.post(f"/v1/duels{path}", json=body if body or not path else None)

    async def offered(self, *members: UUID, **more: Any) -> Any:
        named = [str(each) for each in members]
        return await self.call(
            self.ada, opponent_id=str(self.bob), members=named, team="Owls", **more
        )

    async def gathered(self) -> str:
        """Offer and accept: Cid's word is missing, Dan's guild master has selected him."""
        made = (await self.offered(self.cid)).json()
        path = f"/{made['id']}"
        accepted = await self.call(self.bob, f"{path}/accept", members=[str(self.dan)])
        assert accepted.json()["state"] == "gathering", accepted.text
        return path

    async def started(self) -> tuple[str, Arena]:
        """Go on until the event is live."""
        path = await self.gathered()
        joined = (await self.call(self.cid, f"{path}/join")).json()
        event_id = UUID(joined["event_id"])
        await self.start(event_id, ago=timedelta(minutes=1))
        return path, self.arena(event_id)

    async def start(self, event_id: UUID, *, ago: timedelta = timedelta()) -> None:
        """Start the event of a duel."""
        now = datetime.now(UTC)
        async with self.parts.sessions() as session:
            past = {"starts_at": now - ago}
            await session.execute(update(Event).where(Event.id == event_id).values(**past))
            await acting.act(session, event_id, Act.START, by=None, now=now)
            await session.commit()

    def arena(self, event_id: UUID) -> Arena:
        """Return where a duel is played."""
        return Arena(
            parts=self.parts,
            client_for=self.client_for,
            event_id=event_id,
            problem_id=self.problem_id,
            room_id=new_id(),
        )

    async def shown(self, path: str) -> Any:
        return (await self.client_for(user_id=self.dan).get(f"/v1/duels{path}")).json()

    async def decided(self) -> None:
        for _ in range(2):
            await deciding.decide(self.parts.sessions, now=datetime.now(UTC))


@pytest.fixture
async def four(parts: Parts, client_for: ClientFor) -> Four:
    hello = await imported(parts, PROBLEMS / "hello", visibility=Visibility.PUBLIC)
    made = Four(parts=parts, client_for=client_for, problem_id=hello.problem_id)
    guild, now = new_id(), datetime.now(UTC)
    async with parts.sessions() as session:
        session.add(GuildRef(guild_id=guild, name="Foxes", event_at=now))
        for user, name in ((made.bob, "Bob"), (made.dan, "Dan")):
            session.add(UserProfileRef(user_id=user, name=name, guild_id=guild, event_at=now))
            session.add(GuildMemberRef(guild_id=guild, user_id=user, event_at=now))
        await session.commit()
    return made


def slugs(answers: Sequence[Any]) -> list[str]:
    return [str(each.json().get("type", "")).rpartition(":")[2] for each in answers]


async def test_sides_are_of_equal_number_and_nobody_is_on_both(four: Four) -> None:
    refused = [
        await four.offered(four.cid, four.cid),
        await four.offered(four.ada),
        await four.offered(four.bob),
        await four.offered(*(new_id() for _ in range(8))),
    ]
    assert slugs(refused) == ["duel-sides"] * 3 + ["invalid"]
    made = (await four.offered(four.cid)).json()
    path = f"/{made['id']}/accept"
    refused = [
        await four.call(four.bob, path),
        await four.call(four.bob, path, members=[str(four.cid)]),
        await four.call(four.bob, path, members=[str(four.bob)]),
        await four.call(four.bob, path, members=[str(four.dan), str(new_id())]),
    ]
    assert slugs(refused) == ["duel-sides"] * 4
    assert refused[0].json()["members"] == 1
    assert (await four.call(four.cid, path)).status_code == 403


async def test_all_say_yes_or_there_is_no_duel(four: Four) -> None:
    path = await four.gathered()
    shown = (await four.client_for(user_id=four.cid).get(f"/v1/duels{path}")).json()
    joined = {
        side["name"]: [(each["user_id"], each["joined"]) for each in side["members"]]
        for side in shown["sides"]
    }
    assert joined == {
        "Owls": [(str(four.ada), True), (str(four.cid), False)],
        "Tester": [(str(four.bob), True), (str(four.dan), True)],
    }
    stranger = new_id()
    assert (await four.client_for(user_id=stranger).get(f"/v1/duels{path}")).status_code == 404
    assert (await four.call(stranger, f"{path}/join")).status_code == 404
    assert (await four.call(four.bob, f"{path}/join")).status_code == 403
    # Accepted again it stays as it is; one that was selected may still say no, for all of them.
    again = await four.call(four.bob, f"{path}/accept", members=[str(four.dan)])
    assert again.json()["state"] == "gathering"
    assert (await four.call(four.dan, f"{path}/decline")).json()["state"] == "declined"
    assert slugs([await four.call(four.cid, f"{path}/join")]) == ["duel-state"]

    # Not all in time: it expires, and all of it are told.
    path = await four.gathered()
    async with four.parts.sessions() as session:
        (told,) = await service.expire(session, now=datetime.now(UTC) + HOUR)
    assert (told[1].data["state"], len(told[0])) == ("expired", 4)
    assert (await four.call(four.ada, f"{path}/withdraw")).json()["detail"].endswith("expired")
    mine = (await four.client_for(user_id=four.dan).get("/v1/duels")).json()["items"]
    assert [each["state"] for each in mine] == ["expired", "declined"]


async def test_any_members_submission_counts_and_each_is_rated(four: Four) -> None:
    path, arena = await four.started()
    async with four.parts.sessions() as session:
        people = (await session.scalars(select(EventParticipant))).all()
        session.add(Rating(user_id=four.cid, rating=1700, games=50))
        await session.commit()
    entry = {each.user_id: each.entry_id for each in people}
    assert entry[four.ada] == entry[four.cid] != entry[four.bob] == entry[four.dan]

    # Dan is first by submit time: that Cid's is judged before changes nothing.
    first = (await arena.submit(four.dan, "wait")).json()["id"]
    later = (await arena.submit(four.cid, "AC")).json()["id"]
    arena.judge.go_on.set()
    await arena.judged()
    for who, submission, status in (
        *((four.bob, first, 200), (four.ada, first, 404), (four.cid, first, 404)),
        *((four.ada, later, 200), (four.bob, later, 404), (new_id(), later, 404)),
    ):
        client = arena.client(who)
        for part in ("", "/source"):
            got = await client.get(f"/v1/submissions/{submission}{part}")
            assert got.status_code == status
    listed = await arena.client(four.bob).get(f"/v1/submissions?entry={entry[four.bob]}")
    assert [each["id"] for each in listed.json()["items"]] == [first]
    refused = await arena.client(four.bob).get(f"/v1/submissions?entry={entry[four.ada]}")
    assert slugs([refused]) == ["entry-not-found"]
    tickets = [
        await arena.client(who).post("/v1/stream/tickets", json={"topics": [f"submission:{first}"]})
        for who in (four.bob, four.ada)
    ]
    assert [each.status_code for each in tickets] == [201, 404]

    assert (await four.shown(path))["outcome"] is None
    await four.decided()
    assert (await four.shown(path))["outcome"] == "opponent"
    async with four.parts.sessions() as session:
        moved = {
            each.user_id: (each.rank, each.after - each.before)
            for each in await session.scalars(select(RatingChange))
        }
        acts = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))).all()
    # Two of 1500 and 1700 play as 1600: the winners get more than half, all but Cid are new.
    assert moved == {
        four.bob: (1, 26),
        four.dan: (1, 26),
        four.ada: (2, -26),
        four.cid: (2, -13),
    }
    said = [each for each in acts if each.startswith("duel.")]
    assert said == ["duel.challenge", "duel.accept", "duel.join"]


async def test_drawn_and_cancelled_duels_and_who_is_busy(four: Four) -> None:
    path, arena = await four.started()
    # Dan is in one, so nobody may have him in another: until somebody cancels the first.
    single = (await four.call(four.cid, opponent_id=str(new_id()))).json()
    other = await four.call(UUID(single["opponent_id"]), f"/{single['id']}/accept")
    assert slugs([other]) == ["duel-busy"]
    master = four.client_for(Role.GAME_MASTER)
    assert (await master.post(f"/v1/events/{arena.event_id}/acts/cancel")).status_code == 200
    other = await four.call(UUID(single["opponent_id"]), f"/{single['id']}/accept")
    assert other.json()["state"] == "accepted"
    await master.post(f"/v1/events/{other.json()['event_id']}/acts/cancel")
    assert (await four.shown(path))["outcome"] == "cancelled"

    path, arena = await four.started()
    assert (await arena.submit(four.dan, "WA")).status_code == 202
    await arena.judged()
    await four.decided()
    assert (await four.shown(path))["outcome"] is None
    async with four.parts.sessions() as session:
        end = datetime.now(UTC)
        await acting.act(session, arena.event_id, Act.FINISH, by=acting.CLOCK, now=end)
        await session.commit()
    await four.decided()
    assert (await four.shown(path))["outcome"] == "drawn"
    async with four.parts.sessions() as session:
        # The cancelled ones have rated nobody.
        rated = await session.execute(select(RatingChange.event_id, RatingChange.rank))
        assert set(rated.all()) == {(arena.event_id, 1)}
        assert await session.scalar(select(func.count()).select_from(RatingChange)) == 4


async def test_friends_do_not_lose_to_each_other_in_changing_teams(four: Four) -> None:
    """Who met on the other side within a day moves no rating again; who played beside one does."""

    async def rated() -> int:
        await four.decided()
        async with four.parts.sessions() as session:
            return int(await session.scalar(select(func.count()).select_from(RatingChange)) or 0)

    async def single(who: UUID, against: UUID) -> None:
        made = (await four.call(who, opponent_id=str(against))).json()
        accepted = (await four.call(against, f"/{made['id']}/accept")).json()
        await lasts(UUID(accepted["event_id"]))

    async def lasts(event_id: UUID) -> None:
        now = datetime.now(UTC)
        past = {"started_at": now - HOUR, "starts_at": now - HOUR, "finished_at": now}
        async with four.parts.sessions() as session:
            await session.execute(
                update(Event).where(Event.id == event_id).values(state=EventState.FINISHED, **past)
            )
            await session.commit()

    _, arena = await four.started()
    await lasts(arena.event_id)
    # Dan was selected and did nothing: he has met nobody yet, whichever side is asked about.
    assert await rated() == 3
    await single(four.dan, four.ada)
    assert await rated() == 5
    for who, against in ((four.ada, four.dan), (four.ada, four.bob), (four.bob, four.cid)):
        await single(who, against)
        await single(against, who)
        assert await rated() == 5
    await single(four.bob, four.dan)
    assert await rated() == 7


@pytest.mark.parametrize(
    ("does", "is_rated"),
    [
        ("nothing", False),
        ("joins", True),
        ("comes", True),
        ("comes later", False),
        ("hands in", True),
    ],
)
async def test_who_was_only_selected_is_not_rated(four: Four, does: str, is_rated: bool) -> None:  # noqa: FBT001 - a column
    """Else a guild master could give a duel up, and the ratings of others with it."""
    path = await four.gathered()

    async def is_selected() -> list[bool]:
        sides = (await four.shown(path))["sides"]
        return [each["selected"] for side in sides for each in side["members"]]

    assert await is_selected() == [False, False, False, True]
    if does == "joins":
        await four.call(four.dan, f"{path}/join")
        assert await is_selected() == [False] * 4
    arena = four.arena(UUID((await four.call(four.cid, f"{path}/join")).json()["event_id"]))
    room = f"/v1/events/{arena.event_id}/join"
    if does == "comes":
        assert (await arena.client(four.dan).post(room)).status_code == 200
    await four.start(arena.event_id)
    if does == "comes later":
        assert (await arena.client(four.dan).post(room)).status_code == 200
        assert (await four.call(four.dan, f"{path}/join")).status_code == 200
        assert await is_selected() == [False, False, False, True]
    if does == "hands in":
        assert (await arena.submit(four.dan, "WA")).status_code == 202
        await arena.judged()
    assert (await four.call(four.bob, f"{path}/resign")).status_code == 200
    await four.decided()
    async with four.parts.sessions() as session:
        moved = {
            each.user_id: each.after > each.before
            for each in await session.scalars(select(RatingChange))
        }
    others = {four.ada: True, four.cid: True, four.bob: False}
    assert moved == others | ({four.dan: False} if is_rated else {})


async def test_a_captain_gives_a_duel_up(four: Four) -> None:
    """It is lost, whatever the board says, and both sides are rated."""
    path, arena = await four.started()
    await arena.submit(four.bob, "AC")
    refused = [await four.call(who, f"{path}/resign") for who in (four.cid, new_id())]
    assert slugs(refused) == ["forbidden", "duel-not-found"]
    for _ in range(2):
        assert (await four.call(four.bob, f"{path}/resign")).status_code == 200
    assert slugs([await four.call(four.ada, f"{path}/resign")]) == ["duel-state"]
    await arena.judged()
    await four.decided()
    assert (await four.shown(path))["outcome"] == "challenger"
    async with four.parts.sessions() as session:
        places = await session.execute(
            select(LeaderboardEntry.name, LeaderboardEntry.rank, LeaderboardEntry.room_rank)
        )
        assert {tuple(each) for each in places} == {("Owls", 1, 1), ("Tester", 2, 2)}
        rated = {each.user_id: each.rating for each in await session.scalars(select(Rating))}
    assert rated[four.ada] > 1500 > rated[four.bob]


async def test_a_duel_given_up_before_the_start_is_called_off(four: Four) -> None:
    path = await four.gathered()
    assert slugs([await four.call(four.ada, f"{path}/resign")]) == ["duel-state"]
    await four.call(four.cid, f"{path}/join")
    assert (await four.call(four.ada, f"{path}/resign")).json()["outcome"] == "cancelled"
    async with four.parts.sessions() as session:
        assert await session.scalar(select(Event.state)) is EventState.CANCELLED
        assert not await session.scalar(select(func.count()).select_from(Rating))
