"""Boards of guilds: what their members' rows come to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from judge.errors import UsageError
from judge.scoring.base import Standing, rounded
from judge.scoring.ranking import Row


class Combining(StrEnum):
    """How members' results become their guild's."""

    SUM = "sum"
    AVERAGE = "average"
    BEST = "best"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Some members together: how many, what their scores and penalties add up to, the last gain."""

    members: int = 0
    score: Fraction = Fraction(0)
    penalty: int = 0
    last: int = 0

    def plus(self, standings: Iterable[Standing]) -> "Totals":
        """Return them with others added."""
        added = list(standings)
        return Totals(
            members=self.members + len(added),
            score=sum((each.score for each in added), start=self.score),
            penalty=self.penalty + sum(each.penalty for each in added),
            last=max([self.last, *(each.last for each in added)]),
        )

    def standing(self, how: Combining) -> Standing:
        """Return their guild's standing, when they are all that count."""
        if not self.members:
            return Standing()
        share = self.members if how is Combining.AVERAGE else 1
        return Standing(
            score=rounded(self.score / share), penalty=self.penalty // share, last=self.last
        )


def combined(rows: Iterable[Row], how: Combining, *, best: int = 0) -> Standing:
    """Return a guild's standing from its members' rows.

    `best` is how many count, the highest ranked first; the average is over all members given.
    Raises `UsageError` when `best` is needed and below 1.
    """
    members = list(rows)
    if how is Combining.BEST:
        if best < 1:
            raise UsageError("guild_board.best: at least 1 member must count")
        members = sorted(members, key=lambda row: (row.standing.key, row.participant))[:best]
    return Totals().plus(row.standing for row in members).standing(how)


def ranked(standings: Mapping[str, Standing]) -> list[tuple[int, str, Standing]]:
    """Return rank, guild and standing in order; equals share a rank."""
    in_order = sorted(standings.items(), key=lambda each: (each[1].key, each[0]))
    rows: list[tuple[int, str, Standing]] = []
    for place, (guild, standing) in enumerate(in_order, start=1):
        shared = bool(rows) and rows[-1][2].key == standing.key
        rows.append((rows[-1][0] if shared else place, guild, standing))
    return rows
