"""Hashes of runs of tokens: the same on every machine and in every version of Python."""

import numpy as np

from judge.similarity.arrays import Array, Flags, Hashes

_STEP = np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(values: Array) -> Array:
    """Spread values over 64 bits (the finaliser of SplitMix64)."""
    spread = values.astype(np.uint64) + _GOLDEN
    spread = (spread ^ (spread >> np.uint64(30))) * _FIRST
    spread = (spread ^ (spread >> np.uint64(27))) * _SECOND
    return np.asarray(spread ^ (spread >> np.uint64(31)))


def windows(tokens: Array, length: int) -> Hashes:
    """Return the hash of every run of `length` tokens."""
    count = len(tokens) - length + 1
    if count < 1:
        return np.zeros(0, dtype=np.uint32)
    spread = mixed(tokens)
    rolled = np.zeros(count, dtype=np.uint64)
    for place in range(length):
        rolled = rolled * _STEP + spread[place : place + count]
    return np.asarray(mixed(rolled) >> np.uint64(32), dtype=np.uint32)


def grams(tokens: Array, own: Flags, at: Array, length: int) -> tuple[Hashes, Array]:
    """Return the hashes of the runs that are wholly one's own, and where each begins."""
    hashes = windows(tokens, length)
    if not len(hashes):
        return hashes, np.zeros(0, dtype=np.int64)
    foreign = np.concatenate(([0], np.cumsum(~own)))
    whole = foreign[length:] == foreign[:-length]
    return hashes[whole], np.asarray(at[: len(hashes)][whole])
