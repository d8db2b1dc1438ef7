"""Submissions inside an event: who may when, and what becomes of them on the board."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    BoardCell,
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    Event,
    EventAttempt,
    EventEntry,
    EventProblem,
    EventState,
    Judging,
)
from api.leaderboards import rebuilding, updating
from api.live import Topic
from api.rejudging import service as rejudging
from tests.api.conftest import Client
from tests.api.events.conftest import Arena, Arenas


def _ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def _open_pause() -> list[dict[str, Any]]:
    return [{"start": _ago(1).isoformat(), "end": None}]


async def _cells(arena: Arena) -> dict[bool, tuple[int, int, bool]]:
    """Return attempts, pending and solved of Ada's cell, on the public board and the jury's."""
    async with arena.parts.sessions() as session:
        rows = await session.scalars(
            select(BoardCell).where(BoardCell.entry_id == arena.entries[arena.ada])
        )
        return {row.public: (row.attempts, row.pending, row.solved_us is not None) for row in rows}


CLOSED: list[tuple[dict[str, Any], str]] = [
    ({"state": EventState.ASSIGNED, "started_at": None}, "has not started"),
    ({"state": EventState.LOBBY, "started_at": None}, "has not started"),
    # The tick has passed and the clock is late: only the start opens an event.
    ({"state": EventState.LOBBY, "started_at": None, "starts_at": _ago(5)}, "has not started"),
    ({"state": EventState.LIVE, "removed": _open_pause()}, "is paused"),
    ({"state": EventState.LIVE, "duration_s": 300}, "time in this event is over"),
    ({"state": EventState.FINISHED}, "time in this event is over"),
    ({"state": EventState.FINALISED}, "time in this event is over"),
    ({"state": EventState.CANCELLED}, "was cancelled"),
]


async def test_an_event_is_closed(arena: Arenas) -> None:
    """Whatever the problem is called, who takes part is told why, and nothing is stored."""
    made = await arena()
    usual = {"started_at": _ago(10), "starts_at": _ago(10), "duration_s": 3600, "removed": []}

    for event, said in CLOSED:
        await made.change(**usual | event)
        for name in ("A", "hello", "nothing"):
            answer = await made.submit(made.ada, problem=name)
            assert answer.status_code == 409, event
            assert answer.json()["type"].endswith(":event-closed")
            assert said in answer.json()["detail"], event
    async with made.parts.sessions() as session:
        assert not await session.scalar(select(func.count()).select_from(CodeSubmission))


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"problem": "nothing"}, 404, "problem-not-found"),
    ({"problem": "B"}, 404, "problem-not-found"),
    ({"event_id": str(new_id())}, 404, "event-not-found"),
    ({"room_id": str(new_id())}, 404, "event-not-found"),
    ({"event_id": None, "room_id": str(new_id())}, 404, "event-not-found"),
    ({"event_id": None, "problem": "hello"}, 404, "problem-not-found"),
    ({"event_id": None, "problem": "A"}, 404, "problem-not-found"),
    ({"event_id": "autumn"}, 422, "invalid"),
    ({"queue": "rejudge"}, 403, "forbidden"),
    ({"language": "cobol"}, 422, "language-unknown"),
]


async def test_bad_input(arena: Arenas) -> None:
    """Each has its own answer."""
    made = await arena()

    for more, status, slug in BAD:
        answer = await made.submit(made.ada, **more)
        said = (answer.status_code, answer.json()["type"].rpartition(":")[2])
        assert said == (status, slug), more


async def test_strangers_take_no_part(arena: Arenas) -> None:
    """The event is not theirs to name, and its problem not there for them."""
    made = await arena()
    stranger = new_id()

    answer = await made.submit(stranger)
    problem = await made.client(stranger).get("/v1/problems/hello")

    assert (answer.status_code, problem.status_code) == (404, 404)


async def test_an_attempt_goes_onto_the_board(arena: Arenas, master: Client) -> None:
    """It is pending once it is noted, counts when judged, and again when it is judged anew."""
    made = await arena(freeze_s=600)
    topic = Topic.EVENT.of(made.event_id)

    for source in ("WA", "AC"):
        assert (await made.submit(made.ada, source)).status_code == 202
    async with made.parts.sessions() as session:
        noted = (await session.scalars(select(EventAttempt))).all()
        (submission, _) = (await session.scalars(select(CodeSubmission))).all()
        await updating.catch_up(session, made.event_id)
        await session.commit()
    pending = await _cells(made)
    await made.judged()
    judged = await _cells(made)
    told = await made.parts.redis.xlen(f"codebattle:{{live}}:stream:{topic}")

    assert [each.verdict for each in noted] == [None, None]
    assert (submission.entry_id, submission.room_id) == (made.entries[made.ada], made.room_id)
    assert pending == {True: (0, 2, False), False: (0, 2, False)}
    assert judged == {True: (2, 0, True), False: (2, 0, True)}
    assert told == 2
    async with made.parts.sessions() as session:
        proof = await rebuilding.check(session, await session.get_one(Event, made.event_id))
    assert proof.equal, proof.differences


async def test_a_rejudge_goes_onto_the_board_when_it_is_applied(
    arena: Arenas, master: Client
) -> None:
    """Not before, and in the transaction that applies it."""
    made = await arena()
    await made.submit(made.ada, "AC")
    await made.judged()
    made.judge.changes["AC"] = "WA"
    body = {"reason": "data", "selection": {"event_id": str(made.event_id)}}
    url = (await master.post("/v1/rejudgings", json=body)).headers["location"]
    await made.judged()
    async with made.parts.sessions() as session:
        await rejudging.settle(session)

    before = await _cells(made)
    applied = await master.post(f"{url}/apply")
    after = await _cells(made)

    assert applied.status_code == 200
    assert before[True] == (1, 0, True)
    assert after == {True: (1, 0, False), False: (1, 0, False)}


async def test_a_rejudge_keeps_to_the_version_of_the_event(arena: Arenas, master: Client) -> None:
    """As what is handed in now does, whatever became of the problem; another one is asked for."""
    made = await arena()
    await made.submit(made.ada)
    await made.judged()
    async with made.parts.sessions() as session:
        pinned = (await session.scalars(select(CodeProblemVersion))).one()
        columns = {each.key for each in CodeProblemVersion.__table__.columns}
        names = columns - {"id", "number", "metadata", "created_at", "updated_at"}
        edited = CodeProblemVersion(number=2, **{each: getattr(pinned, each) for each in names})
        session.add(edited)
        await session.flush()
        await session.execute(update(CodeProblem).values(current_version_id=edited.id))
        await session.commit()
    event = {"event_id": str(made.event_id)}
    judged = []
    for more in ({}, {"against": 2}):
        body = {"reason": "data", "selection": event | {"problem": "hello"}, **more}
        said = await master.post("/v1/rejudgings", json=body)
        assert said.status_code == 202, said.text
        async with made.parts.sessions() as session:
            judged.append(
                await session.scalar(
                    select(Judging.version_id).where(
                        Judging.rejudging_id == UUID(said.json()["id"])
                    )
                )
            )
    assert judged == [pinned.id, edited.id]


async def test_the_event_decides_version_and_limits(arena: Arenas) -> None:
    """The judge is given the event's own limits."""
    made = await arena()
    async with made.parts.sessions() as session:
        problem = (await session.scalars(select(EventProblem))).one()
        problem.cpu_ms, problem.memory_bytes = 1234, 1 << 25
        await session.commit()

    await made.submit(made.ada)
    await made.judged()

    assert [(each.cpu_ms, each.memory_bytes) for each in made.judge.options] == [(1234, 1 << 25)]


async def test_extra_time_is_ones_own(arena: Arenas) -> None:
    """Ada may go on when Bob's time is over."""
    made = await arena(duration_s=300)
    async with made.parts.sessions() as session:
        await session.execute(
            update(EventEntry).where(EventEntry.id == made.entries[made.ada]).values(extra_s=3600)
        )
        await session.commit()

    answers = [await made.submit(each) for each in (made.ada, made.bob)]

    assert [each.status_code for each in answers] == [202, 409]


async def test_nobody_sees_problems_before_the_start(arena: Arenas, master: Client) -> None:
    """From the tick on they are there for those who take part, and for nobody else."""
    made = await arena(state=EventState.LOBBY, started_at=None)
    paths = ["/v1/problems/hello", f"/v1/problems/{made.problem_id}", "/v1/problems/hello/samples"]

    async def seen(client: Client) -> list[int]:
        return [(await client.get(path)).status_code for path in paths]

    before = [await seen(made.client(each)) for each in (made.ada, made.bob, new_id())]
    jury = await seen(made.client_for(Role.GAME_MASTER))
    await made.change(state=EventState.LIVE, started_at=_ago(0))
    after = [await seen(made.client(each)) for each in (made.ada, made.bob, new_id())]

    assert before == [[404] * 3] * 3
    assert jury == [200] * 3
    assert after == [[200] * 3, [200] * 3, [404] * 3]
