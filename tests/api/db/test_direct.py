"""Statements that go straight to the driver, inside what their session has begun."""

from datetime import UTC, datetime

import pytest

from api.db import direct
from api.db.base import new_id
from api.db.engine import Sessions
from api.db.models import GuildRef
from api.wiring import Parts

EPOCH = datetime.fromtimestamp(0, UTC)
COUNT = "SELECT count(*) FROM codebattle.guild_refs"


@pytest.mark.parametrize(("isolation", "seen"), [(None, 1), ("REPEATABLE READ", 0)])
async def test_a_look_sees_one_moment_where_that_was_asked_for(
    parts: Parts, isolation: str | None, seen: int
) -> None:
    chosen = {} if isolation is None else {"isolation_level": isolation}
    async with parts.sessions() as session:
        await session.connection(execution_options=chosen)
        assert await direct.look(session, COUNT) == 0
        await _guild(parts.sessions)
        assert await direct.look(session, COUNT) == seen
        (row,) = await direct.look_through(session, COUNT)
        assert row["count"] == seen


async def test_a_look_sees_what_its_transaction_did(parts: Parts) -> None:
    async with parts.sessions() as session:
        session.add(GuildRef(guild_id=new_id(), name="theirs", event_at=EPOCH))
        await session.flush()
        assert await direct.look(session, COUNT) == 1
        await session.rollback()
        assert await direct.look(session, COUNT) == 0


async def _guild(sessions: Sessions) -> None:
    async with sessions() as session:
        session.add(GuildRef(guild_id=new_id(), name="others", event_at=EPOCH))
        await session.commit()
