"""Ratings across events: Elo, taken over a whole field.

Everybody is compared with everybody else; for two players it is the usual Elo update. What one
gains by the expected scores is what others lose, but for rounding.

A team is one opponent: it plays with the mean of its members' ratings and is compared with the
other sides, never with itself. Each member then moves by what the team did, at their own speed.
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
    """Somebody who took part: the rating and the games before, and the rank this time.

    Those of the same `side` are a team and have the same rank; without one, one is alone.
    """

    id: str
    rank: int
    rating: int = START
    games: int = 0
    side: str | None = None


def expected(rating: int, opponent: int) -> float:
    """Return the share of games somebody is expected to win against an opponent, 0 to 1."""
    return 1.0 / (1.0 + math.pow(10.0, (opponent - rating) / SCALE))


def updated(field: Sequence[Rated]) -> Mapping[str, int]:
    """Return the new rating of everybody in a field; a side alone does not move."""
    sides: dict[tuple[bool, str], list[Rated]] = {}
    for each in field:
        alone = each.side is None
        sides.setdefault((alone, each.id if each.side is None else each.side), []).append(each)
    strengths = {name: team([each.rating for each in them]) for name, them in sides.items()}
    shares = _shares([(them[0].rank, strengths[name]) for name, them in sides.items()])
    return {
        each.id: each.rating + round((K_NEW if each.games < GAMES_NEW else K) * share)
        for them, share in zip(sides.values(), shares, strict=True)
        for each in them
    }


def team(ratings: Sequence[int]) -> int:
    """Return the rating a team plays with: the mean of its members'."""
    return round(sum(ratings) / len(ratings)) if ratings else START


def _shares(sides: Sequence[tuple[int, int]]) -> list[float]:
    """Return how much more of the others each rank and rating left behind than was expected."""
    others = len(sides) - 1
    if others < 1:
        return [0.0] * len(sides)
    ratings = Counter(rating for _, rating in sides)
    # The same for all who have the same rating: a large field has few different ones.
    wins = {
        rating: sum(count * expected(rating, opponent) for opponent, count in ratings.items())
        - expected(rating, rating)
        for rating in ratings
    }
    ranks = Counter(rank for rank, _ in sides)
    behind: dict[int, float] = {}
    left = len(sides)
    for rank in sorted(ranks):
        left -= ranks[rank]
        behind[rank] = left + (ranks[rank] - 1) / 2
    return [(behind[rank] - wins[rating]) / others for rank, rating in sides]
