"""A deterministic vector of a submission, for a vector store: hashed grams, no model.

Submissions that share code have a large cosine; it shortlists copies at a fraction of what an
embedding costs, and it is not a score. Only shapes go into it: names are the first thing that is
changed in a copy, and with them in it copies fall behind strangers who name things alike
(`python -m benchmarks.similarity DATA retrieval`).
"""

import numpy as np
from numpy.typing import NDArray

from judge.similarity.arrays import Hashes
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.hashing import mixed

DIMENSIONS = 512


def vector(one: Fingerprint, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Return a vector of length 1; all zeros when a submission has nothing of its own.

    Half of it is of what is compared, half of everything: whoever copies a program and uses less
    of it than its author did is still near to it.
    """
    own = _hashed(one.gram_set(Stream.SHAPES), dimensions)
    every = one.everything().gram_set(Stream.SHAPES)
    total = own + _hashed(every, dimensions) if own.any() else own
    length = float(np.linalg.norm(total))
    return (total / length if length else total).astype(np.float32)


def _hashed(grams: Hashes, dimensions: int) -> NDArray[np.float64]:
    spread = mixed(grams.astype(np.uint64))
    signs = np.where(spread & np.uint64(1), 1.0, -1.0)
    places = (spread >> np.uint64(1)) % np.uint64(dimensions)
    total = np.bincount(places.astype(np.int64), signs, minlength=dimensions)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length else total)
