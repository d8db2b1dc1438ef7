"""IOI: the scores of all problems added up, partial ones too; time does not matter.

With `union` a participant keeps the best of every group of the test data, whichever attempt got
it; without it the best single attempt counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from judge.scoring.base import (
    SECOND_US,
    Attempt,
    Cell,
    EventProblem,
    Standing,
    rounded,
    waiting,
    worth,
)
from judge.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Ioi:
    """Options: union of groups, scores scaled to the event's points, ties by the last gain.

    Scores without a most cannot be scaled and count as the package gives them.
    """

    union: bool = True
    scaled: bool = True
    ties_by_time: bool = False

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        return "ioi"

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Keep the best of each group, or of each attempt; the last gain is the decisive one."""
        best = _Best(problem=problem, union=self.union)
        for attempt in attempts:
            best.add(attempt)
        return self._cell(best, *waiting(attempts))

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell after each attempt that was the best so far, or solved the problem."""
        best = _Best(problem=problem, union=self.union)
        for attempt in attempts:
            if best.add(attempt):
                yield self._cell(best)

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return nothing: time does not matter."""
        del problem
        return Fraction(0)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Add up the scores."""
        kept = list(cells)
        last = max((cell.at_us or 0 for cell in kept if cell.score > 0), default=0)
        return Standing(
            score=sum((cell.total for cell in kept), start=Fraction(0)),
            last=last // SECOND_US if self.ties_by_time else 0,
        )

    def _cell(self, best: "_Best", pending: int = 0, since_us: int | None = None) -> Cell:
        decisive = best.decisive
        return Cell(
            attempts=best.counted,
            pending=pending,
            pending_since_us=since_us,
            score=rounded(self._measured(best.problem, best.score)),
            at_us=decisive.at_us if decisive else None,
            submission=decisive.submission if decisive else "",
            solved_at=best.solved_at,
        )

    def _measured(self, problem: EventProblem, best: Fraction) -> Fraction:
        """Return a package's score in the event's points."""
        if not problem.scoring:
            return best * problem.points
        if not self.scaled or not problem.max_score:
            return best
        return min(best, problem.max_score) / problem.max_score * problem.points


@dataclass(slots=True, kw_only=True)
class _Best:
    """What was best so far of one participant's attempts at a problem, added in order."""

    problem: EventProblem
    union: bool
    score: Fraction = Fraction(0)
    counted: int = 0
    decisive: Attempt | None = None
    solved_at: tuple[int, str] | None = None
    groups: dict[str, Fraction] = field(default_factory=dict)

    def add(self, attempt: Attempt) -> bool:
        """Add an attempt; tell whether it is decisive, or solves the problem."""
        if attempt.pending or attempt.verdict is Verdict.CE:
            return False
        self.counted += 1
        got = _raw(self.problem, attempt)
        if self.union and attempt.groups:
            for group in attempt.groups:
                before = self.groups.get(group.name, Fraction(0))
                self.groups[group.name] = max(before, group.score)
            got = max(got, sum(self.groups.values(), start=Fraction(0)))
        gains = got > self.score
        if gains:
            self.score, self.decisive = got, attempt
        if self.solved_at is None and _solves(self.problem, attempt, self.score):
            # A package may give nothing for passing everything.
            self.solved_at, self.decisive = attempt.moment, self.decisive or attempt
            return True
        return gains


def _raw(problem: EventProblem, attempt: Attempt) -> Fraction:
    """Return an attempt's score as the package measures it; passing counts 1 where it does not."""
    if problem.scoring:
        return max(Fraction(0), attempt.score or Fraction(0))
    return worth(problem, attempt)


def _solves(problem: EventProblem, attempt: Attempt, best: Fraction) -> bool:
    if problem.scoring and problem.max_score is not None:
        return best >= problem.max_score
    return attempt.verdict is Verdict.AC
