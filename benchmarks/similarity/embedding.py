"""How many pieces of programs a second the packaged model embeds, beside the hashed vectors.

Both in one run on the same files, in time of the processor, since machines are shared; the model
is on one thread, as in the service. Without the model (`make model`) only the baseline is told.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from api.similarity import embedding
from api.similarity.chunks import chunks
from api.similarity.embedding import PACKAGED, SentenceModel
from benchmarks.figures import Figure
from benchmarks.similarity import sets
from judge.similarity import fingerprint, vector

SET = "conplag2"
FILES = 60


def measure(data: Path) -> Iterator[Figure]:
    """Embed the pieces of some files by both kinds."""
    paths = sets.files(data / SET)[:FILES]
    sources = [(path.read_bytes(), sets.LANGUAGES[path.suffix]) for path in paths]
    made = [fingerprint(source, language) for source, language in sources]
    hashed, wall = _timed(lambda: [vector(one) for one in made])
    load = f"load average {os.getloadavg()[0]:.1f}"
    yield Figure(
        name="hashed vectors of whole files",
        value=len(made) / hashed,
        unit="/s of CPU",
        note=f"{len(made)} files, {len(made) / wall:.0f} /s of wall time, {load}",
    )
    if (reason := embedding.available(PACKAGED)) is not None:
        print(f"no model is measured: {reason}")
        return
    begun = time.perf_counter()
    model = SentenceModel(PACKAGED)
    model.embed(["a"])
    loaded = time.perf_counter() - begun
    yield Figure(name="model: until it answers", value=loaded, unit="s", note=load)
    texts = [
        piece.text
        for (source, language), path in zip(sources, paths, strict=True)
        for piece in chunks({path.name: source}, language)
    ]
    spent, wall = _timed(lambda: model.embed(texts))
    yield Figure(
        name="model: pieces of about 120 tokens",
        value=len(texts) / spent,
        unit="/s of CPU",
        note=f"{len(texts)} pieces, {len(texts) / wall:.0f} /s of wall time, {load}",
    )
    yield Figure(
        name="model: whole files",
        value=len(made) / spent,
        unit="/s of CPU",
        note=f"1/{spent / hashed:.0f} of the hashed vectors",
    )


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of CPU and of wall time."""
    begun, spent = time.perf_counter(), time.process_time()
    act()
    return time.process_time() - spent, time.perf_counter() - begun
