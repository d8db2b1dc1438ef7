"""How much every two submissions of a problem share: one product of matrices for each stream.

Rare grams go through a sparse product, whose cost grows with matches; frequent ones, which would
make that product quadratic, through a dense one. Only what comes out above a floor is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from judge.similarity.arrays import Array, Hashes, Reals
from judge.similarity.weighting import Rarity

_BLOCK_ROWS = 256
_DENSE_COLUMNS_MAX = 2048
_FREQUENT_MIN = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """The overlaps of some submissions, from `first`, with all that come after each of them."""

    first: int
    values: Array


class Overlaps:
    """The overlaps of the submissions of one problem, by blocks of rows."""

    def __init__(
        self, sets: Sequence[Sequence[Hashes]], rarity: Sequence[Rarity], rows: int
    ) -> None:
        self.rows = rows
        self._streams = [_Stream(one, each, rows) for one, each in zip(sets, rarity, strict=True)]

    def blocks(self) -> Iterator[Block]:
        """Yield the mean of the streams' overlaps, a block of rows at a time."""
        for first in range(0, self.rows, _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, self.rows)
            total = self._streams[0].product(first, last)
            for stream in self._streams[1:]:
                total += stream.product(first, last)
            yield Block(first=first, values=total / len(self._streams))

    def of(self, first: Array, second: Array) -> Array:
        """Return the overlaps of some pairs of rows, a line for each stream."""
        return np.array([stream.pairs(first, second) for stream in self._streams])


class _Stream:
    """One stream's submissions as rows of weights, split by how frequent a gram is."""

    def __init__(self, sets: Sequence[Hashes], rarity: Rarity, rows: int) -> None:
        weights = rarity.weights()
        sizes = np.array([len(one) for one in sets], dtype=np.int64)
        joined = np.concatenate(list(sets)) if len(sets) else np.zeros(0, dtype=np.uint32)
        columns = np.searchsorted(rarity.grams, joined)
        row_of = np.repeat(np.arange(rows), sizes)
        masses = np.bincount(row_of, weights[columns], minlength=rows)
        self._norms = np.sqrt(masses + rarity.smoothing).astype(np.float32)
        root = np.sqrt(weights).astype(np.float32)
        useful = (weights[columns] > 0) & (rarity.holders[columns] > 1)
        columns, row_of = columns[useful], row_of[useful]
        frequent = _frequent(rarity.holders, rows)
        dense = frequent[columns]
        place = np.cumsum(frequent) - 1
        self._dense = np.zeros((rows, int(frequent.sum())), dtype=np.float32)
        self._dense[row_of[dense], place[columns[dense]]] = root[columns[dense]]
        rare = columns[~dense]
        used, narrow = np.unique(rare, return_inverse=True)
        self._sparse = sparse.csr_array(
            (root[rare], (row_of[~dense], narrow)), shape=(rows, max(len(used), 1))
        )
        self._turned = self._sparse.T.tocsr()

    def product(self, first: int, last: int) -> Array:
        """Return the overlaps of some rows with all rows."""
        shared = (self._sparse[first:last] @ self._turned).toarray()
        if self._dense.shape[1]:
            shared += self._dense[first:last] @ self._dense.T
        shared /= self._norms[first:last, None]
        shared /= self._norms[None, :]
        return np.asarray(shared)

    def pairs(self, first: Array, second: Array) -> Array:
        """Return the overlaps of some pairs of rows."""
        shared = np.asarray(self._sparse[first].multiply(self._sparse[second]).sum(axis=1))
        if self._dense.shape[1]:
            shared = shared + np.einsum("ij,ij->i", self._dense[first], self._dense[second])
        return np.asarray(shared / self._norms[first] / self._norms[second], dtype=np.float64)


def _frequent(holders: Array, rows: int) -> Array:
    """Choose the grams for the dense product: in many submissions, the most frequent first."""
    wanted = holders >= max(_FREQUENT_MIN, rows // 32)
    if int(wanted.sum()) > _DENSE_COLUMNS_MAX:
        limit = np.partition(holders, -_DENSE_COLUMNS_MAX)[-_DENSE_COLUMNS_MAX]
        wanted = holders > limit
    return np.asarray(wanted)


def overlap(first: Hashes, second: Hashes, rarity: Rarity) -> float:
    """Return the overlap of two gram sets exactly, whichever comes first."""
    shared = _sum(rarity.weights_of(np.intersect1d(first, second, assume_unique=True)))
    masses = sorted((_sum(rarity.weights_of(first)), _sum(rarity.weights_of(second))))
    return shared / float(np.sqrt((masses[0] + rarity.smoothing) * (masses[1] + rarity.smoothing)))


def _sum(weights: Reals) -> float:
    return float(np.sum(weights))
