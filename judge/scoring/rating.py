"""Ratings across events: Elo, taken over a whole field.

Everybody is compared with everybody else; for two players it is the usual Elo update. What one
gains by the expected scores is what others lose, but for rounding.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

START = 1500
SCALE = 400
# New players move faster, so that they soon stand where they belong.
K_NEW, K = 40, 20
GAMES_NEW = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Somebody who took part: the rating and the games before, and the rank this time."""

    id: str
    rank: int
    rating: int = START
    games: int = 0


def expected(rating: int, opponent: int) -> float:
    """Return the share of games somebody is expected to win against an opponent, 0 to 1."""
    return 1.0 / (1.0 + math.pow(10.0, (opponent - rating) / SCALE))


def updated(field: Sequence[Rated]) -> Mapping[str, int]:
    """Return the new rating of everybody in a field; alone nobody moves."""
    if len(field) < 2:
        return {each.id: each.rating for each in field}
    others = len(field) - 1
    ratings = Counter(each.rating for each in field)
    # The same for all who have the same rating: a large field has few different ones.
    wins = {
        rating: sum(count * expected(rating, opponent) for opponent, count in ratings.items())
        - expected(rating, rating)
        for rating in ratings
    }
    ranks = Counter(each.rank for each in field)
    behind: dict[int, float] = {}
    left = len(field)
    for rank in sorted(ranks):
        left -= ranks[rank]
        behind[rank] = left + (ranks[rank] - 1) / 2
    return {
        each.id: each.rating
        + round(
            (K_NEW if each.games < GAMES_NEW else K)
            * (behind[each.rank] - wins[each.rating])
            / others
        )
        for each in field
    }


def team(ratings: Sequence[int]) -> int:
    """Return the rating a team plays with: the mean of its members'."""
    return round(sum(ratings) / len(ratings)) if ratings else START
