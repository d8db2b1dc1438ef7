"""What holds for every format, whatever was submitted and in whichever order it was judged."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.scoring import Attempt, Cell, EventProblem, Format, GroupScore, make, ordered
from judge.scoring.freezing import frozen, thaw
from judge.scoring.moments import gains, moments
from judge.scoring.ranking import Cells, Row, board
from judge.scoring.rating import Rated, updated
from judge.verdicts import Verdict

PROBLEMS = (
    EventProblem(id="A", order=0, points=Fraction(100), cpu_limit_us=10**6),
    EventProblem(id="B", order=1, points=Fraction(30), scoring=True, max_score=Fraction(10)),
    EventProblem(id="C", order=2, points=Fraction(7), scoring=True),
)
PEOPLE = ("ann", "bob", "cid")
Attempts = Mapping[str, Mapping[str, list[Attempt]]]

formats = st.sampled_from(["icpc", "ioi", "battle", "duel", "practice"]).map(make)


@st.composite
def attempts(draw: st.DrawFn) -> dict[str, dict[str, list[Attempt]]]:
    made: dict[str, dict[str, list[Attempt]]] = {
        who: {problem.id: [] for problem in PROBLEMS} for who in PEOPLE
    }
    for number in range(draw(st.integers(0, 14))):
        problem = draw(st.sampled_from(PROBLEMS))
        # Few different moments, so that some are equal.
        made[draw(st.sampled_from(PEOPLE))][problem.id].append(_attempt(draw, number, problem))
    return made


def _attempt(draw: st.DrawFn, number: int, problem: EventProblem) -> Attempt:
    verdict = draw(st.sampled_from([None, *Verdict]))
    score = Fraction(draw(st.integers(0, 10))) if problem.scoring else None
    split = draw(st.booleans()) and score is not None
    return Attempt(
        submission=f"{number:03}",
        at_us=draw(st.integers(0, 6)) * 600_000_000,
        verdict=verdict,
        score=score,
        groups=(
            (
                GroupScore(name="one", score=min(score, Fraction(4))),
                GroupScore(name="two", score=max(score - 4, Fraction(0))),
            )
            if split and score is not None
            else ()
        ),
        cpu_us=draw(st.integers(0, 10**6)),
    )


def public(made: Attempts, freeze_us: int) -> Attempts:
    return {
        who: {task: list(frozen(each, freeze_us)) for task, each in theirs.items()}
        for who, theirs in made.items()
    }


def ranks_hold(rows: list[Row]) -> None:
    for place, row in enumerate(rows):
        ahead = sum(other.standing.key < row.standing.key for other in rows)
        assert row.rank == ahead + 1
        assert place == 0 or rows[place - 1].standing.key <= row.standing.key


@given(formats, attempts(), st.randoms(use_true_random=False))
def test_the_order_of_judging_changes_nothing(
    rules: Format, made: Attempts, random: object
) -> None:
    shuffled = {who: {t: list(each) for t, each in theirs.items()} for who, theirs in made.items()}
    for theirs in shuffled.values():
        for each in theirs.values():
            random.shuffle(each)  # type: ignore[attr-defined]
    rows = board(rules, PROBLEMS, made)
    assert rows == board(rules, PROBLEMS, dict(reversed(shuffled.items())))
    ranks_hold(rows)


@given(formats, attempts(), st.data())
def test_what_happens_after_the_freeze_leaves_no_trace(
    rules: Format, made: Attempts, data: st.DataObject
) -> None:
    freeze_us = data.draw(st.integers(0, 4)) * 600_000_000
    other: dict[str, dict[str, list[Attempt]]] = {}
    for who, theirs in made.items():
        other[who] = {}
        for problem in PROBLEMS:
            kept = []
            for each in theirs[problem.id]:
                if each.at_us < freeze_us:
                    kept.append(each)
                else:
                    verdict = data.draw(st.sampled_from([None, *Verdict]))
                    kept.append(replace(each, verdict=verdict, score=Fraction(3), cpu_us=1))
            other[who][problem.id] = kept
    assert board(rules, PROBLEMS, public(made, freeze_us)) == board(
        rules, PROBLEMS, public(other, freeze_us)
    )


@given(formats, attempts(), st.integers(0, 4))
@settings(deadline=None)
def test_a_thaw_goes_from_below_over_boards_that_are_defined_to_the_final_one(
    rules: Format, made: Attempts, minutes: int
) -> None:
    """After each step the board is that of what is known: some cells whole, all others frozen."""
    frozen_ones = public(made, minutes * 600_000_000)
    final = board(rules, PROBLEMS, made)
    cells = {row.participant: row.cells for row in final}
    known = {who: dict(theirs) for who, theirs in frozen_ones.items()}
    now = board(rules, PROBLEMS, known)
    steps = list(thaw(rules, PROBLEMS, now, cells))
    for number, step in enumerate(steps):
        lowest = [row for row in now if any(_hidden(row.cells, cells[row.participant]))][-1]
        problem = next(_hidden(lowest.cells, cells[lowest.participant]))
        assert (step.participant, step.problem) == (lowest.participant, problem)
        assert step.rank_before == lowest.rank
        assert list(thaw(rules, PROBLEMS, now, cells)) == steps[number:]

        known[step.participant][problem] = made[step.participant][problem]
        before, now = now, board(rules, PROBLEMS, known)
        (row,) = (row for row in now if row.participant == step.participant)
        assert (step.rank, step.standing) == (row.rank, row.standing)
        assert step.cell == row.cells.get(problem, Cell())
        assert {step.overtaken} - {None} == _firsts(before, problem) - _firsts(now, problem)
    assert now == final
    assert len(steps) == len({(step.participant, step.problem) for step in steps})


def test_who_turns_out_to_be_first_overtakes_who_was_told_to_be() -> None:
    """That nobody is first yet would tell of somebody above; a bonus goes with it."""
    rules = make("battle")
    problems = (PROBLEMS[0], EventProblem(id="B", order=1, points=Fraction(76)))

    def solved(name: str, minutes: int) -> list[Attempt]:
        return [Attempt(submission=name, at_us=minutes * 60_000_000, verdict=Verdict.AC)]

    made = {
        "ann": {"A": solved("1", 20), "B": solved("2", 0)},
        "bob": {"A": solved("3", 30)},
        "cid": {"A": solved("4", 40)},
    }
    final = board(rules, problems, made)
    shown = board(rules, problems, public(made, 10 * 60_000_000))
    steps = thaw(rules, problems, shown, {row.participant: row.cells for row in final})
    # Ann has 80; cid 82 with the bonus and 77 without it.
    assert [
        (step.participant, step.overtaken, step.cell.first, step.rank_before, step.rank)
        for step in steps
    ] == [("cid", None, True, 2, 1), ("bob", "cid", True, 3, 1), ("ann", "bob", True, 2, 1)]
    assert [row.participant for row in final] == ["ann", "bob", "cid"]


def _firsts(rows: list[Row], problem: str) -> set[str]:
    return {row.participant for row in rows if row.cells.get(problem, Cell()).first}


def _hidden(now: Cells, final: Cells) -> Iterator[str]:
    """Return what differs, but for who was first: that follows from what is known of all."""
    for each in PROBLEMS:
        shown, there = (
            replace(cells.get(each.id, Cell()), first=False, bonus=Fraction(0))
            for cells in (now, final)
        )
        if shown != there:
            yield each.id


@given(formats, attempts())
def test_an_attempt_that_is_pending_never_costs(rules: Format, made: Attempts) -> None:
    plain = board(
        rules,
        PROBLEMS,
        {
            who: {
                task: [each for each in tried if not each.pending] for task, tried in theirs.items()
            }
            for who, theirs in made.items()
        },
    )
    assert [(row.rank, row.participant, row.standing) for row in plain] == [
        (row.rank, row.participant, row.standing) for row in board(rules, PROBLEMS, made)
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(0, 3000), min_size=1, max_size=4)),
        min_size=1,
        max_size=6,
    )
)
def test_a_team_moves_as_one_and_a_team_of_one_as_nobody_else(
    sides: list[tuple[int, list[int]]],
) -> None:
    """Members move alike; what sides gain others lose; one alone is a side of one."""
    field = [
        Rated(id=f"{side}.{n}", side=str(side), rank=rank, rating=rating, games=20)
        for side, (rank, members) in enumerate(sides)
        for n, rating in enumerate(members)
    ]
    new = updated(field)
    moves: dict[str | None, set[int]] = {}
    for each in field:
        moves.setdefault(each.side, set()).add(new[each.id] - each.rating)
    assert all(len(each) == 1 for each in moves.values())
    gains = [each for (each,) in moves.values()]
    assert abs(sum(gains)) <= len(gains)
    first, last = min(sides)[0], max(sides)[0]
    if len({sum(members) / len(members) for _, members in sides}) == 1 and first < last:
        best = [gain for gain, (rank, _) in zip(gains, sides, strict=True) if rank == first]
        assert min(best) >= 0
    ones = [each for each in field if len(sides[int(each.side or 0)][1]) == 1]
    if len(ones) == len(field):
        assert updated([replace(each, side=None) for each in field]) == new


@given(formats, attempts())
def test_moments_are_the_boards_of_what_was_handed_in_until_then(
    rules: Format, made: Attempts
) -> None:
    tasks = {problem.id: problem for problem in PROBLEMS}
    end = {row.participant: row for row in board(rules, PROBLEMS, made)}
    kept = {
        who: moments(
            rules,
            tasks,
            {task: gains(rules, tasks[task], ordered(each)) for task, each in theirs.items()},
            {task for task, cell in end[who].cells.items() if cell.first},
        )
        for who, theirs in made.items()
    }
    for until_us in range(0, 3_700_000_000, 300_000_000):
        by_then = {
            who: {t: [a for a in each if a.at_us <= until_us] for t, each in theirs.items()}
            for who, theirs in made.items()
        }
        for row in board(rules, PROBLEMS, by_then):
            held = [each for each in kept[row.participant] if each.since_us <= until_us]
            assert held[-1].standing == row.standing
    for theirs in kept.values():
        assert all(a.standing != b.standing for a, b in pairwise(theirs))
        assert all(a.since_us < b.since_us for a, b in pairwise(theirs))


def test_a_bonus_comes_with_the_solve_and_not_with_the_attempt_worth_most() -> None:
    rules, problem = make("battle"), PROBLEMS[1]
    quick = Attempt(submission="1", at_us=0, verdict=Verdict.WA, score=Fraction(9))
    right = Attempt(submission="2", at_us=1_800_000_000, verdict=Verdict.AC, score=Fraction(10))
    gained = {problem.id: gains(rules, problem, [quick, right])}
    found = moments(rules, {problem.id: problem}, gained, {problem.id})
    # Nine of ten parts of 30 points at once; 5 % of the points for solving it first.
    assert [(each.since_us, each.standing.score) for each in found] == [
        (0, Fraction(27)),
        (1_800_000_000, Fraction(29)),
    ]


@pytest.mark.parametrize(("form", "looks"), [("ioi", "ioi._raw"), ("battle", "battle.worth")])
def test_many_gains_take_as_long_as_one_cell(
    monkeypatch: pytest.MonkeyPatch, form: str, looks: str
) -> None:
    """Each attempt is looked at once, however many come after it."""
    looked: list[Attempt] = []
    real = getattr(import_module(f"judge.scoring.{form}"), looks.rpartition(".")[2])

    def counted(problem: EventProblem, attempt: Attempt) -> Fraction:
        looked.append(attempt)
        found: Fraction = real(problem, attempt)
        return found

    monkeypatch.setattr(f"judge.scoring.{looks}", counted)
    # Growing faster than rejected attempts cost.
    problem = EventProblem(id="B", order=0, scoring=True, max_score=Fraction(2**41))
    rules = make(form, {"attempt_cost": 0, "decimals": 6} if form == "battle" else {})
    better = [
        Attempt(submission=f"{n:03}", at_us=n, verdict=Verdict.WA, score=Fraction(2**n))
        for n in range(21, 40)
    ]
    assert len(gains(rules, problem, better)) == len(looked) == len(better)
