"""Statements are nobody's before the start tick and everybody's from then on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from api import clocks
from api.auth import Role
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    Event,
    EventParticipant,
    EventState,
    Presence,
    Visibility,
)
from api.events import acting, announcing, statements
from api.events.machine import Act
from api.events.rooms import starting
from api.live import Topic
from tests.api.live_client import Watcher, watching

from .conftest import Arena, Arenas

CANARY = "canary_of_the_statement"
HIDDEN = "canary_of_the_findings"


async def written(arena: Arena) -> None:
    """Give the problems statements, hidden from everybody."""
    async with arena.parts.sessions() as session:
        text = {"language": "en", "format": "md", "title": "T", "file": "", "text": CANARY}
        await session.execute(
            update(CodeProblemVersion).values(statements=[text], findings=[{"text": HIDDEN}])
        )
        await session.execute(update(CodeProblem).values(visibility=Visibility.HIDDEN))
        await session.commit()


async def told(arena: Arena) -> int:
    return await announcing.announce(arena.parts.sessions, arena.parts.publisher)


async def start(arena: Arena) -> None:
    async with arena.parts.sessions() as session:
        await acting.act(session, arena.ground.event_id, Act.START, by=None, now=datetime.now(UTC))
        await session.commit()


def seen(watcher: Watcher) -> str:
    return " ".join(str(each.data) for each in watcher.events)


async def test_all_have_the_statements_at_the_tick_and_nobody_has_any_before(
    arena: Arenas,
) -> None:
    here = await arena(state=EventState.LOBBY, starts_at=datetime.now(UTC) + timedelta(seconds=5))
    await written(here)
    clients = [
        await here.client(0),
        await here.client(None),
        await here.client(None, Role.GAME_MASTER),
    ]
    topics = [Topic.EVENT.of(here.ground.event_id), Topic.ROOM.of(here.ground.rooms[0])]
    async with (
        watching(here.url, here.token(0), topics) as player,
        watching(here.url, here.token(None), topics) as spectator,
    ):
        for watcher in (player, spectator):
            await watcher.until("ready")
        assert await told(here) == 1
        assert await told(here) == 0
        for watcher in (player, spectator):
            await watcher.until("event")
        for client in clients:
            assert (await client.get(f"{here.path}/statements")).status_code == 409
        async with here.parts.sessions() as session:
            # An act that is rolled back was never told.
            now = datetime.now(UTC)
            await acting.act(session, here.ground.event_id, Act.START, by=None, now=now)
            await session.rollback()
        assert await told(here) == 0
        assert CANARY not in seen(player) + seen(spectator)
        await start(here)
        assert await told(here) == 1
        for watcher in (player, spectator):
            found = await watcher.until("statement", 3)
            assert [each.data["label"] for each in found] == ["A", "B", "C"]
            assert all(each.data["text"] == CANARY for each in found)
            assert watcher.of("event")[-1].data["state"] == "live"
            assert HIDDEN not in seen(watcher)
        assert await told(here) == 0
    for client in clients:
        answer = await client.get(f"{here.path}/statements")
        assert answer.text.count(CANARY) == 3
        assert HIDDEN not in answer.text
    # Who comes now is pointed at them, and who comes back is told what they missed.
    async with watching(here.url, here.token(1), topics, seen=player.last_id) as late:
        await late.until("ready")
        assert late.of("statement") == []
    before = player.of("ready")[0].id
    async with watching(here.url, here.token(0), topics[:1], seen=before) as again:
        await again.until("ready")
        assert CANARY in seen(again) or "statements_url" in seen(again)


def test_what_is_too_long_for_all_at_once_is_pointed_at() -> None:
    long, short = "x" * (statements.TEXT_MAX + 1), "x" * statements.TEXT_MAX

    def problem(*texts: str | None) -> dict[str, Any]:
        each = [{"language": "en", "format": "md", "title": "", "text": text} for text in texts]
        return {"event_id": "e", "title": "T", "statements": each, "samples": [], "languages": None}

    said = statements.updates([problem(long, short, None), problem(*[short] * 9), problem()])
    lengths = [len(each.data["text"] or "") for each in said]
    assert lengths == [0, len(short), 0, *[len(short)] * 7, 0, 0, 0]
    assert {each.data["url"] for each in said} == {"/v1/events/e/statements"}


async def test_it_starts_when_all_are_ready_if_it_says_so(arena: Arenas) -> None:
    """Not before the last of them, nor when one is away; and now, not at the planned time."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    here = await arena(state=EventState.LOBBY, starts_at=soon, start_when_ready=True)

    async def started(**values: Any) -> int:
        async with here.parts.sessions() as session:
            await session.execute(
                update(EventParticipant)
                .where(EventParticipant.user_id == here.people[0])
                .values(name="Ready", **values)
            )
            await session.commit()
        async with here.parts.sessions() as session:
            now = await clocks.now(session)
        return await starting.start_ready(here.parts.sessions, now=now)

    async with here.parts.sessions() as session:
        await session.execute(
            update(EventParticipant).values(presence=Presence.PRESENT, ready_at=soon)
        )
        await session.commit()
    assert await started(ready_at=None) == 0
    assert await started(ready_at=soon, presence=Presence.DISCONNECTED) == 0
    await here.change(start_when_ready=False)
    assert await started(presence=Presence.PRESENT) == 0
    await here.change(start_when_ready=True)
    assert await started() == 1
    assert await started() == 0
    async with here.parts.sessions() as session:
        event = await session.get_one(Event, here.ground.event_id)
    assert event.state is EventState.LIVE
    assert event.started_at == event.starts_at < soon - timedelta(minutes=50)
