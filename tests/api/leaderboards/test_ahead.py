"""Judgements whose board was made ready before it was locked: right, or not stored that way."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.db.base import new_id
from api.db.models import (
    Event,
    EventAttempt,
    EventEntry,
    EventProblem,
    EventState,
    Judging,
    Outbox,
    Run,
)
from api.leaderboards import ahead, rebuilding, updating
from api.leaderboards.updating import Known
from api.submissions import claiming, storing
from api.wiring import Parts
from benchmarks import leaderboard
from judge.results import Judgement
from judge.results import Run as RunRecord
from judge.verdicts import Verdict

from .conftest import START, Ground, Grounds
from .test_boards import FORMATS, attempts, catch_up, proven

TOLD = {"submission_id": "x", "verdict": "AC", "current": True}


async def claimed(parts: Parts, known: Known) -> claiming.Claim:
    """Return the claim of a judging that was made for what will become known."""
    async with parts.sessions() as session:
        version = await session.scalar(
            select(EventProblem.version_id).where(
                EventProblem.event_id == known.event_id,
                EventProblem.problem_id == known.problem_id,
            )
        )
    assert version is not None
    found = await leaderboard.claimed(parts.sessions, known, version)
    assert found.submission_id == known.submission_id
    return found


def judgement(known: Known) -> Judgement:
    verdict = known.verdict or Verdict.AC
    runs = (RunRecord(case="secret/1", verdict=verdict, cpu_us=1),)
    return Judgement(
        problem="p", verdict=verdict, language="python3", score=known.score, runs=runs, case_total=1
    )


async def store(parts: Parts, claim: claiming.Claim, known: Known) -> bool:
    async with parts.sessions() as session:
        done = await storing.store(session, claim, judgement(known), told=TOLD, known=known)
    return done.stored


async def counted(parts: Parts) -> tuple[int, ...]:
    """Return how many rows a stored judgement leaves: runs, messages, verdicts in the log."""
    asked = (
        select(func.count()).select_from(Run),
        select(func.count()).select_from(Outbox),
        select(func.count()).where(EventAttempt.verdict.is_not(None)),
    )
    async with parts.sessions() as session:
        return tuple([await session.scalar(each) or 0 for each in asked])


def plain(ground: Ground) -> Known:
    return Known(
        event_id=ground.event_id,
        entry_id=ground.entries[0],
        problem_id=ground.problems[0],
        submission_id=new_id(),
        submitted_at=ground.at(5),
        verdict=Verdict.AC,
    )


@pytest.mark.parametrize(("form", "options"), FORMATS)
async def test_judgements_at_the_same_time_leave_the_board_that_a_rebuild_makes(
    parts: Parts,
    ground: Grounds,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    options: dict[str, object],
) -> None:
    chance = random.Random(form)
    made = await ground(
        format=form, options=options, state=EventState.FROZEN, started_at=START, freeze_s=3600
    )
    known = [each for each in attempts(made, chance, 40) if each.verdict is not None]
    known = list({each.submission_id: each for each in known}.values())
    known = [each for each in known if each.verdict is not Verdict.JE]
    ways = {"at once": 0, "in turn": 0}
    at_once = storing._at_once

    async def watched(*given: object) -> storing.Stored | None:
        done = await at_once(*given)  # type: ignore[arg-type]
        ways["in turn" if done is None else "at once"] += 1
        return done

    monkeypatch.setattr(storing, "_at_once", watched)
    claims = [(await claimed(parts, each), each) for each in known]

    async def some(theirs: Sequence[tuple[claiming.Claim, Known]]) -> None:
        for claim, each in theirs:
            assert await store(parts, claim, each)
            await catch_up(parts, made)

    # Several get in each other's way; the last have the board for themselves.
    await asyncio.gather(*(some(claims[start:-5:4]) for start in range(4)))
    await some(claims[-5:])
    proof = await proven(parts, made)
    assert proof.equal, proof.differences
    assert await counted(parts) == (len(known),) * 3
    assert min(ways.values()) > 0, ways


async def taken(parts: Parts, made: Ground, _: claiming.Claim) -> None:
    async with parts.sessions() as session:
        await updating.record(session, replace(plain(made), submitted_at=made.at(1)))
        await session.commit()


async def regrouped(parts: Parts, made: Ground, _: claiming.Claim) -> None:
    """Move the entry to another guild, which says nothing in the event's row."""
    async with parts.sessions() as session:
        await updating.locked(session, made.event_id)
        entry = await session.get_one(EventEntry, made.entries[0])
        entry.guild_id = new_id()
        await session.commit()


async def frozen(parts: Parts, made: Ground, _: claiming.Claim) -> None:
    """Freeze the event as the clock does, which locks it in its own way."""
    async with parts.sessions() as session:
        event = await session.get_one(Event, made.event_id, with_for_update=True)
        event.state, event.frozen_at = EventState.FROZEN, made.at(2)
        await session.commit()


async def lost(parts: Parts, _: Ground, claim: claiming.Claim) -> None:
    async with parts.sessions() as session:
        await session.execute(
            update(Judging).where(Judging.id == claim.judging_id).values(fencing_token=1 << 40)
        )
        await session.commit()


async def nothing(_: Parts, __: Ground, ___: claiming.Claim) -> None:
    pass


Meanwhile = Callable[[Parts, Ground, claiming.Claim], Awaitable[None]]


@pytest.mark.parametrize(
    ("meanwhile", "at_once", "stored"),
    [
        (nothing, True, True),
        (taken, False, True),
        (regrouped, False, True),
        (frozen, False, True),
        (lost, False, False),
    ],
)
async def test_what_was_made_ready_is_stored_only_if_the_board_is_as_it_was(
    parts: Parts,
    ground: Grounds,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Meanwhile,
    *,
    at_once: bool,
    stored: bool,
) -> None:
    made = await ground(started_at=START)
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    first, second = plain(made), plain(made)
    # After the first the event is known here.
    assert await store(parts, await claimed(parts, first), first)
    await catch_up(parts, made)
    claim = await claimed(parts, second)
    await catch_up(parts, made)
    before = await counted(parts)
    make_ready, looked = ahead.ready, list[str]()

    async def ready(session: AsyncSession, known: Known) -> ahead.Ready | None:
        found = await make_ready(session, known)
        assert found is not None
        await meanwhile(parts, made, claim)
        return found

    look = direct.look

    async def seen(session: AsyncSession, statement: str, *values: object) -> str:
        looked.append(await look(session, statement, *values))
        return looked[-1]

    monkeypatch.setattr(ahead, "ready", ready)
    monkeypatch.setattr(direct, "look", seen)
    assert await store(parts, claim, second) is stored
    monkeypatch.undo()
    assert [each for each in looked if each.startswith("[1,")] == looked[-1:] * at_once
    more = meanwhile is taken
    assert await counted(parts) == tuple(
        each + stored + (more and place == 2) for place, each in enumerate(before)
    )
    if meanwhile is not regrouped:
        # A guild that was left is taken off the board by whoever moves the entry.
        proof = await proven(parts, made)
        assert proof.equal, proof.differences
