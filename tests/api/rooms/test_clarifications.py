"""Questions are their asker's and the jury's; answers reach those they are for, live."""

from typing import Any

from api.auth import Role
from api.db.models import EventState
from api.live import Topic
from tests.api.live_client import Watcher, watching

from .conftest import Arena, Arenas

QUESTION, PRIVATE, PUBLIC = "canary_question", "canary_private", "canary_public"


async def posted(arena: Arena, who: int | None, path: str, *roles: Role, **body: Any) -> Any:
    client = await arena.client(who, *roles)
    return await client.post(f"{arena.path}/{path}", json=body)


def seen(watcher: Watcher) -> str:
    return " ".join(str(each.data) for each in watcher.events)


async def test_those_concerned_are_told_and_nobody_else(arena: Arenas) -> None:
    here = await arena()
    event = Topic.EVENT.of(here.ground.event_id)
    room = Topic.ROOM.of(here.ground.rooms[0])
    async with (
        watching(here.url, here.token(0), [event, room, "user:me"]) as asker,
        watching(here.url, here.token(2), [event, room, "user:me"]) as other,
        watching(here.url, here.token(None, Role.GAME_MASTER), [event]) as jury,
    ):
        for watcher in (asker, other, jury):
            await watcher.until("ready")
        asked = await posted(here, 0, "clarifications", text=QUESTION, problem="B")
        assert asked.status_code == 201, asked.text
        assert (asked.json()["to"], asked.json()["own"]) == ("jury", True)
        (told,) = await jury.until("question")
        assert told.data["from_user_id"] == str(here.people[0])
        assert told.data["problem_id"] == str(here.ground.problems[1])
        path = f"clarifications/{told.data['clarification_id']}/answer"
        assert (await posted(here, 2, path, text="I do")).status_code == 403
        master = Role.GAME_MASTER
        assert (await posted(here, None, path, master, text=PRIVATE)).status_code == 201
        (private,) = await asker.until("clarification")
        assert (private.data["text"], private.data["to"]) == (PRIVATE, "asker")
        assert (await posted(here, None, path, master, text=PUBLIC, to="all")).status_code == 201
        assert (
            await posted(here, None, "announcements", master, text="announced")
        ).status_code == 201
        await asker.until("clarification", 3)
        await other.until("clarification", 2)
        assert [each.data["text"] for each in other.of("clarification")] == [PUBLIC, "announced"]
        assert QUESTION not in seen(other)
        assert PRIVATE not in seen(other)
        assert "from_user_id" not in seen(other) + seen(asker)
    lists: dict[tuple[int | None, tuple[Role, ...]], list[str]] = {}
    callers: list[tuple[int | None, tuple[Role, ...]]]
    callers = [(0, ()), (2, ()), (None, ()), (None, (Role.GAME_MASTER,))]
    for who, roles in callers:
        client = await here.client(who, *roles)
        items = (await client.get(f"{here.path}/clarifications?limit=2")).json()
        rest = items["next_cursor"]
        more: dict[str, Any] = {"items": []}
        if rest is not None:
            path = f"{here.path}/clarifications?cursor={rest}"
            more = (await client.get(path)).json()
        lists[who, roles] = [each["text"] for each in items["items"] + more["items"]]
    assert lists[0, ()] == ["announced", PUBLIC, PRIVATE, QUESTION]
    assert lists[2, ()] == lists[None, ()] == ["announced", PUBLIC]
    assert lists[None, (Role.GAME_MASTER,)] == ["announced", PUBLIC, PRIVATE, QUESTION]


async def test_who_may_say_what_and_how_often(arena: Arenas) -> None:
    here = await arena()
    refused = [
        (None, (), "clarifications", {"text": "?"}, 403),
        (0, (), "clarifications", {"text": ""}, 422),
        (0, (), "clarifications", {"text": "x" * 2001}, 422),
        (0, (), "clarifications", {"text": "a\0b"}, 422),
        (0, (), "clarifications", {"text": "?", "problem": "Z"}, 404),
        (0, (), "announcements", {"text": "!"}, 403),
        (0, (), f"clarifications/{here.ground.event_id}/answer", {"text": "!"}, 403),
        (None, (Role.GAME_MASTER,), f"clarifications/{here.ground.event_id}/answer",
         {"text": "!"}, 404),
    ]  # fmt: skip
    for who, roles, path, body, status in refused:
        answer = await posted(here, who, path, *roles, **body)
        assert answer.status_code == status, (path, body, answer.text)
    statuses = [
        (await posted(here, 0, "clarifications", text="?")).status_code
        for _ in range(here.settings.questions_burst + 1)
    ]
    assert statuses.count(201) >= here.settings.questions_burst - 3
    assert statuses[-1] == 429
    await here.change(state=EventState.FINALISED)
    assert (await posted(here, 1, "clarifications", text="?")).status_code == 409


async def test_canned_answers_are_the_jurys(arena: Arenas) -> None:
    here = await arena()
    master, player = await here.client(None, Role.GAME_MASTER), await here.client(0)
    path = f"{here.path}/canned-answers"
    assert "No comment." in (await master.get(path)).json()["answers"]
    assert (await player.get(path)).status_code == 403
    assert (await player.put(path, json={"answers": []})).status_code == 403
    assert (await master.put(path, json={"answers": ["Read it."]})).status_code == 200
    assert (await master.get(path)).json()["answers"] == ["Read it."]
