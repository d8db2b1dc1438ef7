"""ICPC: most problems solved, then least penalty time, then the earliest last solve.

After the Contest Control System requirements: time counts in whole minutes rounded down per
problem, rejected attempts cost only on problems that are solved, compile errors cost nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from judge.scoring.base import (
    MINUTE_US,
    SECOND_US,
    Attempt,
    Cell,
    EventProblem,
    Standing,
    waiting,
)
from judge.verdicts import Verdict

FREE = frozenset({Verdict.CE, Verdict.JE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Icpc:
    """Options: minutes for a rejected attempt, which verdicts are free, seconds for minutes.

    An attempt with a free verdict neither costs nor counts as an attempt.
    """

    penalty_minutes: int = field(default=20, metadata={"most": 1440})
    free_verdicts: frozenset[Verdict] = FREE
    in_seconds: bool = False

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        return "icpc"

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Count rejected attempts until the first accepted one."""
        del problem
        pending, since = waiting(attempts)
        rejected = 0
        for attempt in attempts:
            if attempt.pending:
                continue
            if attempt.verdict is Verdict.AC:
                return Cell(
                    attempts=rejected + 1,
                    pending=pending,
                    pending_since_us=since,
                    score=Fraction(1),
                    penalty=self._units(attempt.at_us) + rejected * self._price,
                    at_us=attempt.at_us,
                    submission=attempt.submission,
                    solved_at=attempt.moment,
                )
            if attempt.verdict not in self.free_verdicts:
                rejected += 1
        return Cell(attempts=rejected, pending=pending, pending_since_us=since)

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell once it is solved: before it nothing counts, after it nothing more."""
        cell = self.cell(problem, attempts)
        if cell.solved:
            yield cell

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return nothing: being first is an honour here."""
        del problem
        return Fraction(0)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Add up what is solved."""
        solved = [cell for cell in cells if cell.solved]
        return Standing(
            score=Fraction(len(solved)),
            penalty=sum(cell.penalty for cell in solved),
            last=max((self._units(cell.at_us or 0) for cell in solved), default=0),
        )

    @property
    def _price(self) -> int:
        return self.penalty_minutes * (60 if self.in_seconds else 1)

    def _units(self, at_us: int) -> int:
        return at_us // (SECOND_US if self.in_seconds else MINUTE_US)
