"""The longest common subsequence of two token streams: what is alike although grams are cut.

It counts against what any two submissions of the problem have in common. Where several problems
tell templates from one's own code it adds little, and what is left of templates misleads it; so
its weight is shared by the problems.
"""

from collections.abc import Sequence

from judge.similarity.fingerprints import Fingerprint

ORDER_WEIGHT = 0.4
ORDER_WEIGHT_MIN = 0.02
TOKENS_MAX = 6000
SMOOTHING = 20


def weight(problems: int) -> float:
    """Return what the order of tokens counts in a corpus of so many problems."""
    share = ORDER_WEIGHT / max(problems, 1)
    return share if share >= ORDER_WEIGHT_MIN else 0.0


def spelled(one: Fingerprint) -> list[int]:
    """Return one's own tokens as written, braces aside."""
    tokens: list[int] = one.bare(one.own)[:TOKENS_MAX].tolist()
    return tokens


def likeness(first: Sequence[int], second: Sequence[int]) -> float:
    """Return the length of the longest common subsequence against the longer of the two."""
    return common(first, second) / (max(len(first), len(second)) + SMOOTHING)


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the longest common subsequence, 64 places at a step."""
    if len(first) > len(second):
        first, second = second, first
    places: dict[int, int] = {}
    for place, token in enumerate(first):
        places[token] = places.get(token, 0) | (1 << place)
    full = (1 << len(first)) - 1
    row = full
    for token in second:
        here = places.get(token)
        if here is not None:
            kept = row & here
            row = ((row + kept) | (row - kept)) & full
    return len(first) - row.bit_count()


def above(value: float, usual: float) -> float:
    """Return how far a likeness is above the usual one of its problem, from 0 to 1."""
    return max(0.0, (value - usual) / (1.0 - usual)) if usual < 1.0 else 0.0
