"""What a format is given and what it returns: attempts of one participant, cells, standings.

A format looks at one participant and one problem at a time, so a board can be brought up to date
by one cell and one row; what depends on others (who was first) is added by `ranking`.
Times count from the start of the event in microseconds, removed intervals left out, and are those
of submitting: the order in which judgements arrive changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from judge.verdicts import Verdict

DECIMALS = 6
MINUTE_US = 60_000_000
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """What an attempt got in one group of the test data."""

    name: str
    score: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A submission as scoring sees it.

    `submission` orders attempts of the same microsecond. The verdict is None while it is pending;
    a judge error is pending as well, since it is not the player's. `groups` are those whose
    scores add up to the problem's, and empty when they do not.
    """

    submission: str
    at_us: int
    verdict: Verdict | None
    score: Fraction | None = None
    groups: tuple[GroupScore, ...] = ()
    cpu_us: int = 0
    memory_bytes: int = 0

    @property
    def pending(self) -> bool:
        """Tell whether nothing is known of it yet."""
        return self.verdict is None or self.verdict is Verdict.JE

    @property
    def moment(self) -> tuple[int, str]:
        """Return what attempts are ordered by."""
        return (self.at_us, self.submission)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProblem:
    """A problem of an event; `points` is what it is worth there.

    A `scoring` one gives scores, at most `max_score`, or None where its package knows no most.
    """

    id: str
    order: int
    points: Fraction = Fraction(1)
    scoring: bool = False
    max_score: Fraction | None = None
    cpu_limit_us: int = 0
    memory_limit_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One participant on one problem.

    `attempts` are the judged ones that count, up to the decisive one; `pending` those of which
    nothing is known, the earliest from `pending_since_us`. `at_us` and `submission` are the
    decisive attempt's, `solved_at` the moment of the first that solved the problem. `score` is
    without the `bonus` for having been `first`.
    """

    attempts: int = 0
    pending: int = 0
    pending_since_us: int | None = None
    score: Fraction = Fraction(0)
    penalty: int = 0
    at_us: int | None = None
    submission: str = ""
    solved_at: tuple[int, str] | None = None
    first: bool = False
    bonus: Fraction = Fraction(0)

    @property
    def solved(self) -> bool:
        """Tell whether the problem is solved."""
        return self.solved_at is not None

    @property
    def total(self) -> Fraction:
        """The score with the bonus, if there is one."""
        return self.score + self.bonus if self.bonus else self.score

    @property
    def touched(self) -> bool:
        """Tell whether there is anything to show."""
        return self.attempts > 0 or self.pending > 0

    def awarded(self, bonus: Fraction) -> "Cell":
        """Return this cell as that of the first who solved the problem."""
        return replace(self, first=True, bonus=bonus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What ranks a row: a higher score, then a lower penalty, then an earlier last gain."""

    score: Fraction = Fraction(0)
    penalty: int = 0
    last: int = 0

    @property
    def key(self) -> tuple[Fraction, int, int]:
        """Return what rows are sorted by; equal keys share a rank."""
        return (-self.score, self.penalty, self.last)


class Format(Protocol):
    """The rules of one kind of event."""

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        ...

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Score the attempts of one participant on one problem; they are ordered by moment."""
        ...

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell after each attempt that decided it or solved the problem.

        What ranks is as in the cell of the attempts up to that one; what is counted need not be.
        All together take as long as one cell, however many there are.
        """
        ...

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return what being the first to solve the problem adds."""
        ...

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Return what ranks a participant with these cells, bonuses included."""
        ...


def ordered(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return the attempts in the order of submitting."""
    return sorted(attempts, key=lambda attempt: attempt.moment)


def rounded(score: Fraction, decimals: int = DECIMALS) -> Fraction:
    """Return a score as boards keep it: so many decimals, a half to the even neighbour."""
    return Fraction(round(score, decimals))


def worth(problem: EventProblem, attempt: Attempt) -> Fraction:
    """Return the share of the problem an attempt got, 0 to 1.

    Scores without a most say nothing of shares: there an accepted attempt is all of it.
    """
    if problem.scoring and problem.max_score:
        return min(Fraction(1), max(Fraction(0), (attempt.score or 0) / problem.max_score))
    return Fraction(1) if attempt.verdict is Verdict.AC else Fraction(0)


def waiting(attempts: Iterable[Attempt]) -> tuple[int, int | None]:
    """Return how many attempts are pending and when the earliest of them was made."""
    moments = [attempt.at_us for attempt in attempts if attempt.pending]
    return len(moments), min(moments, default=None)
