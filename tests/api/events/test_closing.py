"""An event is finished and finalised while something is being handed in: it counts, or is refused.

And a finalisation that people force, when verdicts will not come.
"""

import asyncio
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text

from api import clocks
from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    BoardCell,
    CodeSubmission,
    EventAttempt,
    Judging,
    UnshownAttempt,
)
from api.errors import ConflictError
from api.events import acting
from api.events.machine import Act
from api.leaderboards import updating
from api.submissions import intake
from tests.api.conftest import Client
from tests.api.events.conftest import Arena, Arenas

JURY = CurrentUser(id=new_id(), roles=frozenset({Role.GAME_MASTER}))
_WAITS = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
""")


async def _closed(made: Arena, *acts: Act) -> None:
    for act in acts:
        async with made.parts.sessions() as session:
            now = await clocks.now(session)
            await acting.act(session, made.event_id, act, by=JURY, now=now)
            await session.commit()


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        ((Act.FINISH,), 202),
        ((Act.FINISH, Act.THAW), 202),
        ((Act.FINISH, Act.FINALISE), 409),
        ((Act.CANCEL,), 409),
    ],
)
async def test_what_waits_at_the_desk_counts_or_is_refused(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch, acts: tuple[Act, ...], status: int
) -> None:
    """It was let in while the event went on, and people closed it before it was stored."""
    made = await arena()
    real = intake.store

    async def slowly(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        await _closed(made, *acts)
        return await real(*args, **more)

    monkeypatch.setattr(intake, "store", slowly)
    answer = await made.submit(made.ada)

    async with made.parts.sessions() as session:
        stored = await session.scalar(select(func.count()).select_from(CodeSubmission))
    assert (answer.status_code, stored) == (status, int(status == 202)), answer.text
    if status == 409:
        assert answer.json()["type"].endswith(":event-closed")
        return
    with pytest.raises(ConflictError, match="1 submissions have no verdict"):
        await _closed(made, Act.FINALISE)
    await made.judged()
    await _closed(made, Act.FINALISE)
    async with made.parts.sessions() as session:
        solved = await session.scalar(
            select(BoardCell.solved_us).where(
                BoardCell.entry_id == made.entries[made.ada], BoardCell.public
            )
        )
    assert solved is not None


async def test_finalising_waits_for_what_is_being_stored(
    arena: Arenas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on its way into the log; writers of boards, meanwhile, wait for nobody."""
    made = await arena()
    real = intake.store
    closing: list[asyncio.Task[None]] = []

    async def uncommitted(connection: asyncpg.Connection, *args: Any, **more: Any) -> Any:
        async with connection.transaction():
            rows = await real(connection, *args, **more)
            async with asyncio.timeout(10), made.parts.sessions() as session:
                await updating.locked(session, made.event_id)
                await session.commit()
            closing.append(asyncio.create_task(_closed(made, Act.FINISH, Act.FINALISE)))
            await _until_waiting(made, closing[0])
        return rows

    monkeypatch.setattr(intake, "store", uncommitted)
    answer = await made.submit(made.ada)

    assert answer.status_code == 202, answer.text
    with pytest.raises(ConflictError, match="1 submissions have no verdict"):
        await closing[0]


@pytest.mark.parametrize("changes", [False, True], ids=["only locked", "changed"])
async def test_a_judgement_waits_for_whoever_has_the_board(arena: Arenas, *, changes: bool) -> None:
    """It is stored once, and goes by the event as it is then."""
    made = await arena()
    # Whoever judges has read the event before.
    await made.submit(made.bob)
    await made.judged()
    path = (await made.submit(made.ada)).json()["url"]
    async with made.parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        judging = asyncio.create_task(made.judged())
        await _until_waiting(made, judging)
        if changes:
            event.removed = [{"start": event.starts_at.isoformat(), "end": None}]
        await session.commit()
    await judging
    assert (await made.client(made.ada).get(path)).json()["verdict"] == "AC"
    async with made.parts.sessions() as session:
        stored = await session.execute(
            select(Judging.attempt, BoardCell.at_us)
            .join(CodeSubmission, CodeSubmission.id == Judging.submission_id)
            .join(BoardCell, BoardCell.entry_id == CodeSubmission.entry_id)
            .where(BoardCell.public, BoardCell.entry_id == made.entries[made.ada])
        )
    ((attempt, at_us),) = stored.all()
    assert (attempt, at_us == 0) == (1, changes)


async def _until_waiting(made: Arena, task: asyncio.Task[None]) -> None:
    deadline = time.monotonic() + 10
    async with made.parts.sessions() as session:
        while not task.done() and not await session.scalar(_WAITS):
            assert time.monotonic() < deadline
            await session.rollback()
            await asyncio.sleep(0.01)


async def test_all_that_waits_is_counted_and_only_force_ends_it(
    arena: Arenas, master: Client
) -> None:
    """However much of the log the board does not show; whoever forces it says why."""
    made = await arena()
    await _closed(made, Act.FINISH)
    many = updating.CATCH_UP_MAX + 1
    event = await made.event()
    async with made.parts.sessions() as session:
        await session.execute(
            insert(EventAttempt),
            [
                {
                    "event_id": made.event_id,
                    "entry_id": made.entries[made.ada if number < many else made.bob],
                    "problem_id": made.problem_id,
                    "submission_id": UUID(int=number),
                    "submitted_at": event.started_at,
                }
                for number in range(1, many + 1)
            ],
        )
        names = ["event_id", "attempt_id", "entry_id", "problem_id"]
        log = select(
            EventAttempt.event_id, EventAttempt.id, EventAttempt.entry_id, EventAttempt.problem_id
        )
        await session.execute(insert(UnshownAttempt).from_select(names, log))
        await session.commit()
    url = f"/v1/events/{made.event_id}/acts/finalise"

    refused = await master.post(url)
    silent = await master.post(url, json={"force": True})
    forced = await master.post(url, json={"force": True, "reason": "the judge is on fire"})

    said = refused.json()
    assert (refused.status_code, said["type"].rpartition(":")[2], said["pending"]) == (
        *(409, "event-pending"),
        many,
    )
    assert (silent.status_code, forced.status_code) == (422, 200)
    assert forced.json()["state"] == "finalised"
    async with made.parts.sessions() as session:
        noted = await session.scalar(
            select(AuditEntry.detail).where(AuditEntry.action == "event.finalise")
        )
    assert noted is not None
    assert (noted["pending"], noted["reason"]) == (many, "the judge is on fire")


async def test_a_pause_begins_when_it_has_the_event(arena: Arenas, master: Client) -> None:
    """Whoever had the board before it put something there that was handed in before the pause."""
    made = await arena()
    path = f"/v1/events/{made.event_id}"
    began: list[datetime] = []
    for what in ("pause", "resume"):
        async with made.parts.sessions() as holder, made.parts.sessions() as other:
            await updating.locked(holder, made.event_id)
            asked = asyncio.create_task(master.post(f"{path}/{what}"))
            async with asyncio.timeout(20):
                while not await other.scalar(_WAITS):
                    await other.rollback()
                    await asyncio.sleep(0.01)
            freed = await clocks.now(other)
            await holder.rollback()
        assert (await asked).status_code == 200
        (pause,) = (await made.event()).removed
        said = datetime.fromisoformat(pause["start" if what == "pause" else "end"])
        assert said >= freed
        began.append(said)
    assert began == sorted(began)
