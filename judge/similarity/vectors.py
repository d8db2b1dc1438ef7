"""A deterministic vector of a submission, for a vector store: hashed grams, no model.

Submissions that share code have a large cosine; it shortlists copies at a fraction of what an
embedding costs, and it is not a score.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from judge.similarity.arrays import Hashes, Reals
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.hashing import mixed

DIMENSIONS = 512

Weigh = Callable[[Stream, Hashes], Reals]


def vector(
    one: Fingerprint, dimensions: int = DIMENSIONS, weigh: Weigh | None = None
) -> NDArray[np.float32]:
    """Return a vector of length 1; all zeros when a submission has nothing of its own.

    `weigh` says how much grams count, `Index.weights` for one; without it all count the same.
    """
    total = np.zeros(dimensions, dtype=np.float64)
    for stream in (Stream.SHAPES, Stream.SPELLINGS):
        grams = one.gram_set(stream)
        spread = mixed(grams.astype(np.uint64) | (np.uint64(stream + 1) << np.uint64(32)))
        signs = np.where(spread & np.uint64(1), 1.0, -1.0)
        weights = signs if weigh is None else signs * weigh(stream, grams)
        places = (spread >> np.uint64(1)) % np.uint64(dimensions)
        total += np.bincount(places.astype(np.int64), weights, minlength=dimensions)
    length = float(np.linalg.norm(total))
    return (total / length if length else total).astype(np.float32)
