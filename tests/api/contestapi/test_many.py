"""Many who read at once: looks and scoreboards are made for all of them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import create_app
from api.contestapi import boards, feeding, marking, standing, streaming
from api.contestapi.viewing import View
from api.db.models import ContestFeed
from judge.verdicts import Verdict
from tests.api.contestapi.conftest import BASE, Worlds
from tests.api.contestapi.test_feed import Reader, state
from tests.api.live_client import serving

READERS = 4
PATIENCE_S = 30.0
_WAITING = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
""")


async def test_who_comes_together_waits_for_one_look(
    world: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds one connection, and all get signs of life until it is taken."""
    monkeypatch.setattr(streaming, "FIRST_S", 0.05)
    made = await world()
    await marking.look(made.parts.sessions, made.event_id)
    async with serving(create_app(made.settings)) as (url, _), AsyncExitStack() as stack:
        readers = [Reader(url, made, who) for who in range(READERS)]
        async with made.parts.sessions() as session:
            await session.execute(select(ContestFeed).with_for_update())
            feeds = [await stack.enter_async_context(each.connected()) for each in readers]
            for reader, lines in zip(readers, feeds, strict=True):
                await reader.read(lines)
            async with made.parts.sessions() as other:
                assert await other.scalar(_WAITING) == 1
            assert [(each.blanks, each.lines) for each in readers] == [(1, [])] * READERS
        for reader, lines in zip(readers, feeds, strict=True):
            await reader.read(lines, until=state("started"))


async def test_a_scoreboard_is_made_when_it_changed(
    world: Worlds, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked for and looked after meanwhile."""
    looked: list[str] = []
    version = standing.version

    async def counted(session: AsyncSession, view: View) -> str:
        looked.append(await version(session, view))
        return looked[-1]

    monkeypatch.setattr(standing, "version", counted)
    monkeypatch.setattr(boards, "SAME_S", float("inf"))
    made = await world()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://test{BASE}/contests/finals"
    )
    async with client, asyncio.timeout(PATIENCE_S):
        first = (await client.get("/scoreboard")).json()
        while len(looked) < 3:
            assert (await client.get("/scoreboard")).json() == first
        await made.judge(await made.submit(0, 0, 3), Verdict.AC)
        while (found := (await client.get("/scoreboard")).json()) == first:
            await asyncio.sleep(0.01)
    assert found["rows"][0]["score"]["num_solved"] == 1


async def test_groups_that_there_are_not_push_out_no_scoreboard(
    world: Worlds, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask for them, and one of many teams takes seconds to write."""
    written: list[View] = []
    scoreboard = standing.scoreboard

    def counted(session: AsyncSession, view: View, *which: Any) -> AsyncIterator[bytes]:
        written.append(view)
        return scoreboard(session, view, *which)

    monkeypatch.setattr(standing, "scoreboard", counted)
    monkeypatch.setattr(boards, "HELD_MAX", 1)
    monkeypatch.setattr(boards, "SAME_S", float("inf"))
    await world()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://test{BASE}/contests/finals"
    )
    async with client:
        assert (await client.get("/scoreboard")).status_code == 200
        assert (await client.get("/scoreboard?group_id=none")).status_code == 404
        assert (await client.get("/scoreboard")).status_code == 200
    assert len(written) == 1


async def test_a_contest_is_followed_on_whatever_one_look_comes_to(
    world: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that lock the same rows PostgreSQL may end one; its readers wait for the next look."""
    monkeypatch.setattr(feeding, "LOOK_S", 0.01)
    monkeypatch.setattr(feeding, "AWAY_S", 0.01)
    made = await world()
    feeds = feeding.Feeds(made.parts)
    look, failed = marking.look, asyncio.Event()

    async def once(*args: Any, **more: Any) -> Any:
        if failed.is_set():
            return await look(*args, **more)
        failed.set()
        raise DBAPIError(None, None, asyncpg.DeadlockDetectedError("deadlock detected"))

    async with feeds.follow(made.event_id, "me") as followed, asyncio.timeout(PATIENCE_S):
        await feeds.look(followed, anew=True)
        monkeypatch.setattr(marking, "look", once)
        changed = followed.changed
        await failed.wait()
        await made.submit(0, 0, 3)
        await changed.wait()
