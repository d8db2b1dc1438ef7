"""The life of an event over HTTP, from the request to the awards, on real servers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import select

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    Event,
    EventState,
    GuildMemberRef,
    GuildRef,
    LeaderboardEntry,
    Outbox,
    UserProfileRef,
    Visibility,
)
from api.events import ticking
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, Client, ClientFor, imported
from tests.api.events.conftest import Arena, Arenas


def _soon(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def _new(**more: Any) -> dict[str, Any]:
    return {
        "slug": "autumn",
        "title": "Autumn",
        "format": "icpc",
        "starts_at": _soon(hours=2),
        "duration_s": 3600,
        **more,
    }


def _slug(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


async def _guild(parts: Parts, *members: UUID, name: str = "Owls") -> UUID:
    """Let the platform have told of a guild with these members."""
    guild, now = new_id(), datetime.now(UTC)
    async with parts.sessions() as session:
        session.add(GuildRef(guild_id=guild, name=name, event_at=now))
        for number, each in enumerate(members):
            session.add(
                UserProfileRef(
                    user_id=each,
                    name=f"{name} {number}",
                    guild_id=guild,
                    guild_name=name,
                    event_at=now,
                )
            )
            session.add(GuildMemberRef(guild_id=guild, user_id=each, event_at=now))
        await session.commit()
    return guild


async def _acted(master: Client, url: str, act: str, **body: Any) -> Any:
    answer = await master.post(f"{url}/acts/{act}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays in the long story: a guild with its master, and Zoe on her own."""

    parts: Parts
    client_for: ClientFor
    master: Client
    chief: UUID = field(default_factory=new_id)
    ada: UUID = field(default_factory=new_id)
    bob: UUID = field(default_factory=new_id)
    zoe: UUID = field(default_factory=new_id)

    @property
    def guild_master(self) -> Client:
        return self.client_for(Role.GUILD_MASTER, user_id=self.chief)

    @property
    def alone(self) -> Client:
        return self.client_for(user_id=self.zoe)


async def test_from_the_request_to_the_awards(
    app: FastAPI, parts: Parts, client_for: ClientFor, master: Client
) -> None:
    """A guild master asks, a game master decides, people play, the clock and people move it on."""
    del app
    hidden = await imported(parts, PROBLEMS / "hello", visibility=Visibility.HIDDEN)
    cast = Cast(parts=parts, client_for=client_for, master=master)

    url = await _asked(cast)
    await _enrolled(cast, url)
    await _drawn_and_started(cast, url)
    await _played(cast, url, hidden.problem_id)
    await _awarded(cast)

    async with parts.sessions() as session:
        acts = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))).all()
    assert [each.partition(".")[2] for each in acts if each.startswith("event.")] == [
        *("requested", "changed", "approve", "guild_registered", "registered", "extra_time"),
        *("assign", "open", "start", "finish", "thaw", "finalise"),
    ]


async def _asked(cast: Cast) -> str:
    """Ask for an event and have it approved."""
    asked = await cast.guild_master.post(
        "/v1/events",
        json=_new(
            topics=[{"count": 1, "points": 50}],
            guilds_max=1,
            guild_members_max=2,
            room_entries=2,
            awards={"base": 5, "by_rank": [100, 50], "guild": {"by_rank": [10]}},
        ),
    )
    assert asked.status_code == 201
    url = asked.headers["location"]
    assert asked.json()["state"] == "requested"
    assert (await cast.alone.get(url)).status_code == 404
    assert _slug(await cast.guild_master.post(f"{url}/acts/approve")) == "forbidden"
    assert _slug(await cast.master.post(f"{url}/acts/approve")) == "revision-missing"
    read = (await cast.master.get(url)).json()["revision"]
    # Nobody who knows all else of it finds out what will be drawn, by trying or choosing seeds.
    assert _slug(await cast.guild_master.patch(url, json={"seed": 1})) == "forbidden"
    assert (asked.json()["seed"], asked.json()["revision"]) == (None, None)
    # Who asked has another idea, after it was read and before it is approved.
    more = await cast.guild_master.patch(url, json={"title": "Ours alone"})
    stale = await cast.master.post(f"{url}/acts/approve", json={"revision": read})
    assert (_slug(stale), (await cast.master.get(url)).json()["state"]) == (
        *("event-revision", "requested"),
    )
    assert (more.json()["title"], more.json()["revision"]) == ("Ours alone", None)
    read = (await cast.master.get(url)).json()["revision"]
    approved = await _acted(cast.master, url, "approve", reason="why not", revision=read)
    assert (approved["state"], approved["title"]) == ("approved", "Ours alone")
    again = await _acted(cast.master, url, "approve")
    assert again["allowed"] == ["assign", "cancel"]
    strange = (await cast.alone.get("/v1/events/autumn")).json()
    assert (strange["seed"], strange["revision"]) == (None, None)
    return str(url)


async def _enrolled(cast: Cast, url: str) -> None:
    """Register the guild and Zoe, each twice, and give her more time."""
    guild = await _guild(cast.parts, cast.chief, cast.ada, cast.bob)
    members = {"members": [str(cast.ada), str(cast.bob)]}
    for _ in range(2):
        listed = await cast.guild_master.put(f"{url}/guilds/{guild}", json=members)
        assert listed.json()["items"][0]["members"] == members["members"]
        mine = await cast.alone.put(f"{url}/registration")
        assert mine.status_code == 200
    entry = mine.json()["entry_id"]
    more = {"extra_s": 600, "reason": "late bus"}
    assert (await cast.master.patch(f"{url}/entries/{entry}", json=more)).json()["extra_s"] == 600
    seen = (await cast.client_for(user_id=cast.ada).get(f"{url}/entries")).json()["items"]
    assert {each["name"]: each["extra_s"] for each in seen} == {
        "Owls 1": 0,
        "Owls 2": None,
        "Tester": None,
    }


async def _drawn_and_started(cast: Cast, url: str) -> None:
    """Try a draw, and let the clock do what is due; the start is brought forward."""
    drawn = await cast.master.post(f"{url}/problems/draw", json={"dry_run": True})
    assert [each["slug"] for each in drawn.json()["items"]] == ["hello"]
    assert (await cast.master.get(f"{url}/problems")).json()["items"] == []
    assert _slug(await cast.alone.get(f"{url}/problems")) == "event-state"
    await _due(cast.parts, lambda event: setattr(event, "starts_at", datetime.now(UTC)))
    assert (await cast.alone.get(url)).json()["state"] == "live"
    problems = (await cast.alone.get(f"{url}/problems")).json()["items"]
    assert [(each["label"], each["points"]) for each in problems] == [("A", 50.0)]
    assert _slug(await cast.master.put(f"{url}/problems", json={"items": []})) == "event-state"
    assert _slug(await cast.alone.delete(f"{url}/registration")) == "event-state"


async def _played(cast: Cast, url: str, problem_id: UUID) -> None:
    """Hand in, finish, judge what is pending, and finalise."""
    arena = Arena(
        parts=cast.parts,
        client_for=cast.client_for,
        event_id=UUID((await cast.alone.get(url)).json()["id"]),
        problem_id=problem_id,
        room_id=new_id(),
    )
    for user, source in ((cast.ada, "AC"), (cast.bob, "WA"), (cast.zoe, "WA")):
        assert (await arena.submit(user, source)).status_code == 202
    assert (await _acted(cast.master, url, "finish"))["state"] == "finished"
    assert _slug(await arena.submit(cast.ada)) == "event-closed"
    pending = await cast.master.post(f"{url}/acts/finalise")
    assert (_slug(pending), pending.json()["pending"]) == ("event-pending", 3)
    await arena.judged()
    assert (await _acted(cast.master, url, "thaw"))["state"] == "thawed"
    assert (await _acted(cast.master, url, "finalise"))["state"] == "finalised"
    refused = await cast.master.post(f"{url}/acts/start")
    assert (refused.status_code, refused.json()["allowed"]) == (409, [])


async def _awarded(cast: Cast) -> None:
    """See the snapshot and what other services are told."""
    async with cast.parts.sessions() as session:
        board = (await session.scalars(select(LeaderboardEntry))).all()
        told = (await session.execute(select(Outbox.kind, Outbox.payload))).all()
    assert sorted((row.rank, row.experience) for row in board) == [(1, 105), (2, 55), (2, 55)]
    awards = {row.payload["user_id"]: row.payload for row in told if row.kind == "event.awarded"}
    assert set(awards) == {str(each) for each in (cast.ada, cast.bob, cast.zoe)}
    assert (awards[str(cast.ada)]["rank"], awards[str(cast.ada)]["experience"]) == (1, 105)
    guilds = [row.payload["experience"] for row in told if row.kind == "event.guild_awarded"]
    assert guilds == [10]


async def _due(parts: Parts, change: Callable[[Event], None]) -> None:
    async with parts.sessions() as session:
        change((await session.scalars(select(Event))).one())
        await session.commit()
    await ticking.tick(parts)


async def test_pauses_and_more_time(arena: Arenas, master: Client) -> None:
    """A pause moves the end, more time too; doing again what is done changes nothing."""
    made = await arena(freeze_s=600)
    url = "/v1/events/autumn"
    before = (await master.get(url)).json()

    paused = [(await master.post(f"{url}/pause")).json() for _ in range(2)]
    closed = await made.submit(made.ada)
    resumed = [(await master.post(f"{url}/resume")).json() for _ in range(2)]
    opened = await made.submit(made.ada)
    longer = (await master.post(f"{url}/extend", json={"seconds": 60})).json()
    until = str(datetime.fromisoformat(longer["ends_at"]) + timedelta(seconds=59.5))
    again = [
        (await master.post(f"{url}/extend", json={"ends_at": until})).json()["duration_s"]
        for _ in range(2)
    ]
    for wrong in ({}, {"seconds": 1, "ends_at": until}, {"ends_at": "9999-12-31T23:59:59Z"}):
        assert (await master.post(f"{url}/extend", json=wrong)).status_code == 422
    frozen = await _acted(master, url, "freeze")

    assert again == [3720, 3720]
    assert [(each["paused"], each["ends_at"]) for each in paused] == [(True, None)] * 2
    assert (closed.status_code, opened.status_code) == (409, 202)
    assert [each["paused"] for each in resumed] == [False, False]
    assert resumed[0]["ends_at"] > before["ends_at"]
    assert (longer["duration_s"], longer["freeze_s"]) == (3660, 660)
    assert frozen["state"] == "frozen"
    assert len((await made.event()).removed) == 1
    for path in ("pause", "resume"):
        assert (await made.client(made.ada).post(f"{url}/{path}")).status_code == 403
    await made.change(state=EventState.FINISHED)
    assert _slug(await master.post(f"{url}/pause")) == "event-state"


BAD_PLANS: list[tuple[dict[str, Any], str]] = [
    ({"slug": "Autumn!"}, "invalid"),
    ({"starts_at": "2020-01-01T00:00:00Z"}, "event-time"),
    ({"starts_at": "9999-12-31T23:59:59Z"}, "event-time"),
    ({"starts_at": "2027-01-01T00:00:00"}, "invalid"),
    ({"duration_s": 0}, "invalid"),
    ({"duration_s": 60, "freeze_s": 61}, "invalid"),
    ({"format": "chess"}, "event-options"),
    ({"options": {"penalty": 1}}, "event-options"),
    ({"topics": [{"count": 50}] * 3}, "invalid"),
    ({"topics": [{"count": 1, "tag": "a\0"}]}, "invalid"),
    ({"awards": {"by_rank": [-1]}}, "invalid"),
    ({"guild_board": {"how": "worst"}}, "invalid"),
    ({"title": ""}, "invalid"),
    ({"more": 1}, "invalid"),
]


async def test_plans_that_do_not_fit(master: Client) -> None:
    """Each is refused with its reason, when it is made and when it is changed."""
    assert (await master.post("/v1/events", json=_new())).status_code == 201
    assert _slug(await master.post("/v1/events", json=_new())) == "event-exists"
    for more, slug in BAD_PLANS:
        made = await master.post("/v1/events", json=_new(slug="other") | more)
        assert (made.status_code, _slug(made)) == (422, slug), more
        changed = await master.patch("/v1/events/autumn", json=more)
        wanted = "invalid" if "slug" in more else slug
        assert (changed.status_code, _slug(changed)) == (422, wanted), more


async def test_an_event_is_changed_until_it_starts(arena: Arenas, master: Client) -> None:
    """Once rooms are assigned what they were made by stays; once it started all of it."""
    made = await arena(state=EventState.APPROVED, started_at=None)
    url, moved = "/v1/events/autumn", _soon(hours=3)

    answer = await master.patch(url, json={"starts_at": moved, "freeze_s": 60, "title": "Later"})
    cleared = await master.patch(url, json={"freeze_s": None, "record_network": True})
    await made.change(state=EventState.LOBBY)
    settled = await master.patch(url, json={"room_entries": 5, "record_network": False})
    allowed_still = await master.patch(url, json={"title": "Now"})
    stranger = await made.client(made.ada).patch(url, json={"title": "Mine"})
    await made.change(state=EventState.LIVE)
    live = await master.patch(url, json={"title": "Too late"})

    assert datetime.fromisoformat(answer.json()["starts_at"]) == datetime.fromisoformat(moved)
    assert (answer.json()["title"], cleared.json()["freeze_s"]) == ("Later", None)
    slugs = ["event-state", "forbidden", "event-state"]
    assert [_slug(each) for each in (settled, stranger, live)] == slugs
    assert settled.json()["detail"].startswith("record_network, room_entries: ")
    assert allowed_still.json()["title"] == "Now"
    assert live.json()["allowed"] == ["freeze", "finish", "cancel"]


async def test_who_may_register(
    parts: Parts, arena: Arenas, client_for: ClientFor, master: Client
) -> None:
    """Guild masters for their own guild and its members, within the bounds; nobody twice."""
    made = await arena(
        state=EventState.APPROVED, started_at=None, guilds_max=1, guild_members_max=2
    )
    url = "/v1/events/autumn"
    chief, eve, fay = (new_id() for _ in range(3))
    guild, other = await _guild(parts, chief, eve, fay), await _guild(parts, name="Foxes")
    chief_client = client_for(Role.GUILD_MASTER, user_id=chief)

    async def put(client: Client, which: UUID, *members: UUID) -> str:
        body = {"members": [str(each) for each in members]}
        answer = await client.put(f"{url}/guilds/{which}", json=body)
        return "ok" if answer.status_code == 200 else _slug(answer)

    assert await put(client_for(user_id=chief), guild, eve) == "guild-not-yours"
    assert await put(chief_client, other, eve) == "guild-not-yours"
    assert await put(chief_client, guild, new_id()) == "guild-members"
    assert await put(chief_client, guild, chief, eve, fay) == "event-full"
    assert await put(master, new_id(), eve) == "guild-unknown"
    assert await put(chief_client, guild, chief, eve) == "ok"
    assert await put(master, other) == "event-full"
    assert (await client_for(user_id=eve).put(f"{url}/registration")).json()["entry_id"]
    assert (await client_for(user_id=fay).put(f"{url}/registration")).status_code == 200
    assert await put(chief_client, guild, chief, fay) == "event-registered"
    assert (await client_for(user_id=fay).delete(f"{url}/registration")).status_code == 204
    assert await put(chief_client, guild, chief, fay) == "ok"
    names = [each["name"] for each in (await master.get(f"{url}/entries")).json()["items"]]
    assert sorted(names) == ["Ada", "Bob", "Owls 0", "Owls 2"]
    assert (await chief_client.delete(f"{url}/guilds/{guild}")).status_code == 204
    assert (await master.get(f"{url}/guilds")).json()["items"] == []
    await made.change(individuals=False)
    assert _slug(await client_for().put(f"{url}/registration")) == "event-guilds-only"


async def test_the_last_place_is_given_once(
    parts: Parts, arena: Arenas, client_for: ClientFor
) -> None:
    """Two guilds that register at the same moment do not both get it."""
    await arena(state=EventState.APPROVED, started_at=None, guilds_max=1)
    chiefs = [new_id(), new_id()]
    guilds = [await _guild(parts, each, name=f"G{n}") for n, each in enumerate(chiefs)]

    answers = await asyncio.gather(
        *(
            client_for(Role.GUILD_MASTER, user_id=chief).put(
                f"/v1/events/autumn/guilds/{guild}", json={"members": [str(chief)]}
            )
            for chief, guild in zip(chiefs, guilds, strict=True)
        )
    )

    assert sorted(each.status_code for each in answers) == [200, 409]


async def test_lists_go_page_by_page(master: Client, client_for: ClientFor) -> None:
    """The latest start first; requests only for who asked and who decides."""
    asker = client_for(Role.GUILD_MASTER)
    for number in range(3):
        new = _new(slug=f"e{number}", starts_at=_soon(hours=number + 1))
        assert (await master.post("/v1/events", json=new)).status_code == 201
    assert (await asker.post("/v1/events", json=_new(slug="wish"))).status_code == 201

    async def slugs(client: Client, query: str = "") -> list[str]:
        found, cursor = [], ""
        while True:
            page = (await client.get(f"/v1/events?limit=2{query}{cursor}")).json()
            found += [each["slug"] for each in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    assert await slugs(client_for()) == ["e2", "e1", "e0"]
    assert sorted(await slugs(asker)) == ["e0", "e1", "e2", "wish"]
    assert await slugs(asker, "&mine=true") == ["wish"]
    assert await slugs(master, "&state=requested") == ["wish"]
    assert (await master.get("/v1/events?cursor=nonsense")).status_code == 400
