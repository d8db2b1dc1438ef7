"""Approaches to a problem: its accepted solutions in groups, each with a name a person can read.

Solutions with the same features are one; the most frequent of these are joined by average linkage
until what is left is too far apart, and the rest goes to the nearest group. The result depends on
the set of solutions alone, not on their order, and its cost is bounded.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judge.similarity.arrays import Array, Reals
from judge.similarity.features import SAID_BY, WEIGHTS, Feature, sorted_features

# Two groups further apart than this, on the average, are two approaches.
DISTANCE_MAX = 0.5
# So many different sets of features are clustered; what comes more seldom is put to the nearest.
VARIANTS_MAX = 400
NAME_FEATURES_MAX = 3
# A feature that most solutions have says less, but it does say something.
_COMMON_SHARE = 0.3
_RARE = math.log(4.0)
# What tells a group from others less than this share of what tells it best is not in its name.
_TELLING_SHARE = 0.2

Features = frozenset[Feature]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """An accepted solution; the smaller the `size`, the better it stands for its like."""

    id: str
    features: Features
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A solution of a pattern and how far it is from the medoid."""

    id: str
    features: Features
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One approach: its members, the one in their middle, and how many have which feature."""

    name: str
    medoid: str
    features: tuple[Feature, ...]
    counts: Mapping[Feature, int]
    share: float
    members: tuple[Member, ...]


class Weights:
    """What each feature counts in a problem: by itself, and by how many solutions have it."""

    def __init__(self, holders: Mapping[Feature, int], solutions: int) -> None:
        self._weights = {
            feature: base * _common(holders.get(feature, 0), solutions)
            for feature, base in WEIGHTS.items()
        }

    @classmethod
    def of(cls, solutions: Sequence[Solution]) -> "Weights":
        """Return the weights among some solutions."""
        return cls(Counter(each for one in solutions for each in one.features), len(solutions))

    def __getitem__(self, feature: Feature) -> float:
        return self._weights[feature]

    def total(self, found: Features) -> float:
        """Return what features weigh together."""
        return sum(self._weights[each] for each in sorted(found))

    def distance(self, first: Features, second: Features) -> float:
        """Return how far two programs are apart: 0 for the same features, 1 for none shared."""
        either = self.total(first | second)
        return round(1.0 - self.total(first & second) / either, 6) if either else 0.0

    def array(self) -> Reals:
        """Return the weights in the order of `Feature`."""
        return np.array([self._weights[each] for each in Feature])


def patterns(
    solutions: Sequence[Solution], *, distance_max: float = DISTANCE_MAX
) -> tuple[Pattern, ...]:
    """Return the approaches among solutions, the most frequent first."""
    if not solutions:
        return ()
    weights = Weights.of(solutions)
    variants = _variants(solutions)
    kept = variants[:VARIANTS_MAX]
    sizes = np.array([count for _, count in kept], dtype=np.float64)
    apart = _distances([found for found, _ in kept], weights)
    groups = _joined(apart, sizes, distance_max)
    medoids = [kept[_middle(apart, sizes, group)][0] for group in groups]
    home = {kept[place][0]: number for number, group in enumerate(groups) for place in group}
    for found, _ in variants[VARIANTS_MAX:]:
        home[found] = _nearest(found, medoids, weights)
    members: list[list[Solution]] = [[] for _ in groups]
    for one in sorted(solutions, key=lambda one: one.id):
        members[home[one.features]].append(one)
    return _named(medoids, members, weights)


def _common(holders: int, solutions: int) -> float:
    """Return the share of a feature's weight that is left when so many solutions have it."""
    rarity = min(1.0, max(0.0, math.log((solutions + 1.0) / (holders + 0.5)) / _RARE))
    return _COMMON_SHARE + (1.0 - _COMMON_SHARE) * rarity


def _variants(solutions: Sequence[Solution]) -> list[tuple[Features, int]]:
    """Return the different sets of features, the most frequent first, and how often each is."""
    counted = Counter(one.features for one in solutions)
    return sorted(counted.items(), key=lambda one: (-one[1], sorted(one[0])))


def _distances(found: Sequence[Features], weights: Weights) -> Array:
    order = list(Feature)
    has = np.array([[each in one for each in order] for one in found], dtype=np.float64)
    shared = (has * weights.array()) @ has.T
    total = np.diag(shared)
    either = total[:, None] + total[None, :] - shared
    return np.asarray(1.0 - np.divide(shared, either, out=np.ones_like(shared), where=either > 0))


def _joined(apart: Array, sizes: Reals, distance_max: float) -> list[list[int]]:
    """Join the two nearest groups until all are further apart than `distance_max`."""
    # Rounded, so that ties are ties whatever the order of additions was.
    far = np.round(apart, 9)
    np.fill_diagonal(far, np.inf)
    counts = sizes.copy()
    groups = {place: [place] for place in range(len(sizes))}
    while len(groups) > 1:
        one, other = divmod(int(np.argmin(far)), len(sizes))
        if far[one, other] > distance_max:
            break
        one, other = sorted((one, other))
        both = counts[one] + counts[other]
        mean = np.round((counts[one] * far[one] + counts[other] * far[other]) / both, 9)
        far[one], far[:, one] = mean, mean
        far[one, one] = np.inf
        far[other], far[:, other] = np.inf, np.inf
        counts[one] = both
        groups[one] += groups.pop(other)
    return [sorted(group) for group in groups.values()]


def _middle(apart: Array, sizes: Reals, group: Sequence[int]) -> int:
    """Return the variant that is nearest to all solutions of a group."""
    total = np.round(apart[np.ix_(group, group)] @ sizes[group], 9)
    return group[int(np.argmin(total))]


def _nearest(found: Features, medoids: Sequence[Features], weights: Weights) -> int:
    far = [weights.distance(found, each) for each in medoids]
    return far.index(min(far))


def _named(
    medoids: Sequence[Features], members: Sequence[Sequence[Solution]], weights: Weights
) -> tuple[Pattern, ...]:
    total = sum(len(each) for each in members)
    counts = [Counter(each for one in some for each in one.features) for some in members]
    everywhere: Counter[Feature] = sum(counts, Counter())
    order = sorted(
        range(len(members)), key=lambda each: (-len(members[each]), sorted(medoids[each]))
    )
    found: list[Pattern] = []
    taken: set[str] = set()
    for place in order:
        some, middle = members[place], medoids[place]
        outside = total - len(some)
        telling = {
            each: WEIGHTS[each]
            * (
                counts[place][each] / len(some)
                - ((everywhere[each] - counts[place][each]) / outside if outside else 0.0)
            )
            for each in middle
        }
        name = _name(middle, telling, taken)
        taken.add(name)
        found.append(
            Pattern(
                name=name,
                medoid=min(
                    (one for one in some if one.features == middle),
                    key=lambda one: (one.size, one.id),
                ).id,
                features=sorted_features(middle),
                counts={each: counts[place][each] for each in Feature if counts[place][each]},
                share=round(len(some) / total, 6),
                members=tuple(
                    Member(
                        id=one.id,
                        features=one.features,
                        distance=weights.distance(one.features, middle),
                    )
                    for one in some
                ),
            )
        )
    return tuple(found)


def _name(found: Features, telling: Mapping[Feature, float], taken: set[str]) -> str:
    """Return what tells a group from the others, in words; never a name that is taken."""
    useful = [each for each in found if not SAID_BY.get(each, frozenset()) & found]
    order = sorted(useful, key=lambda each: (-round(telling[each], 6), each.value))
    least = _TELLING_SHARE * max(0.0, *telling.values()) if len(telling) > 1 else 0.0
    told = [each for each in order if telling[each] > least][:NAME_FEATURES_MAX] or order[:1]
    name = "nothing remarkable"
    for size in range(max(1, len(told)), len(order) + 1):
        name = ", ".join(sorted_features(order[:size]))
        if name not in taken:
            return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return name if name not in taken else f"{name} ({number})"


def vector(found: Features) -> Reals:
    """Return features as a vector of length 1, for a vector store; all zeros when there are none.

    By their own weights alone, so that it does not change with every solution that comes.
    """
    one = np.array([math.sqrt(WEIGHTS[each]) if each in found else 0.0 for each in Feature])
    length = float(np.linalg.norm(one))
    return one / length if length else one
