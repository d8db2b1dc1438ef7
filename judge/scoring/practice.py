"""Practice: what is solved, without a clock or a price for trying."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from judge.scoring.base import Attempt, Cell, EventProblem, Standing
from judge.scoring.ioi import Ioi

_BEST = Ioi()


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """There are no options."""

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        return "practice"

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Keep the best there ever was."""
        return _BEST.cell(problem, attempts)

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell after each attempt that was the best so far."""
        return _BEST.gained(problem, attempts)

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return nothing: nobody races."""
        del problem
        return Fraction(0)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Add up the scores."""
        return _BEST.standing(cells)
