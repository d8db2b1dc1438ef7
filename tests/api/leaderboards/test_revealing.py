"""A board is revealed step by step over boards that are defined, whatever becomes known meanwhile.

The definition is that of `test_interleavings`: of cells that were revealed a freeze hides nothing.
"""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.db.models import BoardReveal, Event, EventState
from api.errors import InvalidError
from api.events import acting, revealing
from api.events.machine import Act
from api.events.revealing import Revealed
from api.leaderboards import instants, queries, rebuilding, updating
from api.leaderboards.queries import Among
from api.wiring import Parts
from judge.scoring.freezing import Reveal

from .conftest import START, Grounds
from .test_interleavings import (
    ENTRIES,
    FORMATS,
    FREEZE_AT_H,
    HOURS,
    MASTER,
    PROBLEMS,
    Model,
    Step,
    _compare,
    _happen,
    script,
)

BEFORE = ["submit", "submit", "judge", "judge", "catch up"]
BETWEEN = ["judge", "judge", "catch up"]
pytestmark = pytest.mark.slow


@given(seed=st.integers(0, 2**63))
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("form", FORMATS)
async def test_any_contest_is_revealed_over_boards_that_are_defined(
    parts: Parts, ground: Grounds, form: str, seed: int
) -> None:
    """Also when some is judged, or judged again, between two steps, and when steps are lost."""
    chance = Random(seed)
    model = await _over(parts, ground, form, chance)
    told: list[Reveal] = []
    while (await _event(parts, model)).state is not EventState.THAWED:
        if chance.random() < 0.3:
            await _happen(parts, model, _step(chance, BETWEEN))
        await _compare(parts, model, form)
        predicted = await _predicted(parts, model)
        some = chance.choice([1, 1, 2, 3])
        event = await _event(parts, model)
        if chance.random() < 0.2:
            await _reveal(parts, model, event.revealed + some, crashes=True)
            assert await _predicted(parts, model) == predicted
        done = await _reveal(parts, model, event.revealed + some)
        # Another game master asked for the same.
        assert not (await _reveal(parts, model, event.revealed + some)).steps
        assert [_cell(each) for each in done.steps] == [_of(each) for each in predicted[:some]]
        assert done.event.revealed == event.revealed + len(done.steps)
        told += predicted[:some]
        model.revealed |= {(each.entry_id, each.problem_id) for each in done.steps}
        if len(predicted) <= some:
            assert (done.event.state, done.coming) == (EventState.THAWED, None)
        else:
            assert done.coming == predicted[some]
            await _shown(parts, model, predicted[some - 1])
    model.freeze_us = model.frozen_at = None
    await _compare(parts, model, form)
    async with parts.sessions() as session:
        kept = list(await session.scalars(select(BoardReveal).order_by(BoardReveal.step)))
    kept = [each for each in kept if each.event_id == model.made.event_id]
    assert [_cell(each) for each in kept] == [_of(each) for each in told]


@given(seed=st.integers(0, 2**63))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("act", [Act.THAW, Act.FINALISE])
async def test_the_rest_is_shown_at_once_in_the_middle(
    parts: Parts, ground: Grounds, act: Act, seed: int
) -> None:
    chance = Random(seed)
    model = await _over(parts, ground, "battle", chance)
    predicted = await _predicted(parts, model)
    some = chance.randrange(len(predicted) + 1)
    steps = (await _reveal(parts, model, some)).steps
    async with parts.sessions() as session:
        await acting.act(
            session, model.made.event_id, act, by=MASTER, now=model.now, force=act is Act.FINALISE
        )
        await session.commit()
    model.freeze_us = model.frozen_at = None
    if act is Act.THAW:
        await _compare(parts, model, "battle")
    async with parts.sessions() as session:
        event = await session.get_one(Event, model.made.event_id)
        proof = await rebuilding.check(session, event)
        found = await instants.steps(session, event)
    assert proof.differences == ()
    # What is left to tell is still known: the resolver shows it to everybody.
    assert (len(steps), found.steps) == (some, predicted[some:])


async def test_only_so_many_at_once(parts: Parts, ground: Grounds) -> None:
    model = await _over(parts, ground, "icpc", Random(1))
    with pytest.raises(InvalidError, match="at most 100 steps more"):
        await _reveal(parts, model, revealing.STEPS_MAX + 1)


async def test_an_event_that_hides_nothing_is_thawed_by_the_first_step(
    parts: Parts, ground: Grounds
) -> None:
    made = await ground(state=EventState.FINISHED, started_at=START)
    model = Model(made, freeze_us=None)
    assert (await _reveal(parts, model, 0)).event.state is EventState.FINISHED
    done = await _reveal(parts, model, 1)
    assert (done.event.state, done.event.revealed, done.steps) == (EventState.THAWED, 0, [])


async def _over(parts: Parts, ground: Grounds, form: str, chance: Random) -> Model:
    """Return a frozen event that is over; of what was handed in most is judged."""
    made = await ground(
        entries=ENTRIES,
        problems=PROBLEMS,
        format=form,
        options=FORMATS[form],
        freeze_s=3600 * (HOURS - FREEZE_AT_H),
        started_at=START,
    )
    model = Model(made)
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    for step in script(chance):
        await _happen(parts, model, step)
    model.now = max(model.now, START + timedelta(hours=FREEZE_AT_H))
    await _happen(parts, model, replace(_step(chance, ["resume"]), minutes=1, crashes=False))
    for _ in range(20):
        await _happen(parts, model, _step(chance, BEFORE))
    async with parts.sessions() as session:
        end = model.now + timedelta(milliseconds=500)
        await acting.act(session, made.event_id, Act.FINISH, by=MASTER, now=end)
        await session.commit()
    return model


def _step(chance: Random, what: list[str]) -> Step:
    return replace(script(chance)[0], what=chance.choice(what))


async def _event(parts: Parts, model: Model) -> Event:
    async with parts.sessions() as session:
        return await session.get_one(Event, model.made.event_id)


async def _predicted(parts: Parts, model: Model) -> list[Reveal]:
    """Return the steps that are still to come, as the resolver lists them of the log."""
    async with parts.sessions() as session:
        await updating.catch_up(session, model.made.event_id)
        await session.commit()
        found = await instants.steps(session, await session.get_one(Event, model.made.event_id))
    return list(found.steps)


async def _reveal(parts: Parts, model: Model, to: int, *, crashes: bool = False) -> Revealed:
    async with parts.sessions() as session:
        done = await revealing.reveal(session, model.made.event_id, to=to, by=MASTER, force=True)
        if crashes:
            await session.rollback()
        else:
            await session.commit()
        return done


async def _shown(parts: Parts, model: Model, last: Reveal) -> None:
    """Hold the row that moved last against what was told of it."""
    among = Among(event_id=model.made.event_id, public=True)
    async with parts.sessions() as session:
        row = await queries.one(session, among, UUID(last.participant))
    assert row is not None
    assert (row.rank, Fraction(-row.lost), row.penalty) == (
        last.rank,
        last.standing.score,
        last.standing.penalty,
    )


def _cell(step: BoardReveal) -> tuple[object, ...]:
    overtaken = None if step.overtaken_id is None else str(step.overtaken_id)
    return str(step.entry_id), str(step.problem_id), overtaken, step.rank_before, step.rank


def _of(step: Reveal) -> tuple[object, ...]:
    return step.participant, step.problem, step.overtaken, step.rank_before, step.rank
