"""How close a program is to approaches that somebody has verified, with all that it is made of.

The distance is that of `patterns`: features both have over features either has, by weight. It is
told feature by feature, so that a person can do the sum again; fragments of the nearest solution
are shown beside it and are no part of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judge.similarity.alignment import align
from judge.similarity.features import Feature, sorted_features
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.overlaps import overlap
from judge.similarity.patterns import Features, Weights
from judge.similarity.weighting import rarities

FRAGMENTS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """A pattern to compare with: its medoid, and one solution for each set of features in it."""

    id: str
    medoid: Features
    variants: Mapping[Features, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closest:
    """The nearest approach, the nearest solution in it, and which features made the distance."""

    approach: str
    solution: str
    distance: float
    medoid_distance: float
    matched: tuple[Feature, ...]
    missing: tuple[Feature, ...]
    extra: tuple[Feature, ...]
    weights: Mapping[Feature, float]

    @property
    def closeness(self) -> float:
        """Return 1 for the same features, 0 for none shared."""
        return round(1.0 - self.distance, 6)


def closest(found: Features, approaches: Iterable[Approach], weights: Weights) -> Closest | None:
    """Return the nearest approach; None when there is none, or the program shows no feature."""
    if not found:
        return None
    best = min(
        (
            (weights.distance(found, each), weights.distance(found, one.medoid), one.id, name, each)
            for one in approaches
            for each, name in one.variants.items()
        ),
        key=lambda each: each[:4],
        default=None,
    )
    if best is None:
        return None
    distance, medoid_distance, approach, solution, features = best
    return Closest(
        approach=approach,
        solution=solution,
        distance=distance,
        medoid_distance=medoid_distance,
        matched=sorted_features(found & features),
        missing=sorted_features(features - found),
        extra=sorted_features(found - features),
        weights={each: round(weights[each], 4) for each in sorted_features(found | features)},
    )


def shared(
    first: Fingerprint, second: Fingerprint, others: Sequence[Fingerprint]
) -> dict[str, Any]:
    """Return where two programs are alike; `others` say how frequent that is in the problem.

    Lines are aligned within a family of languages only, the structure is compared in any.
    """
    structure = rarities([[one.gram_set(Stream.PARTS) for one in others]])[0]
    told: dict[str, Any] = {
        "structure": round(
            overlap(first.gram_set(Stream.PARTS), second.gram_set(Stream.PARTS), structure), 4
        ),
        "fragments": [],
    }
    if first.family == second.family:
        same = [one.gram_set(Stream.SHAPES) for one in others if one.family == first.family]
        found = align(first, second, rarities([same])[0]).fragments
        told["fragments"] = [
            {
                "lines": list(each.first_lines),
                "other_lines": list(each.second_lines),
                "tokens": each.tokens,
                "holders": each.holders,
                "submissions": each.submissions,
            }
            for each in found[:FRAGMENTS_MAX]
        ]
    return told
