"""Battle: points that shrink with time, rejected attempts that cost, a bonus for the first.

What an attempt is worth, of the problem's points:

    share of the problem x weighted mean of (1, speed, time left, memory left) - attempts' cost

where speed falls evenly from 1 at the start to 0 after `decay_minutes`, and time and memory left
are the unused shares of the problem's limits. What is solved never falls below `floor`.
The best attempt counts. With the weights as they are: 30 % for being right, 70 % for being quick.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from judge.scoring.base import (
    MINUTE_US,
    Attempt,
    Cell,
    EventProblem,
    Standing,
    rounded,
    waiting,
    worth,
)
from judge.verdicts import Verdict

FREE = frozenset({Verdict.CE, Verdict.JE})
_SHARE = {"most": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Battle:
    """Options: weights, minutes until nothing of speed is left, and shares of the points.

    `attempt_cost`, `floor` and `first_bonus` are shares of the problem's points.
    """

    correctness_weight: Fraction = field(default=Fraction(3, 10), metadata={"most": 1000})
    speed_weight: Fraction = field(default=Fraction(7, 10), metadata={"most": 1000})
    time_weight: Fraction = field(default=Fraction(0), metadata={"most": 1000})
    memory_weight: Fraction = field(default=Fraction(0), metadata={"most": 1000})
    decay_minutes: Fraction = field(default=Fraction(120), metadata={"most": 527_040})
    attempt_cost: Fraction = field(default=Fraction(1, 20), metadata=_SHARE)
    floor: Fraction = field(default=Fraction(3, 10), metadata=_SHARE)
    first_bonus: Fraction = field(default=Fraction(1, 20), metadata=_SHARE)
    free_verdicts: frozenset[Verdict] = FREE
    decimals: int = field(default=0, metadata={"most": 6})

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        return "battle"

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Keep the attempt worth most; an earlier one wins a tie."""
        best = _Best()
        for attempt in attempts:
            self._add(best, problem, attempt)
        return best.cell(*waiting(attempts))

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell after each attempt that was worth most so far, or solved the problem."""
        best = _Best()
        for attempt in attempts:
            if self._add(best, problem, attempt):
                yield best.cell()

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return what the first to solve gets on top."""
        return rounded(problem.points * self.first_bonus, self.decimals)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Add up the points; time is in them, so equal sums are a tie."""
        return Standing(score=sum((cell.total for cell in cells), start=Fraction(0)))

    def _add(self, best: "_Best", problem: EventProblem, attempt: Attempt) -> bool:
        """Add the next attempt; tell whether it is worth most so far, or solves the problem."""
        if attempt.pending or attempt.verdict in self.free_verdicts:
            return False
        best.counted += 1
        share = worth(problem, attempt)
        got = self._value(problem, attempt, share, best.rejected)
        gains = share > 0 and (best.attempt is None or got > best.value)
        if gains:
            best.attempt, best.value = attempt, got
            best.counted_then, best.rejected_then = best.counted, best.rejected
        solves = share == 1 and best.solved_at is None
        if solves:
            best.solved_at = attempt.moment
        best.rejected += share < 1
        return gains or solves

    def _value(
        self, problem: EventProblem, attempt: Attempt, share: Fraction, rejected: int
    ) -> Fraction:
        if share == 0:
            return Fraction(0)
        weighted = (
            (self.correctness_weight, Fraction(1)),
            (self.speed_weight, _left(attempt.at_us, self.decay_minutes * MINUTE_US)),
            (self.time_weight, _left(attempt.cpu_us, problem.cpu_limit_us)),
            (self.memory_weight, _left(attempt.memory_bytes, problem.memory_limit_bytes)),
        )
        weights = sum((weight for weight, _ in weighted), start=Fraction(0))
        mean = sum((weight * part for weight, part in weighted), start=Fraction(0)) / (weights or 1)
        kept = max(self.floor * share, share * mean - rejected * self.attempt_cost)
        return rounded(max(Fraction(0), kept) * problem.points, self.decimals)


@dataclass(slots=True, kw_only=True)
class _Best:
    """What was worth most so far of one participant's attempts at a problem, and what it cost."""

    attempt: Attempt | None = None
    value: Fraction = Fraction(0)
    counted: int = 0
    rejected: int = 0
    counted_then: int = 0
    rejected_then: int = 0
    solved_at: tuple[int, str] | None = None

    def cell(self, pending: int = 0, since_us: int | None = None) -> Cell:
        """Return the cell of what was added."""
        return Cell(
            attempts=self.counted_then if self.attempt else self.counted,
            pending=pending,
            pending_since_us=since_us,
            score=self.value,
            penalty=self.rejected_then,
            at_us=self.attempt.at_us if self.attempt else None,
            submission=self.attempt.submission if self.attempt else "",
            solved_at=self.solved_at,
        )


def _left(used: int, most: int | Fraction) -> Fraction:
    """Return the unused share of something, 0 to 1; nothing is left of nothing."""
    return max(Fraction(0), 1 - Fraction(used) / most) if most > 0 else Fraction(0)
