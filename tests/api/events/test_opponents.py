"""Opponents see how far somebody is, and neither source nor verdicts, nor anything in a freeze."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from api.app import create_app
from api.auth import Role
from api.live import Kind, Publisher, Topic, Update
from api.settings import Settings
from api.submissions import opponents, telling
from api.submissions.opponents import STEP_S, Opponents
from tests.api.conftest import token_for
from tests.api.events.conftest import Arenas
from tests.api.live_client import Watcher, serving, watching

CANARY = "canary_of_the_source"
SEEN = [
    ("queued", None, None),
    ("testing", 0, 2),
    ("testing", 1, 2),
    ("testing", 2, 2),
    ("solved", None, None),
]


def stages(watcher: Watcher) -> list[tuple[Any, ...]]:
    return [
        (each.data["stage"], each.data.get("passed"), each.data.get("total"))
        for each in watcher.of("progress")
    ]


@pytest.mark.parametrize("freeze_s", [None, 3590])
async def test_a_room_sees_how_far_a_judging_is_unless_the_board_stands_still(
    arena: Arenas, settings: Settings, monkeypatch: pytest.MonkeyPatch, freeze_s: int | None
) -> None:
    monkeypatch.setattr(opponents, "STEP_S", 0)
    made = await arena(freeze_s=freeze_s)
    topics = [Topic.ROOM.of(made.room_id), Topic.EVENT.of(made.event_id)]
    bob, stranger = token_for(settings, user_id=made.bob), token_for(settings)
    master = token_for(settings, Role.GAME_MASTER)
    async with (
        serving(create_app(settings)) as (url, _),
        watching(url, bob, topics) as opponent,
        watching(url, stranger, topics) as spectator,
        watching(url, master, topics) as jury,
    ):
        for each in (opponent, spectator, jury):
            await each.until("ready")
        assert (await made.submit(made.ada, f"AC # {CANARY}")).status_code == 202
        await made.judged()
        await jury.until("progress", 5)
        assert (await made.submit(made.bob, "WA")).status_code == 202
        await made.judged()
        await jury.until("progress", 10)
        # What comes after it is there, so whatever was to come before is, too.
        again = await made.submit(made.ada, f"WA # {CANARY}")
        for each in (opponent, spectator, jury):
            await each.until("progress", 3 if freeze_s else 11)
        assert stages(jury)[:5] == SEEN
        for each in (opponent, spectator):
            told = " ".join(str(event.data) for event in each.events)
            assert CANARY not in told
            for withheld in ("verdict", "cpu_ms", "memory_bytes", "hidden"):
                assert withheld not in told
            if freeze_s:
                assert stages(each) == [SEEN[0]] * 3
            else:
                assert stages(each)[:5] == SEEN
                assert stages(each)[9] == ("tried", None, None)
            last = each.of("progress")[-1].data
            assert last["submission_id"] == again.json()["id"]
            assert last["entry_id"] == str(made.entries[made.ada])


@pytest.mark.parametrize(
    ("freeze_s", "kinds"),
    [(None, {"judged", "progress", "board"}), (3590, {"judged", "progress", "jury_board"})],
)
async def test_what_a_lost_worker_left_untold_is_told_to_the_room_and_the_event(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch, freeze_s: int | None, kinds: set[str]
) -> None:
    made = await arena(freeze_s=freeze_s)
    said: list[tuple[Sequence[str], Update]] = []

    async def away(*_: Any) -> bool:
        return False

    async def there(_: Any, some: Sequence[tuple[Sequence[str], Update]]) -> bool:
        said.extend(some)
        return True

    monkeypatch.setattr(Publisher, "publish_all", away)
    assert (await made.submit(made.ada)).status_code == 202
    await made.judged()
    monkeypatch.setattr(Publisher, "publish_all", there)
    monkeypatch.setattr(telling, "LATE", timedelta(0))
    async with made.parts.sessions() as session:
        assert await telling.tell_untold(session, made.parts.publisher) == 1
    assert {update.kind for _, update in said} == kinds
    (progress,) = (update for _, update in said if update.kind == Kind.PROGRESS)
    assert (progress.data["stage"], progress.data["hidden"]) == ("solved", freeze_s is not None)


def test_many_quick_cases_are_told_now_and_then() -> None:
    now = 0.0
    others = Opponents(topic="room:x", facts={}, clock=lambda: now)
    told = others.told(Kind.COMPILING, {"total": 100})
    for index in range(1, 101):
        now = index * STEP_S / 10
        told += others.told(Kind.RUNNING, {"index": index, "total": 100, "verdict": "AC"})
    passed = [update.data["passed"] for _, update in told]
    assert passed == sorted(set(passed))
    assert 9 <= len(passed) <= 12
    assert others.told(Kind.JUDGED, {"verdict": "JE"})[0][1].data["stage"] == "queued"
