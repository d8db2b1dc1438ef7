"""Duel: whoever solves a problem first has won that round; most rounds win.

With one problem it is first to solve, with n best of n. A side may be one player or a team: the
caller gives the attempts of a team as those of one participant.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from judge.scoring.base import Attempt, Cell, EventProblem, Standing, waiting
from judge.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """There are no options: a round is won or not."""

    @property
    def name(self) -> str:
        """Return what an event calls it."""
        return "duel"

    def cell(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Cell:
        """Look for the first accepted attempt; by itself it is worth nothing."""
        del problem
        pending, since = waiting(attempts)
        counted = 0
        for attempt in attempts:
            if attempt.pending:
                continue
            counted += attempt.verdict is not Verdict.CE
            if attempt.verdict is Verdict.AC:
                return Cell(
                    attempts=counted,
                    pending=pending,
                    pending_since_us=since,
                    at_us=attempt.at_us,
                    submission=attempt.submission,
                    solved_at=attempt.moment,
                )
        return Cell(attempts=counted, pending=pending, pending_since_us=since)

    def gained(self, problem: EventProblem, attempts: Sequence[Attempt]) -> Iterator[Cell]:
        """Return the cell once it is solved: before it nothing counts, after it nothing more."""
        cell = self.cell(problem, attempts)
        if cell.solved:
            yield cell

    def bonus(self, problem: EventProblem) -> Fraction:
        """Return what a round is worth."""
        del problem
        return Fraction(1)

    def standing(self, cells: Iterable[Cell]) -> Standing:
        """Count the rounds won."""
        return Standing(score=sum((cell.bonus for cell in cells), start=Fraction(0)))


class Decision(StrEnum):
    """Where a duel is."""

    OPEN = "open"
    WON = "won"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a duel stands; `winner` only when it is won."""

    decision: Decision
    winner: str | None = None


def match(rounds: int, won: dict[str, int], settled: int, *, over: bool) -> Match:
    """Return how a duel of so many rounds stands.

    `won` counts the settled rounds of each side; `settled` those in which no earlier attempt is
    pending. A majority decides at once; when time is `over` or all rounds are settled the most
    rounds do.
    """
    most = max(won.values(), default=0)
    leaders = [side for side, count in won.items() if count == most]
    if most > rounds // 2 or ((over or settled >= rounds) and most > 0 and len(leaders) == 1):
        return Match(decision=Decision.WON, winner=leaders[0])
    if over or settled >= rounds:
        return Match(decision=Decision.DRAWN)
    return Match(decision=Decision.OPEN)
