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
    """One step of a thaw: a cell becomes known, and a row moves from one rank to another.

    `overtaken` is who was the first on the problem as far as was known, and is no longer.
    """

    participant: str
    problem: str
    cell: Cell
    standing: Standing
    rank_before: int
    rank: int
    overtaken: str | None = None


def thaw(
    rules: Format,
    problems: Sequence[EventProblem],
    public: Sequence[Row],
    final: Mapping[str, Cells],
) -> Iterator[Reveal]:
    """Return the steps from the frozen board, or one that is partly revealed, to the final one.

    As at ICPC finals: the lowest row that hides something shows its leftmost hidden cell; if it
    climbs, whoever is lowest now is next. A cell hides something when its final form differs, but
    for being first: that goes to the first of those that are known, so it tells of nobody else.
    """
    known = _Known(rules, problems, public)
    hidden = {
        who: [each for each in known.order if known.hides(who, each, final.get(who, {}))]
        for who in known.cells
    }
    at = len(known.keys) - 1
    while at >= 0:
        who = known.keys[at][1]
        if not hidden[who]:
            at -= 1
            continue
        problem = hidden[who].pop(0)
        before = known.rank(who)
        overtaken = known.reveal(who, problem, _bare(final.get(who, {}).get(problem, Cell())))
        yield Reveal(
            participant=who,
            problem=problem,
            cell=known.cells[who][problem],
            standing=known.standings[who],
            rank_before=before,
            rank=known.rank(who),
            overtaken=overtaken,
        )
        # It may have fallen, and so has who was overtaken if being first was worth something.
        at = max(at, *(known.place(each) for each in (who, overtaken) if each is not None))


class _Known:
    """What is known while a board thaws: cells, standings, their order, and who was first."""

    def __init__(
        self, rules: Format, problems: Sequence[EventProblem], public: Sequence[Row]
    ) -> None:
        self._rules = rules
        self._bonus = {each.id: rules.bonus(each) for each in problems}
        self.order = [each.id for each in sorted(problems, key=lambda each: (each.order, each.id))]
        self.cells = {row.participant: dict(row.cells) for row in public}
        self.standings = {row.participant: row.standing for row in public}
        self.keys = sorted((row.standing.key, row.participant) for row in public)
        self._first = {
            problem: who
            for who, theirs in self.cells.items()
            for problem, cell in theirs.items()
            if cell.first
        }

    def hides(self, who: str, problem: str, final: Cells) -> bool:
        """Tell whether a cell is not what it will be."""
        shown, there = self.cells[who].get(problem), final.get(problem)
        return shown is not there and _bare(shown or Cell()) != _bare(there or Cell())

    def place(self, who: str) -> int:
        """Return where somebody's row is, from 0."""
        return bisect_left(self.keys, (self.standings[who].key, who))

    def rank(self, who: str) -> int:
        """Return somebody's rank."""
        return bisect_left(self.keys, (self.standings[who].key, "")) + 1

    def reveal(self, who: str, problem: str, cell: Cell) -> str | None:
        """Show a cell; return who is first no longer.

        Later attempts never take back that somebody solved it, so nobody else becomes the first.
        """
        first = self._first.get(problem, who)
        rival = self.cells[first].get(problem, Cell())
        if cell.solved_at is None or (
            first != who and rival.solved_at is not None and rival.solved_at < cell.solved_at
        ):
            self._put(who, problem, cell)
            return None
        self._put(who, problem, cell.awarded(self._bonus[problem]))
        self._first[problem] = who
        if first == who:
            return None
        self._put(first, problem, _bare(rival))
        return first

    def _put(self, who: str, problem: str, cell: Cell) -> None:
        self.cells[who][problem] = cell
        standing = self._rules.standing(each for each in self.cells[who].values() if each.touched)
        del self.keys[self.place(who)]
        self.standings[who] = standing
        insort(self.keys, (standing.key, who))


def _bare(cell: Cell) -> Cell:
    """Return a cell as that of somebody who was not first."""
    return replace(cell, first=False, bonus=Fraction(0)) if cell.first else cell
