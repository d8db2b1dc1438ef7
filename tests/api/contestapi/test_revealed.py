"""What everybody sees of an event while its frozen board is revealed: each step, and no more."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.app import create_app
from api.auth import Role
from api.contestapi import standing, viewing
from api.contestapi.boards import Scoreboards
from api.db.models import AuditEntry, EventEntry, EventState
from api.events import acting, announcing
from api.events.machine import Act
from api.leaderboards import ahead, rebuilding, updating
from api.live import Kind, Publisher, Topic, Update
from api.submissions import telling
from judge.verdicts import Verdict
from tests.api.conftest import token_for
from tests.api.contestapi.conftest import BASE, World, Worlds
from tests.api.live_client import serving, watching

# When an answer was made, which request it is to, a number of the feed's.
VARYING = {"now", "time", "contest_time", "request_id", "token"}
# It stands still from the tenth minute on.
RULES: dict[str, Any] = {"freeze_s": 5 * 3600 - 600, "state": EventState.FINISHED}
# What was handed in: by whom, for which problem, in which minute, and what came of it.
PLAYED = (
    (0, 0, 5, Verdict.AC),
    (0, 1, 20, Verdict.AC),
    (1, 0, 15, Verdict.WA),
    (1, 0, 21, Verdict.AC),
    (1, 1, 18, Verdict.AC),
    (2, 0, 17, Verdict.AC),
    (3, 1, 30, Verdict.WA),
)
# In which order that is told: team, problem, rank before and after.
STEPS = {(3, "B", 2, 2), (2, "A", 2, 2), (1, "A", 3, 3), (1, "B", 3, 1), (0, "B", 2, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A finished event that hides something, and how it is looked at."""

    world: World
    app: FastAPI
    submissions: Mapping[tuple[int, int, int], UUID]

    def client(self, who: int | str = "public") -> httpx.AsyncClient:
        token = self.world.token(who) if who != "stranger" else token_for(self.world.settings)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://test", headers=headers
        )

    @property
    def board(self) -> str:
        return f"/v1/events/{self.world.event_id}/leaderboard"

    async def get(self, path: str, who: int | str = "public") -> httpx.Response:
        """Read something as it is, not as it was a moment ago, however often."""
        parts = self.app.state.parts
        for kept in (parts.recent, parts.lookbacks._kept, parts.replays):
            kept._kept.clear()
        for taken in (parts.looking, parts.lookbacks._turns):
            taken._full_at.clear()
        self.app.state.scoreboards = Scoreboards(parts.sessions)
        async with self.client(who) as client:
            return await client.get(path)

    async def reveal(self, to: int, **more: Any) -> httpx.Response:
        async with self.client("jury") as client:
            return await client.post(f"{self.board}/resolver/steps", json={"to": to, **more})

    async def everything(self, who: int | str) -> dict[str, str]:
        """Return all that tells somebody of results who took no part in those that are hidden."""
        guild = await self._guild()
        contest = f"{BASE}/contests/finals"
        paths = [
            *(f"{self.board}{each}" for each in ("", ".csv", ".json", "/guilds", "/resolver")),
            *(f"{self.board}?room={room}" for room in self.world.rooms),
            f"{self.board}?guild={guild}",
            *(f"{contest}/{each}" for each in ("scoreboard", "awards", "judgements", "runs")),
            *(f"{contest}/{each}" for each in ("submissions", "state", "teams")),
            *(f"{contest}/scoreboard?group_id={each['id']}" for each in await self._groups()),
            f"{contest}/event-feed?stream=false",
        ]
        if who != "public":
            paths += [f"{self.board}?at={_iso(self.world.at(59))}", "/v1/submissions"]
            paths += [f"/v1/submissions/{each}" for each in self.submissions.values()]
        said = {}
        for path in paths:
            answer = await self.get(path, who)
            assert answer.status_code != 429, path
            said[path] = f"{answer.status_code} {_plain(answer.text)}"
        return said

    async def _groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = (await self.get(f"{BASE}/contests/finals/groups")).json()
        return groups

    async def _guild(self) -> UUID:
        async with self.world.parts.sessions() as session:
            entry = await session.get_one(EventEntry, self.world.entries[0])
        assert entry.guild_id is not None
        return entry.guild_id


@pytest.fixture
async def show(world: Worlds, app: FastAPI) -> Show:
    made = await world(**RULES)
    submissions = {}
    for who, problem, minutes, verdict in PLAYED:
        submissions[who, problem, minutes] = await made.submit(who, problem, minutes)
        await made.judge(submissions[who, problem, minutes], verdict)
    await made.change(finished_at=made.at(59))
    return Show(world=made, app=app, submissions=submissions)


@pytest.mark.slow
async def test_what_is_hidden_leaves_no_trace_before_its_step(show: Show) -> None:
    """Whatever came of what is not revealed yet, everybody else reads the same, byte for byte."""
    world, flipped = show.world, {Verdict.AC: Verdict.WA, Verdict.WA: Verdict.AC}
    came = {(who, problem, at): verdict for who, problem, at, verdict in PLAYED}
    hidden = {key for key in came if key[2] >= 10}
    before: dict[int | str, dict[str, str]] = {}

    async def flip(some: set[tuple[int, int, int]], *looking: int | str) -> None:
        for key in some:
            came[key] = flipped[came[key]]
            await world.rejudge(show.submissions[key], came[key])
        for who in looking:
            now = await show.everything(who)
            differs = {path for path, said in before[who].items() if said != now[path]}
            assert not differs, {path: (before[who][path], now[path]) for path in differs}

    for to in range(1, len(STEPS) + 1):
        before |= {who: await show.everything(who) for who in ("public", "stranger", 0)}
        own = {key for key in hidden if key[0] == 0}
        await flip(hidden - own, "public", "stranger", 0)
        # Their own results the team may know.
        await flip(own, "public", "stranger")
        said = (await show.reveal(to)).json()
        (step,) = said["steps"]
        cell = world.entries.index(UUID(step["entry_id"])), "AB".index(step["label"])
        hidden -= {key for key in hidden if key[:2] == cell}
        assert (await show.everything("public")) != before["public"]
    assert not hidden
    assert said["state"] == "thawed"


@pytest.mark.slow
async def test_each_step_is_on_all_that_shows_the_board(show: Show) -> None:
    world = show.world
    taken = set()
    for to in range(1, len(STEPS) + 1):
        said = (await show.reveal(to)).json()
        (step,) = said["steps"]
        who = world.entries.index(UUID(step["entry_id"]))
        taken.add((who, step["label"], step["rank_before"], step["rank"]))
        assert (said["revealed"], step["step"]) == (to, to)
        thawed = to == len(STEPS)
        assert (said["state"], said["coming"] is None) == (
            ("thawed", True) if thawed else ("finished", False)
        )

        board = (await show.get(show.board)).json()
        row = next(each for each in board["rows"] if each["entry_id"] == step["entry_id"])
        assert (row["rank"], row["score"], row["penalty"]) == (
            step["rank"], step["score"], step["penalty"],
        )  # fmt: skip
        assert row["cells"][step["label"]] == step["cell"]
        assert (board["frozen"], board["revealed"]) == (not thawed, to)
        assert (await show.get(show.board, who)).json()["own"] == row
        told = (await show.get(f"{show.board}/resolver")).json()
        assert told["steps"][to - 1] == step
        assert (len(told["steps"]), told["total"]) == (to, to if thawed else None)
        await _others(show, board, thawed=thawed)
        async with world.parts.sessions() as session:
            event = await updating.locked(session, world.event_id)
            assert (await rebuilding.check(session, event)).differences == ()
    assert taken == STEPS
    jury = (await show.get(f"{show.board}?view=jury", "jury")).json()
    assert jury["rows"] == board["rows"]


async def _others(show: Show, board: Any, *, thawed: bool) -> None:
    """Hold rooms, guilds, exports and the Contest API against the board."""
    rows = {each["entry_id"]: each for each in board["rows"]}
    for room in show.world.rooms:
        inside = (await show.get(f"{show.board}?room={room}")).json()["rows"]
        assert inside == [{**rows[each["entry_id"]], "rank": each["rank"]} for each in inside]
    guild = await show._guild()
    (together,) = (await show.get(f"{show.board}/guilds")).json()["rows"]
    assert together["score"] == sum(each["score"] for each in rows.values() if each["guild_id"])
    assert together["guild_id"] == str(guild)
    assert (await show.get(f"{show.board}.json")).json()["rows"] == board["rows"]

    contest = f"{BASE}/contests/finals"
    scoreboard = (await show.get(f"{contest}/scoreboard")).json()
    assert {
        each["team_id"]: (each["rank"], each["score"]["num_solved"]) for each in scoreboard["rows"]
    } == {who: (each["rank"], each["score"]) for who, each in rows.items()}
    winners = (await show.get(f"{contest}/awards/winner")).json()["team_ids"]
    assert winners == sorted(who for who, each in rows.items() if each["rank"] == 1)
    # Judgements wait for the thaw: until then a contest is frozen there.
    judged = (await show.get(f"{contest}/judgements")).json()
    assert len(judged) == (len(PLAYED) if thawed else 1)
    lines = (await show.get(f"{contest}/event-feed?stream=false")).text.splitlines()
    fed = [line for line in map(json.loads, filter(None, lines)) if line["type"] == "judgements"]
    assert len({line["id"] for line in fed}) == len(judged)
    own = (await show.get(f"{contest}/judgements", 1)).json()
    assert len(own) == (len(PLAYED) if thawed else 4)


@pytest.mark.slow
async def test_who_follows_is_told_each_step(world: Worlds, show: Show) -> None:
    del world
    made = show.world
    app = create_app(made.settings)
    topic = Topic.EVENT.of(made.event_id)
    async with serving(app) as (url, _), watching(url, token_for(made.settings), [topic]) as seen:
        await seen.until("ready")
        async with httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {made.token('jury')}"}, timeout=20
        ) as master:
            path = f"{show.board}/resolver/steps"
            said = [(await master.post(path, json={"to": to})).json() for to in (2, 2, 5)]
        told = await seen.until("reveal", 5)
    steps = [step for each in said for step in each["steps"]]
    assert [len(each["steps"]) for each in said] == [2, 0, 3]
    assert len(told) == 5
    for update, step in zip(told, steps, strict=True):
        cell = step["cell"]
        assert update.data["topic"] == topic
        assert {name: update.data.get(name) for name in step if name != "cell"} == {
            name: each for name, each in step.items() if name != "cell"
        }
        assert (update.data["gained"], update.data["solved"], update.data["attempts"]) == (
            cell["score"], cell["solved"], cell["attempts"],
        )  # fmt: skip
    # Of each cell they are told as of any other that changed, and the jury's side did not.
    assert len(seen.of("board")) >= 5
    assert not seen.of("jury_board")


async def test_two_game_masters_take_a_step_once(show: Show) -> None:
    answers = await asyncio.gather(*(show.reveal(2) for _ in range(4)))
    assert sorted(len(each.json()["steps"]) for each in answers) == [0, 0, 0, 2]
    assert {each.json()["revealed"] for each in answers} == {2}
    assert len({json.dumps(each.json()["coming"]) for each in answers}) == 1
    async with show.world.parts.sessions() as session:
        noted = await session.scalars(select(AuditEntry).where(AuditEntry.action == "event.reveal"))
        assert [each.detail for each in noted] == [{"from": 0, "to": 2}]


async def test_who_may_reveal_what_and_when(show: Show) -> None:
    made, path = show.world, f"{show.board}/resolver/steps"

    async def refused(token: str | None, body: Any, status: int, slug: str) -> dict[str, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with show.client() as client:
            said = await client.post(path, json=body, headers=headers)
        assert (said.status_code, said.json()["type"].rsplit(":")[-1]) == (status, slug), said.text
        answer: dict[str, Any] = said.json()
        return answer

    one, master = {"to": 1}, made.token("jury")
    await refused(None, one, 401, "unauthenticated")
    for roles in ((), (Role.GUILD_MASTER,), (Role.REVIEWER, Role.AUTHOR)):
        await refused(token_for(made.settings, *roles), one, 403, "forbidden")
    for body in ({}, {"to": -1}, {"to": "1"}, {"to": True}, {"to": 1, "more": 1}, {"to": 101}):
        await refused(master, body, 422, "invalid")
    await refused(master, one | {"force": True}, 422, "reason-missing")
    await made.change(state=EventState.FROZEN)
    assert (await refused(master, one, 409, "event-state"))["allowed"] == ["finish", "cancel"]
    await made.change(state=EventState.FINISHED)
    await made.submit(3, 0, 40)
    assert (await refused(master, one, 409, "event-pending"))["pending"] == 1
    assert (await show.reveal(0)).json()["coming"]["label"] == "B"
    forced = await show.reveal(1, force=True, reason="the show goes on")
    assert (forced.status_code, forced.json()["revealed"]) == (200, 1)
    # The rest is nobody's but the jury's.
    assert len((await show.get(f"{show.board}/resolver", 0)).json()["steps"]) == 1
    whole = (await show.get(f"{show.board}/resolver", "jury")).json()
    assert (len(whole["steps"]), whole["total"], whole["pending"]) == (5, 5, 1)
    half = (await show.get(f"{show.board}/resolver?limit=2", "jury")).json()
    rest = f"{show.board}/resolver?limit=4&cursor={half['next_cursor']}"
    assert half["steps"] + (await show.get(rest, "jury")).json()["steps"] == whole["steps"]


async def test_what_comes_late_to_an_event_that_was_called_off_in_between(show: Show) -> None:
    """What was shown stays shown; such an event is not over, but its board is locked first."""
    world = show.world
    late = [await world.submit(3, 1, 41), await world.submit(3, 1, 42)]
    await show.reveal(1, force=True, reason="the show goes on")
    async with world.parts.sessions() as session:
        done = await acting.act(session, world.event_id, Act.CANCEL, by=None, now=world.at(60))
        await session.commit()
    assert done.event.state is EventState.CANCELLED
    # From here on the event is known to this process.
    await world.judge(late[0], Verdict.WA)
    async with world.parts.sessions() as session:
        known = world._known(late[1], 3, 1, 42, Verdict.AC)
        assert await ahead.ready(session, known) is None
    await world.judge(late[1], Verdict.AC)
    async with world.parts.sessions() as session:
        event = await updating.locked(session, world.event_id)
        assert (await rebuilding.check(session, event)).differences == ()
    rows = (await show.get(show.board)).json()["rows"]
    cells = {world.entries.index(UUID(each["entry_id"])): each["cells"] for each in rows}
    assert cells[3]["B"]["solved"]
    assert cells[2]["A"]["pending"] == 1


async def test_an_override_is_marked_from_its_step_on(show: Show) -> None:
    path = f"/v1/submissions/{show.submissions[3, 1, 30]}/override"
    async with show.client("jury") as client:
        body = {"verdict": "AC", "reason": "the statement was wrong"}
        assert (await client.post(path, json=body)).is_success

    async def cell() -> Any:
        rows = (await show.get(show.board)).json()["rows"]
        who = str(show.world.entries[3])
        return next(row for row in rows if row["entry_id"] == who)["cells"]["B"]

    before = await cell()
    (step,) = (await show.reveal(1)).json()["steps"]
    after = await cell()
    assert (before["pending"], before["solved"], before["overridden"]) == (1, False, False)
    assert (after["pending"], after["solved"], after["overridden"]) == (0, True, True)
    assert (step["entry_id"], step["label"]) == (str(show.world.entries[3]), "B")


async def test_a_step_is_news_to_all_who_keep_a_board(show: Show) -> None:
    """Followers whom nobody told, and a scoreboard that is kept until something changes."""
    parts, kept = show.world.parts, Kept()

    async def version() -> str:
        async with parts.sessions() as session:
            return await standing.version(session, await viewing.seen(session, "finals", None))

    await announcing.announce(parts.sessions, kept)
    before = await version()
    await show.reveal(1)
    assert await version() != before
    await announcing.announce(parts.sessions, kept)
    assert [each.data["revealed"] for _, each in kept.said] == [0, 1]


async def test_an_end_that_nobody_told_is_of_the_board_that_shows_it(show: Show) -> None:
    """Of a cell that was revealed everybody is told that it changed, of a hidden one the jury."""
    late = [await show.world.submit(3, 1, 41), await show.world.submit(2, 0, 42)]
    async with show.world.parts.sessions() as session:
        await telling.tell_untold(session, Kept())
    await show.reveal(1, force=True, reason="the show goes on")
    for each in late:
        await show.world.judge(each, Verdict.WA)
    kept = Kept()
    async with show.world.parts.sessions() as session:
        assert await telling.tell_untold(session, kept) == len(late)
    boards = {each.data["entry_id"]: each.kind for _, each in kept.said if "board" in each.kind}
    assert boards == {
        str(show.world.entries[3]): Kind.BOARD,
        str(show.world.entries[2]): Kind.JURY_BOARD,
    }


class Kept(Publisher):
    """Keeps what is published."""

    def __init__(self) -> None:
        self.said: list[tuple[Sequence[str], Update]] = []

    async def publish_all(self, some: Sequence[tuple[Sequence[str], Update]]) -> bool:
        """Keep it."""
        self.said += some
        return True


def _iso(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _plain(said: str) -> str:
    """Return an answer without what says when it was made, or is a number of the feed's."""
    lines = []
    for line in said.splitlines():
        read = json.loads(line) if line.startswith("{") else line
        if isinstance(read, dict):
            read = {name: each for name, each in read.items() if name not in VARYING}
        lines.append(json.dumps(read))
    return "\n".join(lines)
