"""A challenge is answered once; what comes of it is decided by submit time and rated."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from api.db.base import new_id
from api.db.models import (
    CodeProblem,
    Duel,
    Event,
    EventAttempt,
    EventEntry,
    EventParticipant,
    EventProblem,
    EventState,
    LeaderboardEntry,
    Rating,
    Visibility,
)
from api.events import acting
from api.events.duels import deciding, service
from api.events.machine import Act
from api.leaderboards import updating
from api.leaderboards.updating import Known
from api.wiring import Parts
from judge.scoring.duel import Decision
from judge.verdicts import Verdict
from tests.api.conftest import PROBLEMS, ClientFor, imported

ADA, BOB = uuid4(), uuid4()


@pytest.fixture
async def offered(parts: Parts, client_for: ClientFor) -> dict[str, Any]:
    """Return Ada's challenge to Bob; there is one public problem, and a hidden one."""
    await imported(parts, PROBLEMS / "hello", visibility=Visibility.PUBLIC)
    await imported(parts, PROBLEMS / "hello", slug="secret", visibility=Visibility.HIDDEN)
    made = await client_for(user_id=ADA).post("/v1/duels", json={"opponent_id": str(BOB)})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def answered(client_for: ClientFor, who: UUID, duel: dict[str, Any], how: str) -> Any:
    return await client_for(user_id=who).post(f"/v1/duels/{duel['id']}/{how}")


async def test_a_challenge_is_between_two_and_answered_once(
    offered: dict[str, Any], client_for: ClientFor
) -> None:
    assert (await client_for().get(f"/v1/duels/{offered['id']}")).status_code == 404
    assert (await answered(client_for, uuid4(), offered, "accept")).status_code == 404
    assert (await answered(client_for, ADA, offered, "accept")).status_code == 403
    assert (await answered(client_for, BOB, offered, "withdraw")).status_code == 403
    for _ in range(2):
        assert (await answered(client_for, BOB, offered, "decline")).json()["state"] == "declined"
    for who, how in ((BOB, "accept"), (ADA, "withdraw")):
        late = await answered(client_for, who, offered, how)
        assert (late.status_code, late.json()["type"][-10:]) == (409, "duel-state")
    alone = await client_for(user_id=ADA).post("/v1/duels", json={"opponent_id": str(ADA)})
    assert alone.status_code == 422
    listed = (await client_for(user_id=ADA).get("/v1/duels")).json()["items"]
    assert [each["id"] for each in listed] == [offered["id"]]
    assert (await client_for().get("/v1/duels")).json()["items"] == []


async def test_what_nobody_answers_expires(
    offered: dict[str, Any], parts: Parts, client_for: ClientFor
) -> None:
    async with parts.sessions() as session:
        assert await service.expire(session, now=datetime.now(UTC)) == []
        now = datetime.now(UTC) + timedelta(hours=1)
        (told,) = await service.expire(session, now=now)
        assert (told[1].data["state"], len(told[0])) == ("expired", 2)
    assert (await answered(client_for, BOB, offered, "accept")).status_code == 409


async def test_an_accepted_duel_is_played_decided_and_rated(
    offered: dict[str, Any], parts: Parts, client_for: ClientFor
) -> None:
    # Both tabs at once: it is one event all the same.
    both = await asyncio.gather(*(answered(client_for, BOB, offered, "accept") for _ in range(2)))
    events = {each.json()["event_id"] for each in both}
    assert len(events) == 1
    event_id = UUID(events.pop())
    again = await client_for(user_id=BOB).post("/v1/duels", json={"opponent_id": str(ADA)})
    busy = await answered(client_for, ADA, again.json(), "accept")
    assert busy.json()["type"].endswith("duel-busy")
    now = datetime.now(UTC)
    async with parts.sessions() as session:
        event = await session.get_one(Event, event_id)
        assert (event.state, event.format) == (EventState.LOBBY, "duel")
        assert timedelta(seconds=5) < event.starts_at - now < timedelta(seconds=15)
        entries = (await session.scalars(select(EventEntry).order_by(EventEntry.name))).all()
        assert all(each.room_id is not None for each in entries)
        (problem,) = (await session.scalars(select(EventProblem.problem_id))).all()
        await session.execute(update(Event).values(starts_at=now - timedelta(minutes=1)))
        await acting.act(session, event_id, Act.START, by=None, now=now)
        await session.commit()
    assert await deciding.decide(parts.sessions, now=now) == 0
    loser, winner = new_id(), new_id()

    async def happened(submission: UUID, entry: int, ago_s: int, verdict: Verdict | None) -> None:
        known = Known(
            event_id=event_id,
            entry_id=entries[entry].id,
            problem_id=problem,
            submission_id=submission,
            submitted_at=now - timedelta(seconds=ago_s),
            judging_id=None if verdict is None else new_id(),
            verdict=verdict,
        )
        async with parts.sessions() as session:
            if verdict is None:
                await updating.note(session, known)
            else:
                await updating.record(session, known)
            await session.commit()

    # The later one is judged first: nothing is decided while the earlier one waits.
    await happened(winner, 0, 20, None)
    await happened(loser, 1, 10, None)
    await happened(loser, 1, 10, Verdict.AC)
    assert await deciding.decide(parts.sessions, now=now) == 0
    await happened(winner, 0, 20, Verdict.AC)
    async with parts.sessions() as session:
        event = await session.get_one(Event, event_id)
        stands = await deciding.standing(session, event, over=False)
    assert (stands.decision, stands.winner) == (Decision.WON, str(entries[0].id))
    assert await deciding.decide(parts.sessions, now=now) == 1
    assert await deciding.decide(parts.sessions, now=now) == 1
    assert await deciding.decide(parts.sessions, now=now) == 0
    async with parts.sessions() as session:
        event = await session.get_one(Event, event_id)
        assert event.state is EventState.FINALISED
        board = (await session.scalars(select(LeaderboardEntry))).all()
        ranks = {each.entry_id: each.rank for each in board}
        assert ranks == {entries[0].id: 1, entries[1].id: 2}
        people = (await session.scalars(select(EventParticipant))).all()
        of_entry = {each.entry_id: each.user_id for each in people}
        ratings = {each.user_id: each.rating for each in await session.scalars(select(Rating))}
        assert ratings[of_entry[entries[0].id]] > ratings[of_entry[entries[1].id]]
        assert await session.scalar(select(func.count()).select_from(EventAttempt)) == 4


async def test_a_duel_that_cannot_be_drawn_is_not_made(
    offered: dict[str, Any], parts: Parts, client_for: ClientFor
) -> None:
    async with parts.sessions() as session:
        await session.execute(update(Duel).values(terms={"rounds": 2}))
        await session.commit()
    refused = await answered(client_for, BOB, offered, "accept")
    # The hidden problem is nobody's to duel with.
    assert refused.json()["type"].endswith("event-problems-too-few")
    async with parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Event)) == 0
    mine = (await client_for(user_id=ADA).get(f"/v1/duels/{offered['id']}")).json()
    assert mine["state"] == "offered"


async def test_nobody_knows_what_a_duel_will_be_of(
    offered: dict[str, Any], parts: Parts, client_for: ClientFor
) -> None:
    """Neither by the challenge's id, which both know before, nor since they wrote the problem."""
    async with parts.sessions() as session:
        await session.execute(update(CodeProblem).values(owner_id=ADA))
        await session.commit()
    refused = await answered(client_for, BOB, offered, "accept")
    assert refused.json()["type"].endswith("event-problems-too-few")
    async with parts.sessions() as session:
        await session.execute(update(CodeProblem).values(owner_id=uuid4()))
        await session.commit()
    accepted = await answered(client_for, BOB, offered, "accept")
    assert accepted.status_code == 200, accepted.text
    async with parts.sessions() as session:
        seed = await session.scalar(select(Event.seed))
    assert seed != UUID(offered["id"]).int % 2**31


async def test_friends_do_not_lose_ratings_to_each_other(
    offered: dict[str, Any], parts: Parts, client_for: ClientFor
) -> None:
    """Of the duels of two within a day the first is rated."""
    rated = []
    for _ in range(2):
        made = await client_for(user_id=ADA).post("/v1/duels", json={"opponent_id": str(BOB)})
        found = await answered(client_for, BOB, made.json(), "accept")
        event_id = UUID(found.json()["event_id"])
        now = datetime.now(UTC)
        async with parts.sessions() as session:
            past = {"started_at": now - timedelta(hours=1), "starts_at": now - timedelta(hours=1)}
            await session.execute(
                update(Event).where(Event.id == event_id).values(state=EventState.LIVE, **past)
            )
            entries = select(EventParticipant.entry_id, EventProblem.problem_id).join(
                EventProblem, EventProblem.event_id == EventParticipant.event_id
            )
            entry, problem = (
                await session.execute(
                    entries.where(
                        EventParticipant.event_id == event_id, EventParticipant.user_id == ADA
                    )
                )
            ).one()
            known = Known(
                event_id=event_id,
                entry_id=entry,
                problem_id=problem,
                submission_id=new_id(),
                submitted_at=now - timedelta(minutes=59),
                judging_id=new_id(),
                verdict=Verdict.AC,
            )
            await acting.add_rows(session, await session.get_one(Event, event_id))
            await updating.record(session, known)
            await session.commit()
        assert [await deciding.decide(parts.sessions, now=now) for _ in range(2)] == [1, 1]
        async with parts.sessions() as session:
            event = await session.get_one(Event, event_id)
            assert event.state is EventState.FINALISED
            rated.append({row.user_id: row.rating for row in await session.scalars(select(Rating))})
    assert rated[0][ADA] > rated[0][BOB]
    assert rated[1] == rated[0]
