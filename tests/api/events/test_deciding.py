"""Workers lock the duels that they end, not every duel that goes on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from httpx import ASGITransport
from sqlalchemy import event as listening
from sqlalchemy import select, update

from api.db.models import BoardCell, Event, EventState
from api.events.duels import deciding
from api.leaderboards import updating
from api.submissions import intake
from api.wiring import Parts
from tests.api.conftest import Client, started, token_for
from tests.api.events.conftest import Arena, Arenas


@contextmanager
def locks(parts: Parts) -> Iterator[list[str]]:
    """Return the statements that lock rows, meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FOR NO KEY UPDATE" in statement or "FOR UPDATE" in statement:
            seen.append(statement)

    engine = parts.engine.sync_engine
    listening.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(engine, "before_cursor_execute", note)


async def decided(made: Arena) -> int:
    async with asyncio.timeout(10):
        return await deciding.decide(made.parts.sessions, now=datetime.now(UTC))


async def test_only_what_can_end_is_locked(arena: Arenas) -> None:
    made = await arena(format="duel")
    with locks(made.parts) as seen:
        assert await decided(made) == 0
        await made.submit(made.ada, "WA")
        await made.submit(made.bob, "AC")
        await made.judged()
        # While something earlier has no verdict nobody has won.
        for pending, since in ((1, 1), (0, None)):
            seen.clear()
            async with made.parts.sessions() as session:
                await session.execute(
                    update(BoardCell)
                    .where(BoardCell.entry_id == made.entries[made.ada])
                    .values(pending=pending, pending_since_us=since)
                )
                await session.commit()
            if pending:
                assert (await decided(made), seen) == (0, [])
        async with made.parts.sessions() as session:
            # Somebody else is at it.
            await updating.locked(session, made.event_id)
            assert await decided(made) == 0
        assert len(seen) == 2
        assert await decided(made) == 1
        # It is over, and something is pending.
        async with made.parts.sessions() as session:
            await session.execute(update(BoardCell).values(pending=1, pending_since_us=1))
            await session.commit()
        seen.clear()
        assert await decided(made) == 0
        assert seen == []
        async with made.parts.sessions() as session:
            await session.execute(update(BoardCell).values(pending=0, pending_since_us=None))
            await session.commit()
        assert await decided(made) == 1
    async with made.parts.sessions() as session:
        assert await session.scalar(select(Event.state)) is EventState.FINALISED


async def test_what_was_handed_in_before_and_is_being_stored_decides_as_well(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board does not know of it, and nobody ends a duel meanwhile."""
    made = await arena(format="duel")
    real = intake.store

    async def uncommitted(connection: asyncpg.Connection, *args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        async with connection.transaction():
            rows = await real(connection, *args, **more)
            await made.submit(made.bob, "AC")
            await made.judged()
            assert await decided(made) == 0
        return rows

    monkeypatch.setattr(intake, "store", uncommitted)
    # The desk takes one batch after the other; another process has a desk of its own.
    async with started(made.parts.settings) as other:
        client = Client(transport=ASGITransport(other), base_url="http://test")
        token = token_for(made.parts.settings, user_id=made.ada)
        body = {
            "problem": "A",
            "language": "python3",
            "source": "WA",
            "event_id": str(made.event_id),
        }
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/v1/submissions", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert await decided(made) == 0
    await made.judged()
    assert await decided(made) == 1
