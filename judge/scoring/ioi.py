"""IOI: the scores of all problems added up, partial ones too; time does not matter.

With `union` a participant keeps the best of every group of the test data, whichever attempt got
it; without it the best single attempt counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
        groups: dict[str, Fraction] = {}
        best = Fraction(0)
        counted = 0
        solved_at = None
        decisive: Attempt | None = None
        for attempt in attempts:
            if attempt.pending or attempt.verdict is Verdict.CE:
                continue
            counted += 1
            got = _raw(problem, attempt)
            if self.union and attempt.groups:
                for group in attempt.groups:
                    groups[group.name] = max(groups.get(group.name, Fraction(0)), group.score)
                got = max(got, sum(groups.values(), start=Fraction(0)))
            if got > best:
                best, decisive = got, attempt
            if solved_at is None and _solves(problem, attempt, best):
                # A package may give nothing for passing everything.
                solved_at, decisive = attempt.moment, decisive or attempt
        pending, since = waiting(attempts)
        return Cell(
            attempts=counted,
            pending=pending,
            pending_since_us=since,
            score=rounded(self._measured(problem, best)),
            at_us=decisive.at_us if decisive else None,
            submission=decisive.submission if decisive else "",
            solved_at=solved_at,
        )

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

    def _measured(self, problem: EventProblem, best: Fraction) -> Fraction:
        """Return a package's score in the event's points."""
        if not problem.scoring:
            return best * problem.points
        if not self.scaled or not problem.max_score:
            return best
        return min(best, problem.max_score) / problem.max_score * problem.points


def _raw(problem: EventProblem, attempt: Attempt) -> Fraction:
    """Return an attempt's score as the package measures it; passing counts 1 where it does not."""
    if problem.scoring:
        return max(Fraction(0), attempt.score or Fraction(0))
    return worth(problem, attempt)


def _solves(problem: EventProblem, attempt: Attempt, best: Fraction) -> bool:
    if problem.scoring and problem.max_score is not None:
        return best >= problem.max_score
    return attempt.verdict is Verdict.AC
