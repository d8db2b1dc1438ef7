"""What a finalised event leaves: boards written down, ratings moved once, awards told once."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.auth import CurrentUser, Role
from api.db.base import new_id
from api.db.models import (
    Event,
    EventGuild,
    EventParticipant,
    GuildLeaderboardEntry,
    LeaderboardEntry,
    Outbox,
    Rating,
    RatingChange,
)
from api.errors import ConflictError
from api.events import acting, finalising
from api.events.machine import Act
from api.leaderboards import queries, rebuilding, updating
from api.leaderboards.queries import Among
from api.leaderboards.updating import Known
from api.neighbours import outbox
from api.wiring import Parts
from judge.verdicts import Verdict
from tests.api.leaderboards.conftest import Ground, Grounds, ground  # noqa: F401 - a fixture

MASTER = CurrentUser(id=new_id(), name="M", roles=frozenset({Role.GAME_MASTER}))
AWARDS = {"base": 5, "by_rank": [100, 50], "per_point": 0.5, "guild": {"by_rank": [30, 20]}}


@pytest.fixture
async def over(parts: Parts, ground: Grounds) -> Ground:  # noqa: F811
    """Return a battle that is over: entry 2 first, then 0, one waiting; 1, 3 and 4 did nothing."""
    made = await ground(format="battle", options={"decimals": 2}, freeze_s=3600, awards=AWARDS)
    async with parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        board = await rebuilding.rebuild(session, event)
        guilds = {entry.guild_id for entry in board.entries.values()} - {None}
        session.add_all(
            EventGuild(event_id=event.id, guild_id=each, name="G", registered_by=each)
            for each in guilds
        )
        session.add_all(
            EventParticipant(entry_id=who, user_id=who, event_id=event.id, name="P")
            for who in made.entries
        )
        await session.commit()
        for who, minutes, verdict in ((2, 3.7, Verdict.AC), (0, 250, Verdict.AC), (0, 260, None)):
            await updating.record(session, _known(made, who, minutes, verdict))
            await session.commit()
        await acting.act(session, made.event_id, Act.FINISH, by=MASTER, now=made.at(300))
        await session.commit()
    return made


def _known(made: Ground, who: int, minutes: float, verdict: Verdict | None) -> Known:
    return Known(
        event_id=made.event_id,
        entry_id=made.entries[who],
        problem_id=made.problems[0],
        submission_id=UUID(int=who * 1000 + int(minutes)),
        submitted_at=made.at(minutes),
        verdict=verdict,
    )


async def _finalise(parts: Parts, made: Ground, *, commit: bool = True) -> bool:
    async with parts.sessions() as session:
        done = await acting.act(session, made.event_id, Act.FINALISE, by=MASTER, now=made.at(400))
        if commit:
            await session.commit()
        return done.changed


async def _left(parts: Parts) -> dict[str, list[dict[str, Any]]]:
    """Return what other services are told of the end, by kind."""
    told: dict[str, list[dict[str, Any]]] = {}
    async with parts.sessions() as session:
        rows = await session.scalars(select(Outbox).order_by(Outbox.id))
        for row in rows:
            if row.kind != acting.CHANGED:
                assert row.event_id == outbox.event_id(row.kind, row.key)
                told.setdefault(row.kind, []).append(row.payload)
    return told


async def test_awards_go_out_once_and_boards_stay(parts: Parts, over: Ground) -> None:
    with pytest.raises(ConflictError, match="1 submissions have no verdict"):
        await _finalise(parts, over)
    async with parts.sessions() as session:
        await updating.record(session, _known(over, 0, 260, Verdict.WA))
        await session.commit()
    # What is rolled back is never told.
    assert await _finalise(parts, over, commit=False)
    assert await _left(parts) == {}
    assert await _finalise(parts, over)
    assert not await _finalise(parts, over)
    told = await _left(parts)
    # And a snapshot made once more changes nothing.
    async with parts.sessions() as session:
        await finalising.snapshot(session, await updating.locked(session, over.event_id))
        await session.commit()
    assert await _left(parts) == told

    score = {2: 97.84 + 5, 0: 30.0}
    awards = {
        over.entries.index(UUID(each["user_id"])): (
            each["rank"], each["score"], each["experience"],
        )
        for each in told["event.awarded"]
    }  # fmt: skip
    assert awards == {
        2: (1, score[2], 5 + 100 + round(score[2] / 2)),
        0: (2, score[0], 5 + 50 + 15),
        1: (3, 0, 0),
        3: (3, 0, 0),
        4: (3, 0, 0),
    }
    assert sorted((each["rank"], each["experience"]) for each in told["event.guild_awarded"]) == [
        (1, 30),
        (2, 20),
    ]
    assert [each["entries"] for each in told["event.finalised"]] == [5]


async def test_snapshots_and_ratings(parts: Parts, over: Ground) -> None:
    async with parts.sessions() as session:
        await updating.record(session, _known(over, 0, 260, Verdict.WA))
        await session.commit()
    await _finalise(parts, over)
    async with parts.sessions() as session:
        rows = {
            over.entries.index(row.entry_id): row
            for row in await session.scalars(select(LeaderboardEntry))
        }
        guilds = (await session.scalars(select(GuildLeaderboardEntry))).all()
        changes = (await session.scalars(select(RatingChange))).all()
        rated = {
            over.entries.index(row.user_id): row.rating
            for row in await session.scalars(select(Rating))
        }
    assert {who: (row.rank, row.room_rank) for who, row in rows.items()} == {
        2: (1, 1), 0: (2, 2), 1: (3, 1), 3: (3, 1), 4: (3, 3),
    }  # fmt: skip
    assert rows[2].score == Decimal("102.84")
    assert rows[2].cells[0]["solved"]
    assert [guild.name for guild in guilds] == ["G", "G"]
    # Who handed nothing in neither won against anybody nor lost.
    assert len(changes) == 2
    assert rated.keys() == {0, 2}
    assert rated[2] > rated[0]

    # The event is written down: what becomes known later changes neither that nor its board.
    async with parts.sessions() as session:
        *_, changed = await updating.record(session, _known(over, 2, 3.7, Verdict.WA))
        await session.execute(update(Event).values(awards={}))
        await session.commit()
        assert (changed.public, changed.jury) == ((), ())
        kept = await session.scalar(
            select(LeaderboardEntry).where(LeaderboardEntry.entry_id == over.entries[2])
        )
        event = await updating.locked(session, over.event_id)
        proof = await rebuilding.check(session, event)
        assert proof.differences == ()
        await rebuilding.rebuild(session, event)
        shown = await queries.one(session, Among(event_id=event.id, public=True), over.entries[2])
    assert kept is not None
    assert shown is not None
    assert (kept.rank, kept.score) == (shown.rank, -shown.lost) == (1, Decimal("102.84"))
