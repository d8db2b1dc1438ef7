"""The clock: late, early, several at once, and stopped by what only people can mend."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from api.db.models import AuditEntry, Event, EventEntry, EventProblem, EventState, Room
from api.events import choosing, ticking
from api.events.choosing import Choice
from api.events.machine import RULES, Act, Plan
from judge.scoring.schedule import Interval, Schedule
from tests.api.events.conftest import Arenas

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORDER = [Act.ASSIGN, Act.OPEN, Act.START, Act.FREEZE, Act.FINISH, Act.THAW]
_minutes = st.integers(-60, 400).map(lambda n: START + timedelta(minutes=n))


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    duration = draw(st.integers(1, 300))
    freeze = draw(st.none() | st.integers(0, duration))
    pause, length = draw(st.integers(-10, 320)), draw(st.none() | st.integers(0, 60))
    begins = START + timedelta(minutes=pause)
    ends = None if length is None else begins + timedelta(minutes=length)
    return Plan(
        schedule=Schedule(
            start=START,
            duration=timedelta(minutes=duration),
            freeze=None if freeze is None else timedelta(minutes=freeze),
            removed=[Interval(start=begins, end=ends)] if draw(st.booleans()) else [],
        ),
        assign_before=timedelta(minutes=draw(st.integers(0, 60))),
        lobby_before=timedelta(minutes=draw(st.integers(0, 60))),
        longest_extra=timedelta(minutes=draw(st.integers(0, 60))),
        auto_thaw=draw(st.booleans()),
    )


@given(_plans(), st.lists(_minutes, max_size=8), _minutes)
def test_a_late_clock_does_what_a_punctual_one_does(
    plan: Plan, ticks: list[datetime], last: datetime
) -> None:
    """However often it looked before, by the last look the same was done in the same order."""

    def run(moments: list[datetime]) -> tuple[EventState, list[Act]]:
        state, done = EventState.APPROVED, []
        for moment in moments:
            for act in plan.due(state, moment):
                done.append(act)
                state = RULES[act][0]
        return state, done

    earlier = sorted(each for each in ticks if each <= last)

    often, rarely = run([*earlier, last]), run([last])

    assert often == rarely
    assert often[1] == [each for each in ORDER if each in often[1]]
    assert run([*earlier, last, last]) == often
    following = plan.next_moment(often[0], last)
    assert following is None or following > last


@given(_plans(), _minutes)
def test_nothing_is_missed_between_wakings(plan: Plan, now: datetime) -> None:
    """Before the moment the clock says to wake at, nothing more is due; at it, something is."""
    state = EventState.APPROVED
    for act in plan.due(state, now):
        state = RULES[act][0]
    following = plan.next_moment(state, now)
    if following is None:
        return
    assert not list(plan.due(state, following - timedelta(microseconds=1)))
    assert list(plan.due(state, following))


async def _acts(arena: Any) -> list[str]:
    async with arena.parts.sessions() as session:
        rows = await session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [row.action for row in rows if row.subject_kind == "event"]


async def test_clocks_of_many_workers_do_everything_once(arena: Arenas) -> None:
    """One that comes late does all of it; each act is in the audit log once."""
    made = await arena(state=EventState.APPROVED, started_at=None, freeze_s=600)

    await asyncio.gather(*(ticking.tick(made.parts) for _ in range(4)))
    await ticking.tick(made.parts)
    started = await made.event()
    # Nobody ticked for ten minutes: none of them are taken from those who play.
    assert started.started_at is not None
    assert started.started_at - started.starts_at > timedelta(minutes=9)
    await made.change(starts_at=started.starts_at - timedelta(hours=2))
    await made.change(started_at=started.starts_at - timedelta(hours=2))
    await asyncio.gather(*(ticking.tick(made.parts) for _ in range(4)))
    await ticking.tick(made.parts)
    over = await made.event()

    assert started.state is EventState.LIVE
    assert over.state is EventState.FINISHED
    assert over.finished_at == over.starts_at + timedelta(hours=1)
    assert await _acts(made) == [
        f"event.{each}" for each in ("assign", "open", "start", "freeze", "finish")
    ]
    async with made.parts.sessions() as session:
        rooms = (await session.scalars(select(Room).where(Room.id != made.room_id))).all()
        entries = (await session.scalars(select(EventEntry.room_id))).all()
    assert len(rooms) == 1
    assert set(entries) == {rooms[0].id}


async def test_an_event_without_problems_waits_for_people(arena: Arenas) -> None:
    """It does not start, says why, and starts once it can."""
    made = await arena(state=EventState.LOBBY, started_at=None)
    async with made.parts.sessions() as session:
        await session.execute(delete(EventProblem))
        await session.commit()

    await ticking.tick(made.parts)
    stuck = await made.event()
    async with made.parts.sessions() as session:
        event = await session.get_one(Event, made.event_id)
        await choosing.choose(session, event, [Choice(problem_id=made.problem_id)])
        await session.commit()
    await ticking.tick(made.parts)
    started = await made.event()

    assert stuck.state is EventState.LOBBY
    assert "no problems" in stuck.extra["stuck"]
    assert started.state is EventState.LIVE
    assert "stuck" not in started.extra


async def test_it_wakes_at_the_start_tick(arena: Arenas) -> None:
    """Not a rest later: whoever waits gets the statements at once."""
    made = await arena(state=EventState.LOBBY, started_at=None)
    soon = datetime.now(UTC) + timedelta(seconds=ticking.TICK_S / 2)
    await made.change(starts_at=soon)

    rests = [await ticking.tick(made.parts)]
    before = await made.event()
    async with asyncio.timeout(10):
        while (await made.event()).state is EventState.LOBBY:
            await asyncio.sleep(rests[-1])
            rests.append(await ticking.tick(made.parts))
    after = await made.event()

    assert rests[0] <= ticking.TICK_S / 2
    assert before.state is EventState.LOBBY
    assert (after.state, after.started_at) == (EventState.LIVE, soon)
