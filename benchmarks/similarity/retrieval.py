"""How many of the true copies a real ChromaDB returns among a submission's twenty closest.

Each labelled copy is asked for from both sides, among all files of its set.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from api.settings import Environment, Settings
from api.similarity.vectors import CODE_TOKENS, VectorIndex
from benchmarks.figures import Figure
from benchmarks.similarity import sets
from judge.similarity import vector

# Sets of one problem, on which a copy is one among all; the bar is the first's.
SETS = {"soco-train-java": 0.99, "soco-train-c": None}
NEAREST = 20


def measure(data: Path) -> Iterator[Figure]:
    """Fill an index with the vectors of each set, and ask it for every copy."""
    for name, bound in SETS.items():
        with tempfile.TemporaryDirectory(prefix="codebattle-retrieval-") as place:
            yield from _measured(data / name, Path(place), bound)


def _measured(directory: Path, place: Path, bound: float | None) -> Iterator[Figure]:
    made = {one.id: vector(one.fingerprint) for one in sets.entries(directory)}
    index = VectorIndex(Settings(environment=Environment.DEVELOPMENT, data_dir=place))
    index.open()
    index.make(CODE_TOKENS, "benchmark")
    index.put(CODE_TOKENS, list(made), np.stack(list(made.values())))
    begun = time.perf_counter()
    found = {
        asked: {other for other, _ in index.near(CODE_TOKENS, one[None, :], NEAREST + 1)[0]}
        for asked, one in made.items()
    }
    each = 1000 * (time.perf_counter() - begun) / len(made)
    index.close()
    copies = [pair for pair in sets.truth(directory) if pair.copied]
    hits = [
        other in found[asked]
        for pair in copies
        for asked, other in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    yield Figure(
        name=f"{directory.name}: recall@{NEAREST} from ChromaDB",
        value=sum(hits) / len(hits),
        unit="",
        bound=bound,
        at_least=True,
        note=f"{len(copies)} copies among {len(made)} files, {each:.1f} ms a question",
    )
