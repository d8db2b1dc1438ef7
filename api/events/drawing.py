"""Drawing an event's problems: by tag and difficulty, seeded, and new to those who take part.

Pure: the same candidates, wishes and seed give the same problems, in whatever order they come.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A problem that may be drawn; `solved_by` counts participants who have solved it already.

    One that is `planned` is everybody's to see, and another event is to have it.
    """

    problem_id: UUID
    slug: str
    tags: frozenset[str]
    difficulty: int | None
    solved_by: int = 0
    planned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """So many problems with a tag (None: any) between two difficulties, worth so much each."""

    count: int
    points: Decimal
    tag: str | None = None
    difficulty_min: int | None = None
    difficulty_max: int | None = None

    def takes(self, candidate: Candidate) -> bool:
        """Tell whether a problem is what is wished for."""
        if self.tag is not None and self.tag not in candidate.tags:
            return False
        if self.difficulty_min is None and self.difficulty_max is None:
            return True
        if candidate.difficulty is None:
            return False
        least = self.difficulty_min if self.difficulty_min is not None else candidate.difficulty
        most = self.difficulty_max if self.difficulty_max is not None else candidate.difficulty
        return least <= candidate.difficulty <= most


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A problem that was drawn, for which wish."""

    candidate: Candidate
    wish: int
    points: Decimal


class TooFewError(Exception):
    """There are not as many problems as are wished for; `wish` is the first that is short."""

    def __init__(self, wish: int, found: int, wanted: int) -> None:
        self.wish, self.found, self.wanted = wish, found, wanted
        super().__init__(
            f"wish {wish + 1} needs {wanted} problems and only {found} are left for it"
        )


def draw(candidates: Collection[Candidate], wishes: Sequence[Wish], *, seed: int) -> list[Drawn]:
    """Return a problem for every wish, none twice, in the order of the wishes.

    Problems that fewer participants have solved come first, then those that are planned for no
    other event; chance decides among equals. A wish that few problems can grant does not lose them
    to one that has others: problems are matched to wishes as a whole. Raises `TooFewError`.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    in_order = sorted(candidates, key=lambda each: each.slug)
    chance.shuffle(in_order)
    in_order.sort(key=lambda each: (each.solved_by, each.planned))
    seats = [number for number, wish in enumerate(wishes) for _ in range(wish.count)]
    fitting = [[n for n, each in enumerate(in_order) if wishes[seat].takes(each)] for seat in seats]
    taken: dict[int, int] = {}
    for seat, wish in enumerate(seats):
        if not _seat(seat, fitting, taken, set()):
            granted = sum(1 for other in taken.values() if seats[other] == wish)
            raise TooFewError(wish, granted, wishes[wish].count)
    chosen = {seat: number for number, seat in taken.items()}
    return [
        Drawn(candidate=in_order[chosen[seat]], wish=wish, points=wishes[wish].points)
        for seat, wish in enumerate(seats)
    ]


def _seat(
    seat: int, fitting: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]
) -> bool:
    """Give a seat a problem, moving others along if that is what it takes (Kuhn's matching)."""
    for number in fitting[seat]:
        if number in tried:
            continue
        tried.add(number)
        if number not in taken or _seat(taken[number], fitting, taken, tried):
            taken[number] = seat
            return True
    return False
