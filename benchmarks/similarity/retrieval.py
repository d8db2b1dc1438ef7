"""How many of the true copies a real ChromaDB returns among a submission's twenty closest.

Each labelled copy is asked for from both sides, among all files of its set: by the hashed vector
of a whole program, and, where a sentence model is installed, by what it makes of pieces, put
together as the service does.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from api.settings import Environment, Settings
from api.similarity import embedding
from api.similarity.chunks import chunks, meant
from api.similarity.embedding import PACKAGED, SentenceModel, Vectors
from api.similarity.vectors import CODE_MEANING, CODE_TOKENS, VectorIndex
from benchmarks.figures import Figure
from benchmarks.similarity import sets
from judge.similarity import fingerprint, vector

# Sets of one problem, on which a copy is one among all; the bar is the first's.
SETS = {"soco-train-java": 0.99, "soco-train-c": None}
NEAREST = 20
# So many pieces are asked for, for each of one's own, as the service does.
_NEAR = 40
Made = Mapping[str, Vectors]


def measure(data: Path) -> Iterator[Figure]:
    """Fill an index with the vectors of each set, and ask it for every copy."""
    kinds: dict[str, Callable[[Path], Made]] = {CODE_TOKENS: _hashed}
    if (reason := embedding.available(PACKAGED)) is None:
        model = SentenceModel(PACKAGED)
        kinds[CODE_MEANING] = lambda directory: _meaning(directory, model)
    else:
        print(f"{CODE_MEANING} is not measured: {reason}")
    for name, bound in SETS.items():
        for kind, make in kinds.items():
            with tempfile.TemporaryDirectory(prefix="codebattle-retrieval-") as place:
                # The bar is for what shortlists; the other kind is told.
                bar = bound if kind == CODE_TOKENS else None
                yield _measured(data / name, kind, make(data / name), Path(place), bar)


def _hashed(directory: Path) -> Made:
    return {one.id: vector(one.fingerprint)[None, :] for one in sets.entries(directory)}


def _meaning(directory: Path, model: SentenceModel) -> Made:
    made = {}
    for path in sets.files(directory):
        source, language = path.read_bytes(), sets.LANGUAGES[path.suffix]
        pieces = chunks({path.name: source}, language)
        if pieces and not fingerprint(source, language).too_short:
            made[path.name] = model.embed([each.text for each in pieces])
    return made


def _measured(directory: Path, kind: str, made: Made, place: Path, bound: float | None) -> Figure:
    index = VectorIndex(Settings(environment=Environment.DEVELOPMENT, data_dir=place))
    index.open()
    index.make(kind, "benchmark")
    ids = [f"{name}:{at}" for name, vectors in made.items() for at in range(len(vectors))]
    index.put(kind, ids, np.concatenate(list(made.values())))
    near = _NEAR if kind == CODE_MEANING else NEAREST + 1
    begun = time.perf_counter()
    found = {}
    for asked, vectors in made.items():
        scores = meant(index.near(kind, vectors, near))
        scores.pop(asked, None)
        found[asked] = sorted(scores, key=lambda one: (-scores[one], one))[:NEAREST]
    each = 1000 * (time.perf_counter() - begun) / len(made)
    index.close()
    copies = [pair for pair in sets.truth(directory) if pair.copied]
    hits = [
        other in found.get(asked, ())
        for pair in copies
        for asked, other in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    return Figure(
        name=f"{directory.name}: recall@{NEAREST} from ChromaDB, {kind}",
        value=sum(hits) / len(hits),
        unit="",
        bound=bound,
        at_least=True,
        note=f"{len(copies)} copies among {len(made)} files, {len(ids)} vectors,"
        f" {each:.1f} ms a question",
    )
