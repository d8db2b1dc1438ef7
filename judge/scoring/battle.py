"""Battle: points that shrink with time, rejected attempts that cost, a bonus for the first.

What an attempt is worth, of the problem's points:

    share of the problem x weighted mean of (1, speed, time left, memory left) - attempts' cost

where speed falls evenly from 1 at the start to 0 after `decay_minutes`, and time and memory left
are the unused shares of the problem's limits. What is solved never falls below `floor`.
The best attempt counts. With the weights as they are: 30 % for being right, 70 % for being quick.
"""

from collections.abc import Iterable, Sequence
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
        best: Attempt | None = None
        value = Fraction(0)
        counted = rejected = counted_then = rejected_then = 0
        solved_at = None
        for attempt in attempts:
            if attempt.pending or attempt.verdict in self.free_verdicts:
                continue
            counted += 1
            share = worth(problem, attempt)
            got = self._value(problem, attempt, share, rejected)
            if share > 0 and (best is None or got > value):
                best, value = attempt, got
                counted_then, rejected_then = counted, rejected
            if share == 1 and solved_at is None:
                solved_at = attempt.moment
            rejected += share < 1
        pending, since = waiting(attempts)
        return Cell(
            attempts=counted_then if best else counted,
            pending=pending,
            pending_since_us=since,
            score=value,
            penalty=rejected_then,
            at_us=best.at_us if best else None,
            submission=best.submission if best else "",
            solved_at=solved_at,
        )

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return what the first to solve gets on top."""
        return rounded(problem.points * self.first_bonus, self.decimals)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Add up the points; time is in them, so equal sums are a tie."""
        return Standing(score=sum((cell.total for cell in cells), start=Fraction(0)))

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


def _left(used: int, most: int | Fraction) -> Fraction:
    """Return the unused share of something, 0 to 1; nothing is left of nothing."""
    return max(Fraction(0), 1 - Fraction(used) / most) if most > 0 else Fraction(0)
