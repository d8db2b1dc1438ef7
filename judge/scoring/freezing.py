"""The freeze and the thaw: what the public knows, and the order in which the rest is told."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from judge.scoring.base import Attempt, Cell, EventProblem, Format, Standing
from judge.scoring.ranking import Cells, Row

Key = tuple[Fraction, int, int]


def frozen(attempts: Iterable[Attempt], freeze_us: int | None) -> Iterator[Attempt]:
    """Return attempts as the public sees them: those since the freeze are pending."""
    for attempt in attempts:
        if freeze_us is None or attempt.at_us < freeze_us:
            yield attempt
        else:
            yield replace(attempt, verdict=None, score=None, groups=(), cpu_us=0, memory_bytes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """One step of a thaw: a cell becomes known, and a row moves from one rank to another."""

    participant: str
    problem: str
    cell: Cell
    standing: Standing
    rank_before: int
    rank: int


def thaw(
    rules: Format,
    problems: Sequence[EventProblem],
    public: Sequence[Row],
    final: Mapping[str, Cells],
) -> Iterator[Reveal]:
    """Return the steps from the frozen board to the final one.

    As at ICPC finals: the lowest row that hides something shows its leftmost hidden cell; if it
    climbs, whoever is lowest now is next. A cell hides something when its final form differs.
    """
    order = [problem.id for problem in sorted(problems, key=lambda each: (each.order, each.id))]
    cells = {row.participant: dict(row.cells) for row in public}
    keys = sorted((row.standing.key, row.participant) for row in public)
    hidden = {
        who: [
            each for each in order if cells[who].get(each, Cell()) != final[who].get(each, Cell())
        ]
        for who in cells
    }
    at = len(keys) - 1
    while at >= 0:
        key, who = keys[at]
        if not hidden[who]:
            at -= 1
            continue
        problem = hidden[who].pop(0)
        before = _rank(keys, key)
        shown = final[who].get(problem, Cell())
        cells[who][problem] = shown
        standing = rules.standing(cells[who].values())
        del keys[at]
        insort(keys, (standing.key, who))
        yield Reveal(
            participant=who,
            problem=problem,
            cell=shown,
            standing=standing,
            rank_before=before,
            rank=_rank(keys, standing.key),
        )
        # It may have fallen too: a battle's bonus goes to whoever turns out to be first.
        at = max(at, bisect_left(keys, (standing.key, who)))


def _rank(keys: Sequence[tuple[Key, str]], key: Key) -> int:
    return bisect_left(keys, (key, "")) + 1
