"""The last saved draft is handed in at the bell: once, in time, whatever is killed in between."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event as listening
from sqlalchemy import func, select, text, update

from api import clocks
from api.auth import Role
from api.db.models import (
    CodeProblemVersion,
    CodeSubmission,
    Draft,
    EventAttempt,
    EventEntry,
    EventState,
    Judging,
    SubmissionFile,
)
from api.errors import ConflictError
from api.events import acting
from api.events.drafts import handing_in
from api.events.machine import Act
from api.leaderboards import updating

from .conftest import HOUR, Arena, Arenas

CANARY = "canary_of_the_draft"
_WAITS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
""")


async def saved(arena: Arena, who: int | None, problem: str, source: str, **more: Any) -> int:
    client = await arena.client(who)
    body = {"language": "python3", "source": source, **more}
    path, headers = f"{arena.path}/drafts/{problem}", {"Content-Type": "application/json"}
    return (await client.put(path, content=json.dumps(body), headers=headers)).status_code


async def roomy(arena: Arena) -> None:
    """Let sources have more than the one byte of the conftest's problems."""
    async with arena.parts.sessions() as session:
        await session.execute(update(CodeProblemVersion).values(source_bytes=1000))
        await session.commit()


async def bell(arena: Arena, now: datetime) -> int:
    async with arena.parts.sessions() as session:
        said = await handing_in.hand_in(session, arena.settings, now=now)
    await arena.parts.publisher.publish_all(said)
    return len(said)


async def handed_in(arena: Arena) -> list[tuple[UUID, str, datetime]]:
    async with arena.parts.sessions() as session:
        rows = await session.execute(
            select(CodeSubmission.user_id, SubmissionFile.content, CodeSubmission.submitted_at)
            .join(SubmissionFile, SubmissionFile.submission_id == CodeSubmission.id)
            .join(Judging, Judging.submission_id == CodeSubmission.id)
            .where(Judging.is_current)
            .order_by(SubmissionFile.content)
        )
        assert None not in set(await session.scalars(select(CodeSubmission.entry_id)))
        return [(user, bytes(content).decode(), at) for user, content, at in rows]


async def test_a_draft_is_ones_own_bounded_and_for_an_open_event(arena: Arenas) -> None:
    here = await arena()
    await roomy(here)
    assert await saved(here, 0, "A", "1") == 200
    assert await saved(here, 0, "A", f"print({CANARY!r})", hand_in=False) == 200
    mine = await (await here.client(0)).get(f"{here.path}/drafts/A")
    assert CANARY in mine.json()["source"]
    for who in (1, None):
        other = await here.client(who)
        assert (await other.get(f"{here.path}/drafts/A")).status_code == 404
        assert CANARY not in (await other.get(f"{here.path}/drafts")).text
    refused = {
        "a stranger": (None, "A", "1", {}, 403),
        "no such problem": (0, "Z", "1", {}, 404),
        "NUL": (0, "A", "\0", {}, 422),
        "too long": (0, "A", "x" * 1001, {}, 413),
        "a language nobody knows": (0, "A", "1", {"language": "cobol"}, 422),
        "half a character": (0, "A", "\ud800", {}, 422),
    }
    for what, (who, problem, source, more, status) in refused.items():
        assert await saved(here, who, problem, source, **more) == status, what
    await here.change(starts_at=datetime.now(UTC) - 6 * HOUR)
    assert await saved(here, 0, "A", "late") == 409
    await here.change(state=EventState.LOBBY, starts_at=datetime.now(UTC) + HOUR)
    # That there is such a problem is nobody's to know yet.
    assert await saved(here, 0, "A", "early") == 409
    assert (await (await here.client(0)).get(f"{here.path}/drafts/A")).status_code == 404


@pytest.mark.parametrize(("hours", "status"), [(-2, 409), (1, 200), (6, 409)])
async def test_when_a_draft_was_saved_is_for_the_database_to_say(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch, hours: int, status: int
) -> None:
    """No machine's clock lets it in, keeps it out, or says which of a team's is the last."""
    here = await arena()
    await roomy(here)
    at = datetime.now(UTC) + hours * HOUR

    async def now(_session: Any) -> datetime:
        return at

    monkeypatch.setattr(clocks, "now", now)
    assert await saved(here, 0, "A", "1") == status
    async with here.parts.sessions() as session:
        assert await session.scalar(select(Draft.saved_at)) == (at if status == 200 else None)


async def test_at_the_bell_each_draft_is_handed_in_once_and_in_time(arena: Arenas) -> None:
    here = await arena()
    await roomy(here)
    end = datetime.now(UTC) - HOUR + 5 * HOUR
    async with here.parts.sessions() as session:
        slow = here.ground.entries[2]
        await session.execute(update(EventEntry).where(EventEntry.id == slow).values(extra_s=600))
        await session.commit()
    for who, source in enumerate(["a0", "a1", "a2", "unwanted"]):
        assert await saved(here, who, "A", source, hand_in=source != "unwanted") == 200
    assert await bell(here, end - timedelta(seconds=60)) == 0
    now = end + timedelta(seconds=60)
    # Any number of workers at once, and again.
    assert sum(await asyncio.gather(*(bell(here, now) for _ in range(4)))) == 2
    assert await bell(here, now) == 0
    rows = await handed_in(here)
    assert [(user, source) for user, source, _ in rows] == [
        (here.people[0], "a0"),
        (here.people[1], "a1"),
    ]
    clock = (await (await here.client(0)).get(f"{here.path}/clock")).json()
    ends_at = datetime.fromisoformat(clock["ends_at"])
    assert {at for _, _, at in rows} == {ends_at - timedelta(microseconds=1)}
    assert await bell(here, end + timedelta(seconds=700)) == 1
    late = (await handed_in(here))[2]
    assert late[1:] == ("a2", ends_at + timedelta(seconds=600) - timedelta(microseconds=1))
    async with here.parts.sessions() as session:
        noted = await session.scalars(select(EventAttempt.entry_id))
        assert set(noted.all()) == set(here.ground.entries[:3])
        changed = await updating.catch_up(session, here.ground.event_id)
        await session.commit()
    assert {entry for entry, _ in changed.public} <= set(here.ground.entries[:3])


async def test_what_was_handed_in_since_or_already_needs_no_bell(arena: Arenas) -> None:
    here = await arena()
    await roomy(here)
    assert await saved(here, 0, "A", "same") == 200
    now = datetime.now(UTC) + 5 * HOUR
    assert await bell(here, now) == 1
    # Saved again later, the same source is still no second attempt; another one is.
    assert await saved(here, 0, "A", "same") == 200
    assert await bell(here, now) == 0
    assert await saved(here, 0, "A", "other") == 200
    async with here.parts.sessions() as session:
        await session.execute(update(Draft).values(saved_at=func.now() - HOUR))
        await session.commit()
    assert await bell(here, now) == 0
    assert len(await handed_in(here)) == 1


async def test_a_worker_that_dies_at_the_bell_loses_nothing_and_finalising_waits(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await arena(duration_s=7200)
    await roomy(here)
    for who in (0, 1):
        assert await saved(here, who, "A", f"a{who}") == 200
    now = datetime.now(UTC) + 2 * HOUR

    async def killed(*_: Any, **__: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(updating, "note", killed)
        with pytest.raises(ConnectionResetError):
            await bell(here, now)
    assert await handed_in(here) == []
    async with here.parts.sessions() as session:
        finished = await acting.act(session, here.ground.event_id, Act.FINISH, by=None, now=now)
        assert finished.changed
        await session.commit()
        with pytest.raises(ConflictError, match="2 drafts"):
            await acting.act(session, here.ground.event_id, Act.FINALISE, by=None, now=now)
        await session.rollback()
    assert await bell(here, now) == 2
    async with here.parts.sessions() as session:
        keys = select(CodeSubmission.user_id, CodeSubmission.idempotency_key)
        assert len(set((await session.execute(keys)).all())) == 2


@pytest.mark.parametrize("what", ["bell", "end"])
async def test_what_was_saved_before_the_bell_is_waited_for(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It may be stored after it, in place of one that is there already."""
    here = await arena()
    await roomy(here)
    after = datetime.now(UTC) + 5 * HOUR
    if what == "bell":
        assert await saved(here, 0, "A", "before") == 200
    asked, go_on, real = asyncio.Event(), asyncio.Event(), clocks.now

    async def slow(session: Any) -> datetime:
        at = await real(session)
        asked.set()
        await go_on.wait()
        return at

    monkeypatch.setattr(clocks, "now", slow)

    async def ends() -> None:
        async with here.parts.sessions() as session:
            for act in (Act.FINISH, Act.FINALISE):
                await acting.act(session, here.ground.event_id, act, by=None, now=after)
            await session.commit()

    async with asyncio.timeout(10), here.parts.sessions() as session:
        saving = asyncio.create_task(saved(here, 0, "A", "last"))
        await asked.wait()
        rung = asyncio.create_task(bell(here, after) if what == "bell" else ends())
        while not rung.done() and not await session.scalar(_WAITS):
            await session.rollback()
            await asyncio.sleep(0.01)
        go_on.set()
        assert await saving == 200
        if what == "end":
            with pytest.raises(ConflictError, match="1 drafts"):
                await rung
        await asyncio.wait([rung])
    await bell(here, after)
    assert [source for _, source, _ in await handed_in(here)] == ["last"]


async def test_nobody_looks_for_what_an_end_by_force_has_left(arena: Arenas) -> None:
    here = await arena()
    await roomy(here)
    assert await saved(here, 0, "A", "a") == 200
    now = datetime.now(UTC) + 5 * HOUR
    async with here.parts.sessions() as session:
        for act in (Act.FINISH, Act.FINALISE):
            await acting.act(session, here.ground.event_id, act, by=None, now=now, force=True)
        await session.commit()
        assert await session.scalar(select(Draft.hand_in)) is False
        # As it was left before there was an end to it.
        await session.execute(update(Draft).values(hand_in=True))
        await session.commit()
    seen: list[str] = []
    engine = here.parts.engine.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(engine, "before_cursor_execute", note)
    try:
        assert await bell(here, now) == 0
    finally:
        listening.remove(engine, "before_cursor_execute", note)
    assert len(seen) == 1


async def test_a_draft_of_time_that_was_taken_back_is_not_in_time(arena: Arenas) -> None:
    """It was written after the bell, and keeps nobody else's from being handed in."""
    here = await arena()
    await roomy(here)
    assert await saved(here, 0, "A", "in time") == 200
    await here.change(starts_at=datetime.now(UTC) - 5 * HOUR - timedelta(seconds=1))
    async with here.parts.sessions() as session:
        await session.execute(update(Draft).values(saved_at=datetime.now(UTC) - HOUR))
        await session.commit()
    assert await bell(here, datetime.now(UTC)) == 1
    entry = here.ground.entries[0]
    for extra_s in (600, 0):
        if extra_s == 0:
            assert await saved(here, 0, "A", "too late") == 200
        async with here.parts.sessions() as session:
            await session.execute(
                update(EventEntry).where(EventEntry.id == entry).values(extra_s=extra_s)
            )
            await session.commit()
    assert await bell(here, datetime.now(UTC)) == 0
    assert [source for _, source, _ in await handed_in(here)] == ["in time"]


async def test_an_event_that_is_finished_while_it_is_paused_has_its_bell(arena: Arenas) -> None:
    """People stop the clock when something breaks, and then give it up for today."""
    here = await arena()
    await roomy(here)
    assert await saved(here, 0, "A", "mine") == 200
    master = await here.client(None, Role.GAME_MASTER)
    assert (await master.post(f"{here.path}/pause")).status_code == 200
    assert (await master.post(f"{here.path}/acts/finish")).status_code == 200
    clock = (await (await here.client(0)).get(f"{here.path}/clock")).json()
    assert (clock["paused"], clock["open"]) == (False, False)
    ends_at = datetime.fromisoformat(clock["ends_at"])
    async with here.parts.sessions() as session:
        assert ends_at <= await clocks.now(session) + timedelta(seconds=1)
    waits = await master.post(f"{here.path}/acts/finalise")
    assert (waits.status_code, waits.json()["pending"]) == (409, 1)
    assert await bell(here, ends_at) == 1
    ((_, source, at),) = await handed_in(here)
    assert (source, at < ends_at) == ("mine", True)
    async with here.parts.sessions() as session:
        event = await updating.locked(session, here.ground.event_id)
        assert await handing_in.outstanding(session, event) == 0
