"""Boards of guilds: what their members' rows come to."""

from collections.abc import Iterable, Mapping
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


def combined(rows: Iterable[Row], how: Combining, *, best: int = 0) -> Standing:
    """Return a guild's standing from its members' rows.

    `best` is how many count, the highest ranked first; the average is over all members given.
    Raises `UsageError` when `best` is needed and below 1.
    """
    members = sorted(rows, key=lambda row: (row.standing.key, row.participant))
    if how is Combining.BEST:
        if best < 1:
            raise UsageError("guild_board.best: at least 1 member must count")
        members = members[:best]
    if not members:
        return Standing()
    share = len(members) if how is Combining.AVERAGE else 1
    return Standing(
        score=rounded(sum((row.standing.score for row in members), start=Fraction(0)) / share),
        penalty=sum(row.standing.penalty for row in members) // share,
        last=max(row.standing.last for row in members),
    )


def ranked(standings: Mapping[str, Standing]) -> list[tuple[int, str, Standing]]:
    """Return rank, guild and standing in order; equals share a rank."""
    in_order = sorted(standings.items(), key=lambda each: (each[1].key, each[0]))
    rows: list[tuple[int, str, Standing]] = []
    for place, (guild, standing) in enumerate(in_order, start=1):
        shared = bool(rows) and rows[-1][2].key == standing.key
        rows.append((rows[-1][0] if shared else place, guild, standing))
    return rows
