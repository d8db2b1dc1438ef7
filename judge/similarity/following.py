"""Which pattern of an earlier computation a new one is: names and marks of people go with it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from judge.similarity.patterns import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A pattern as it was: its medoid and members, and whether people wrote something to it."""

    id: str
    medoid: str
    members: Collection[str]
    marked: bool


def follow(earlier: Sequence[Earlier], now: Sequence[Pattern]) -> Mapping[int, str]:
    """Return for places in `now` the ids of the patterns they continue.

    A pattern goes on where half of those of its members are that still are solutions, or where
    its medoid is. What people marked goes first, then what shares most.
    """
    place_of = {one.id: place for place, each in enumerate(now) for one in each.members}
    claims = []
    for one in earlier:
        found = Counter(place_of[each] for each in one.members if each in place_of)
        alive = found.total()
        if not alive and one.medoid in place_of:
            claims.append((not one.marked, 0, one.id, place_of[one.medoid]))
        claims += [
            (not one.marked, -count, one.id, place)
            for place, count in found.items()
            if 2 * count >= alive or place == place_of.get(one.medoid)
        ]
    taken: dict[int, str] = {}
    for _, _, identity, place in sorted(claims):
        if place not in taken and identity not in taken.values():
            taken[place] = identity
    return taken
