"""Boards that are kept are boards that are made anew, whatever happens and in whatever order."""

import asyncio
import random
import time
from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text

from api import clocks
from api.db.base import new_id
from api.db.models import EventState
from api.leaderboards import queries, rebuilding, scoring, updating
from api.leaderboards.queries import Among
from api.leaderboards.updating import Known
from api.wiring import Parts
from judge.verdicts import Verdict

from .conftest import Ground, Grounds

FORMATS = [
    ("icpc", {}),
    ("ioi", {}),
    ("battle", {"decimals": 2}),
    ("duel", {}),
    ("practice", {}),
]
FREEZE_S = 3600


def attempts(ground: Ground, chance: random.Random, count: int) -> list[Known]:
    """Return submissions and their judgements; some are judged twice, some never."""
    made: list[Known] = []
    for _ in range(count):
        base = Known(
            event_id=ground.event_id,
            entry_id=chance.choice(ground.entries),
            problem_id=chance.choice(ground.problems),
            submission_id=new_id(),
            submitted_at=ground.at(chance.randrange(300)),
        )
        made.append(base)
        for _ in range(chance.choice([0, 1, 1, 1, 2])):
            score = chance.randrange(11)
            made.append(
                Known(
                    event_id=base.event_id,
                    entry_id=base.entry_id,
                    problem_id=base.problem_id,
                    submission_id=base.submission_id,
                    submitted_at=base.submitted_at,
                    judging_id=new_id(),
                    verdict=chance.choice(list(Verdict)),
                    score=Fraction(score),
                    groups=[
                        {"name": "one", "score": str(min(score, 4))},
                        {"name": "two", "score": str(max(score - 4, 0))},
                    ],
                    cpu_us=chance.randrange(1_000_000),
                )
            )
    # Whatever was submitted when, it is judged in any order, each after it was made.
    first = [each for each in made if each.verdict is None]
    later = [each for each in made if each.verdict is not None]
    chance.shuffle(first)
    chance.shuffle(later)
    return (
        first[: count // 2]
        + later[: len(later) // 3]
        + first[count // 2 :]
        + later[len(later) // 3 :]
    )


async def take(parts: Parts, known: Known) -> None:
    async with parts.sessions() as session:
        if known.verdict is None:
            await updating.note(session, known)
        else:
            await updating.record(session, known)
        await session.commit()


async def proven(parts: Parts, ground: Ground) -> rebuilding.Proof:
    async with parts.sessions() as session:
        event = await updating.locked(session, ground.event_id)
        return await rebuilding.check(session, event)


async def catch_up(parts: Parts, ground: Ground) -> None:
    async with parts.sessions() as session:
        await updating.catch_up(session, ground.event_id)
        await session.commit()


@pytest.mark.parametrize(("form", "options"), FORMATS)
async def test_a_kept_board_equals_one_made_from_the_log_and_the_definition(
    parts: Parts, ground: Grounds, form: str, options: dict[str, object]
) -> None:
    chance = random.Random(form)
    made = await ground(format=form, options=options, freeze_s=FREEZE_S)
    for known in attempts(made, chance, 40):
        await take(parts, known)
        if chance.random() < 0.1:
            await catch_up(parts, made)
    await catch_up(parts, made)

    proof = await proven(parts, made)
    assert proof.differences == ()
    assert proof.equal
    for public in (False, True):
        await defined(parts, made, public=public)


async def defined(parts: Parts, made: Ground, *, public: bool) -> None:
    """Compare what is read page by page with the format's definition over the whole log."""
    async with parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        anew = await rebuilding.make(session, event, sides=[public])
        shown = []
        after = None
        among = Among(event_id=made.event_id, public=public)
        while page := await queries.page(session, among, limit=2, after=after):
            shown += page
            after = page[-1].entry_id
        owns = [await queries.one(session, among, each.entry_id) for each in shown]
    rules = scoring.rules(event)
    standings = {who: anew.standings[public, who] for who in made.entries}
    ranks = {
        who: 1 + sum(other.key < standings[who].key for other in standings.values())
        for who in made.entries
    }
    assert {each.entry_id: each.rank for each in shown} == ranks
    assert [each.rank for each in shown] == sorted(ranks.values())
    assert [each.rank if each else None for each in owns] == [each.rank for each in shown]
    assert {each.entry_id: each.score for each in shown} == {
        who: float(standing.score) for who, standing in standings.items()
    }
    assert rules.format.name == event.format


@pytest.mark.slow
async def test_many_writers_at_once(parts: Parts, ground: Grounds) -> None:
    """Judgements stored side by side, of the same entries, problems and guilds, lose nothing."""
    chance = random.Random(7)
    made = await ground(format="battle", entries=4)
    waiting = attempts(made, chance, 40)
    for start in range(0, len(waiting), 8):
        await asyncio.gather(*(take(parts, known) for known in waiting[start : start + 8]))
    await catch_up(parts, made)

    assert (await proven(parts, made)).equal


async def test_the_freeze_hides_and_the_thaw_shows(parts: Parts, ground: Grounds) -> None:
    made = await ground(freeze_s=FREEZE_S, entries=2)
    early, late = (
        Known(
            event_id=made.event_id,
            entry_id=made.entries[n],
            problem_id=made.problems[n],
            submission_id=new_id(),
            submitted_at=made.at(minutes),
            verdict=Verdict.AC,
        )
        for n, minutes in enumerate((239, 240))
    )
    await take(parts, early)
    await take(parts, late)
    async with parts.sessions() as session:
        frozen = await queries.page(session, Among(event_id=made.event_id, public=True), limit=9)
        jury = await queries.page(session, Among(event_id=made.event_id, public=False), limit=9)
        event = await updating.locked(session, made.event_id)
        event.state = EventState.THAWED
        await rebuilding.rebuild(session, event)
        await session.commit()
        thawed = await queries.page(session, Among(event_id=made.event_id, public=True), limit=9)

    assert [each.score for each in frozen] == [1, 0]
    assert frozen[1].cells[str(made.problems[1])].pending == 1
    assert frozen[1].cells[str(made.problems[1])].solved is False
    assert [each.score for each in jury] == [1, 1]
    assert thawed == jury


async def test_the_board_as_of_an_instant(parts: Parts, ground: Grounds) -> None:
    made = await ground(entries=1)
    known = Known(
        event_id=made.event_id,
        entry_id=made.entries[0],
        problem_id=made.problems[0],
        submission_id=new_id(),
        submitted_at=made.at(10),
        verdict=Verdict.AC,
    )
    await take(parts, known)
    async with parts.sessions() as session:
        event = await updating.locked(session, made.event_id)
        now = await rebuilding.make(session, event)
        moment = await rebuilding.last_moment(session, event.id)
        assert moment is not None
        before = await rebuilding.make(session, event, until=moment - timedelta(microseconds=1))
        then = await rebuilding.make(session, event, until=moment)

    side = (False, made.entries[0])
    assert [board.standings[side].score for board in (before, then, now)] == [0, 1, 1]


async def test_a_broken_board_is_noticed_and_mended(parts: Parts, ground: Grounds) -> None:
    made = await ground()
    for known in attempts(made, random.Random(3), 20):
        await take(parts, known)
    await catch_up(parts, made)
    async with parts.sessions() as session:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(
            "UPDATE codebattle.board_cells SET penalty = penalty + 1 WHERE solved_us IS NOT NULL"
        )
        await session.commit()
    broken = await proven(parts, made)
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()

    assert not broken.equal
    assert "penalty" in broken.differences[0]
    assert (await proven(parts, made)).equal


@pytest.mark.parametrize("changes", [False, True], ids=["only locked", "changed"])
async def test_a_judgement_that_waited_goes_by_the_event_as_it_is_then(
    parts: Parts, ground: Grounds, *, changes: bool
) -> None:
    """By its row and by the time, of which the first was read before already."""
    made = await ground()

    def judged() -> Known:
        return Known(
            event_id=made.event_id,
            entry_id=made.entries[0],
            problem_id=made.problems[0],
            submission_id=new_id(),
            submitted_at=made.at(1),
            judging_id=new_id(),
            verdict=Verdict.AC,
        )

    async with parts.sessions() as session:
        await updating.record(session, judged())
        await session.commit()
    async with parts.sessions() as first, parts.sessions() as session:
        event = await updating.locked(first, made.event_id)
        recording = asyncio.create_task(updating.record(session, judged()))
        deadline = time.monotonic() + 10
        while not await first.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < deadline
        if changes:
            event.freeze_s = 60
            await first.flush()
        free = await clocks.now(first)
        await first.commit()
        found, at, _ = await recording
    assert (found.freeze_s, at > free) == (60 if changes else None, True)
