"""The longest common subsequence of two token streams: what is alike although grams are cut.

It counts against what any two submissions of the problem have in common. Where several problems
tell templates from one's own code it adds little, and what is left of templates misleads it; so
its weight is shared by the problems.
"""

from collections.abc import Sequence

import numpy as np

from judge.similarity.arrays import Array, Reals
from judge.similarity.fingerprints import Fingerprint

ORDER_WEIGHT = 0.4
ORDER_WEIGHT_MIN = 0.01
TOKENS_MAX = 6000
SMOOTHING = 20


def weight(problems: int) -> float:
    """Return what the order of tokens counts in a corpus of so many problems."""
    share = ORDER_WEIGHT / max(problems, 1)
    return share if share >= ORDER_WEIGHT_MIN else 0.0


def above(values: Reals, usual: float) -> Reals:
    """Return how far likenesses are above the usual one of their problem, from 0 to 1."""
    if usual >= 1.0:
        return np.zeros(len(values))
    return np.asarray(np.maximum(0.0, (values - usual) / (1.0 - usual)))


class Orders:
    """The tokens of some submissions, ready to be compared in any pairs."""

    def __init__(self, fingerprints: Sequence[Fingerprint]) -> None:
        self._fingerprints = fingerprints
        self._tokens: dict[int, list[int]] = {}
        self._places: dict[int, dict[int, int]] = {}

    def likeness(self, first: Array, second: Array) -> Reals:
        """Return for pairs of places the common subsequence against the longer of the two."""
        return np.array(
            [self._likeness(*pair) for pair in zip(first.tolist(), second.tolist(), strict=True)],
            dtype=np.float64,
        )

    def _likeness(self, one: int, other: int) -> float:
        short, long = sorted((one, other), key=lambda place: (len(self._of(place)), place))
        shared = common(self._places_of(short), len(self._of(short)), self._of(long))
        return shared / (len(self._of(long)) + SMOOTHING)

    def _of(self, place: int) -> list[int]:
        tokens = self._tokens.get(place)
        if tokens is None:
            one = self._fingerprints[place]
            tokens = one.bare(one.own)[:TOKENS_MAX].tolist()
            self._tokens[place] = tokens
        return tokens

    def _places_of(self, place: int) -> dict[int, int]:
        places = self._places.get(place)
        if places is None:
            places = self._places[place] = places_of(self._of(place))
        return places


def places_of(tokens: Sequence[int]) -> dict[int, int]:
    """Return for each distinct token a number with a bit for each place where it stands."""
    places: dict[int, int] = {}
    for place, token in enumerate(tokens):
        places[token] = places.get(token, 0) | (1 << place)
    return places


def common(places: dict[int, int], size: int, second: Sequence[int]) -> int:
    """Return the length of the longest common subsequence, all places of the first at a step.

    The bit-parallel method of Hyyro, on Python's whole numbers: for hundreds of tokens they are
    faster than arrays.
    """
    full = (1 << size) - 1
    row = full
    for here in map(places.get, second):
        if here is not None:
            kept = row & here
            row = ((row + kept) | (row ^ kept)) & full
    return size - row.bit_count()
