"""Proving and mending boards while people play on: nobody waits, and the board is equal again."""

import asyncio
from collections.abc import Collection
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import BoardMoment, EventState
from api.leaderboards import keeping, mending, moments, rebuilding, timelines, updating
from api.wiring import Parts
from judge.verdicts import Verdict

from .conftest import START, Ground, Grounds
from .test_reading import judged, take

PATIENCE_S = 20


async def board(parts: Parts, made: Ground) -> None:
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()


async def written(parts: Parts, statement: str) -> None:
    async with parts.sessions() as session:
        await session.execute(text(statement))
        await session.commit()


async def test_a_proof_waits_for_nobody_and_nobody_for_it(parts: Parts, ground: Grounds) -> None:
    """Not for who has the board, and what no board shows yet is no difference."""
    made = await ground()
    await board(parts, made)
    await take(parts, judged(made, 0, 0, 10, Verdict.AC))
    async with parts.sessions() as session:
        await updating.note(session, judged(made, 3, 1, 20, None))
        await session.commit()
    async with parts.sessions() as holder, asyncio.timeout(PATIENCE_S):
        await updating.locked(holder, made.event_id)
        proof = await mending.prove(parts.sessions, made.event_id)
    # A cell and a row, on either side.
    assert (proof.differences, proof.equal, proof.waiting) == ((), True, 4)
    await written(parts, "UPDATE codebattle.board_rows SET penalty = 99")
    found = await mending.prove(parts.sessions, made.event_id)
    assert (found.equal, len(found.differences)) == (False, 8)
    await keeping.show(parts.sessions)
    found = await mending.prove(parts.sessions, made.event_id)
    assert (found.waiting, found.equal) == (0, False)
    assert (await mending.mend(parts.sessions, made.event_id)).equal


async def test_judgements_are_stored_while_moments_are_made_anew(
    parts: Parts, ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is locked for a few entries at a time, and what is stored in between is in it."""
    monkeypatch.setattr(timelines, "ENTRIES_AT_ONCE", 2)
    made = await ground(state=EventState.FINISHED, started_at=START)
    await board(parts, made)
    await take(parts, *(judged(made, who, 0, 10 + who, Verdict.AC) for who in range(5)))
    await timelines.ensure(parts.sessions, made.event_id)
    await written(parts, "UPDATE codebattle.board_moments SET penalty = 99")
    await written(parts, "UPDATE codebattle.board_cells SET first = false")
    assert not (await mending.prove(parts.sessions, made.event_id)).equal

    pieces: list[int] = []
    drop, whole = moments.drop, moments.whole

    async def dropped(session: AsyncSession, event_id: UUID, who: Collection[UUID]) -> None:
        pieces.append(len(who))
        await drop(session, event_id, who)

    async def looked(session: AsyncSession, event_id: UUID) -> bool:
        # Between two pieces: of who was made already, of who comes next, and of who was first.
        number = len(pieces)
        async with asyncio.timeout(PATIENCE_S):
            await take(
                parts,
                judged(made, 0, 1, 30 - number, Verdict.AC),
                judged(made, 4, 0, 9 - number, Verdict.AC),
            )
        return await whole(session, event_id)

    monkeypatch.setattr(moments, "drop", dropped)
    monkeypatch.setattr(moments, "whole", looked)
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    await timelines.ensure(parts.sessions, made.event_id)
    monkeypatch.undo()
    assert pieces.count(2) >= 2
    assert len(pieces) > 3
    proof = await mending.prove(parts.sessions, made.event_id)
    assert proof.differences == ()
    async with parts.sessions() as session:
        assert await moments.whole(session, made.event_id)


async def test_mending_makes_the_moments_that_there_were(parts: Parts, ground: Grounds) -> None:
    """Of an event that goes on there are none, and then there are none afterwards."""
    made = await ground()
    await board(parts, made)
    await take(parts, judged(made, 1, 0, 10, Verdict.AC))
    count = select(func.count()).select_from(BoardMoment)
    assert (await mending.mend(parts.sessions, made.event_id)).equal
    async with parts.sessions() as session:
        assert await session.scalar(count) == 0
    await written(parts, "UPDATE codebattle.events SET state = 'finished'")
    await timelines.ensure(parts.sessions, made.event_id)
    async with parts.sessions() as session:
        before = await session.scalar(count)
        assert before == 6
    await written(parts, "DELETE FROM codebattle.board_moments WHERE since_us > 0")
    assert not (await mending.prove(parts.sessions, made.event_id)).equal
    assert (await mending.mend(parts.sessions, made.event_id)).equal
    async with parts.sessions() as session:
        assert await session.scalar(count) == before
