"""Keeps vectors of code and statements: made once, kept in PostgreSQL, held in the vector index.

Without `chromadb` there is no index, without a model there are hashed vectors only; what is
missing is said once in the log, and everything else goes on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from api.db.models import (
    CodeSubmission,
    SimilarityEmbedding,
    SimilarityFingerprint,
    SimilarityStatement,
    SolutionPattern,
)
from api.logs import logger
from api.similarity import choosing, embedding, statements, vectors
from api.similarity.chunks import chunks
from api.similarity.embedding import Embedder, SentenceModel, Vectors
from api.similarity.fingerprinting import sources
from api.similarity.vectors import (
    CODE_MEANING,
    CODE_TOKENS,
    PATTERNS,
    PROBLEMS,
    Expected,
    VectorIndex,
)
from api.wiring import Parts
from judge.similarity import features
from judge.similarity.fingerprints import VERSION

# What hashed vectors are made by: a change of the fingerprints is a change of the model.
HASHED = f"hashed@{VERSION}"
FEATURES = f"features@{features.VERSION}"
_BATCH = 500
_SAMPLES = 16
_NEAR = 40
_ALL = 1_000_000
Progress = Callable[[int, str], None]
_log = logger(__name__)


class Embeds:
    """The vectors of one database."""

    def __init__(self, parts: Parts, embedder: Embedder | None = None) -> None:
        self._sessions = parts.sessions
        self._settings = parts.settings
        self._index: VectorIndex | None = None
        self._embedder = embedder
        self.rebuilt: str | None = None

    async def open(self, progress: Progress = lambda _, __: None) -> None:
        """Look whether the index is whole and current, and make it anew when it is not."""
        model = self._settings.similarity_model
        if self._embedder is None:
            if (reason := embedding.available(model)) is None:
                self._embedder = await asyncio.to_thread(SentenceModel, model)
            else:
                _log.warning("similarity.no_model", reason=reason)
        if not vectors.installed():
            _log.warning("similarity.no_vectors", reason="chromadb is not installed")
            return
        self._index = VectorIndex(self._settings)
        expected = {name: await self._expected(name) for name in self._models()}
        self.rebuilt = await self._index.damage(expected)
        if self.rebuilt is None:
            await asyncio.to_thread(self._index.open)
            return
        _log.warning("similarity.vectors", reason=self.rebuilt, remedy="they are made anew")
        await self.rebuild(progress)

    async def close(self) -> None:
        """Let go of the index."""
        if self._index is not None:
            await asyncio.to_thread(self._index.close)

    async def rebuild(self, progress: Progress) -> dict[str, int]:
        """Make all collections anew from PostgreSQL; return how many vectors each has."""
        if self._index is None:
            return {}
        await asyncio.to_thread(self._index.clear)
        made = {}
        for name, model in self._models().items():
            await asyncio.to_thread(self._index.make, name, model)
            made[name] = await self._fill(name, progress)
        return made

    async def take(self, ids: Sequence[UUID]) -> None:
        """Put the vectors of submissions into the index, and embed those that count."""
        if self._index is not None:
            await self._put(CODE_TOKENS, SimilarityFingerprint.submission_id.in_(ids))
        await self._embed(await self._unembedded(_BATCH, CodeSubmission.id.in_(ids)))

    async def catch_up(self, progress: Progress = lambda _, __: None) -> int:
        """Embed what the model in use has not seen: all of it, when the model was changed."""
        left = await self.pending()
        for start in range(0, len(left), _SAMPLES):
            await self._embed(left[start : start + _SAMPLES])
            done = min(len(left), start + _SAMPLES)
            progress(min(99, 100 * done // len(left)), f"embedded {done} of {len(left)}")
        await self._forget_other_models()
        await self._read_statements()
        return len(left)

    async def pending(self) -> list[UUID]:
        """Return submissions that count and the model in use has not seen."""
        return await self._unembedded(_ALL)

    async def candidates(self, vector: Vectors, limit: int = _NEAR) -> list[str]:
        """Return submissions whose hashed vectors are closest."""
        if self._index is None:
            return []
        found = await asyncio.to_thread(self._index.near, CODE_TOKENS, vector[None, :], limit)
        return [each for each, _ in found[0]]

    async def alike(self, submission_id: UUID, limit: int = _NEAR) -> list[tuple[UUID, float]]:
        """Return submissions that mean the same: for each, the mean over chunks of the closest."""
        if self._index is None or self._embedder is None:
            return []
        rows = await self._rows(
            _ROWS[CODE_MEANING].where(
                SimilarityEmbedding.submission_id == submission_id,
                SimilarityEmbedding.model == self._embedder.name,
            )
        )
        if not rows:
            return []
        asked = _stacked(rows)
        found = await asyncio.to_thread(self._index.near, CODE_MEANING, asked, limit)
        best: dict[str, dict[int, float]] = defaultdict(dict)
        for place, near in enumerate(found):
            for each, score in near:
                other = each.partition(":")[0]
                best[other][place] = max(score, best[other].get(place, 0.0))
        best.pop(str(submission_id), None)
        scores = [(UUID(one), sum(by.values()) / len(rows)) for one, by in best.items()]
        scores.sort(key=lambda each: (-each[1], each[0]))
        return [(one, round(score, 6)) for one, score in scores[:limit]]

    async def take_patterns(self, problem_id: UUID) -> None:
        """Hold the patterns of a problem as they are now, and no others of it."""
        if self._index is not None:
            await asyncio.to_thread(self._index.forget, PATTERNS, str(problem_id))
            await self._put(PATTERNS, SolutionPattern.problem_id == problem_id)

    async def patterns(self, problem_id: UUID, vector: Vectors, limit: int) -> list[UUID] | None:
        """Return the patterns of a problem that are closest; None when there is no index."""
        if self._index is None:
            return None
        of = str(problem_id)
        found = await asyncio.to_thread(
            partial(self._index.near, PATTERNS, vector[None, :], limit, of=of)
        )
        return [UUID(each.partition(":")[2]) for each, _ in found[0]]

    def _models(self) -> dict[str, str]:
        """Return of which model the vectors of each collection are."""
        name = self._embedder.name if self._embedder is not None else None
        found = {
            CODE_TOKENS: HASHED,
            PROBLEMS: name or statements.WORDS,
            PATTERNS: FEATURES,
        }
        return found if name is None else {**found, CODE_MEANING: name}

    def _wanted(self, name: str) -> Select[Any, bytes]:
        return _ROWS[name].where(*_conditions(name, self._models()[name]))

    async def _expected(self, name: str) -> Expected:
        async with self._sessions() as session:
            wanted = self._wanted(name)
            count = await session.scalar(select(func.count()).select_from(wanted.subquery()))
        rows = await self._rows(wanted.limit(_SAMPLES))
        samples = {
            row[0]: [float(each) for each in one]
            for row, one in zip(rows, _stacked(rows) if rows else (), strict=True)
        }
        return Expected(model=self._models()[name], count=count or 0, samples=samples)

    async def _fill(self, name: str, progress: Progress) -> int:
        assert self._index is not None
        done = 0
        while rows := await self._rows(self._wanted(name).offset(done).limit(4 * _BATCH)):
            await asyncio.to_thread(self._index.put, name, [row[0] for row in rows], _stacked(rows))
            done += len(rows)
            progress(50, f"{name}: {done} vectors")
        return done

    async def _put(self, name: str, *conditions: ColumnElement[bool]) -> None:
        assert self._index is not None
        rows = await self._rows(self._wanted(name).where(*conditions))
        if rows:
            await asyncio.to_thread(self._index.put, name, [row[0] for row in rows], _stacked(rows))

    async def _rows(self, wanted: Select[Any, bytes]) -> list[tuple[str, bytes]]:
        async with self._sessions() as session:
            return [(str(row[0]), bytes(row[1])) for row in await session.execute(wanted)]

    async def _unembedded(self, limit: int, *conditions: ColumnElement[bool]) -> list[UUID]:
        """Return submissions that count and the model in use has not seen."""
        if self._embedder is None:
            return []
        seen = select(SimilarityEmbedding.submission_id).where(
            SimilarityEmbedding.model == self._embedder.name
        )
        short = select(SimilarityFingerprint.submission_id).where(SimilarityFingerprint.too_short)
        async with self._sessions() as session:
            chosen = await choosing.choose(session, *conditions, limit=_ALL)
            done = set(await session.scalars(seen)) | set(await session.scalars(short))
        return [each.id for each in chosen if each.id not in done][:limit]

    async def _embed(self, ids: Sequence[UUID]) -> None:
        if self._embedder is None or not ids:
            return
        async with self._sessions() as session:
            files = await sources(session, ids)
            languages = dict(
                (
                    await session.execute(
                        select(CodeSubmission.id, CodeSubmission.language).where(
                            CodeSubmission.id.in_(ids)
                        )
                    )
                ).all()
            )
        for one in ids:
            pieces = chunks(files.get(one, {}), languages[one])
            texts = [each.text for each in pieces] or [""]
            made = await asyncio.to_thread(self._embedder.embed, texts)
            rows = [
                {
                    "submission_id": one,
                    "model": self._embedder.name,
                    "chunk": place,
                    "first_line": pieces[place].first_line if pieces else 0,
                    "last_line": pieces[place].last_line if pieces else 0,
                    "dimension": len(vector),
                    "vector": vector.astype("<f4").tobytes(),
                }
                for place, vector in enumerate(made)
            ]
            async with self._sessions() as session:
                await session.execute(
                    insert(SimilarityEmbedding).values(rows).on_conflict_do_nothing()
                )
                await session.commit()
        if self._index is not None:
            await self._put(CODE_MEANING, SimilarityEmbedding.submission_id.in_(ids))

    async def _forget_other_models(self) -> None:
        if self._embedder is not None:
            async with self._sessions() as session:
                await session.execute(
                    delete(SimilarityEmbedding).where(
                        SimilarityEmbedding.model != self._embedder.name
                    )
                )
                await session.commit()

    async def _read_statements(self) -> None:
        """Make the vectors of statements that are new or were changed."""
        model = self._models()[PROBLEMS]
        while True:
            async with self._sessions() as session:
                found = await statements.without(session, model, _SAMPLES)
                for _, version in found:
                    text = statements.text_of(version)
                    if self._embedder is None:
                        vector = statements.words(text)
                    else:
                        vector = (await asyncio.to_thread(self._embedder.embed, [text]))[0]
                    await statements.store(session, version, model, vector)
                await session.commit()
            if not found:
                return
            if self._index is not None:
                ids = [problem.id for problem, _ in found]
                await self._put(PROBLEMS, SimilarityStatement.problem_id.in_(ids))


def _stacked(rows: Sequence[tuple[str, bytes]]) -> Vectors:
    return np.stack([np.frombuffer(vector, dtype="<f4") for _, vector in rows])


def _conditions(name: str, model: str) -> list[ColumnElement[bool]]:
    """Return which rows of a collection belong to a model."""
    if name == CODE_TOKENS:
        return [~SimilarityFingerprint.too_short, SimilarityFingerprint.version == VERSION]
    if name == CODE_MEANING:
        return [SimilarityEmbedding.model == model]
    if name == PATTERNS:
        return [SolutionPattern.solutions > 0, SolutionPattern.version == features.VERSION]
    return [SimilarityStatement.model == model]


_ROWS: dict[str, Select[Any, bytes]] = {
    CODE_TOKENS: select(SimilarityFingerprint.submission_id, SimilarityFingerprint.vector).order_by(
        SimilarityFingerprint.submission_id
    ),
    CODE_MEANING: select(
        func.concat(SimilarityEmbedding.submission_id, ":", SimilarityEmbedding.chunk),
        SimilarityEmbedding.vector,
    ).order_by(SimilarityEmbedding.submission_id, SimilarityEmbedding.chunk),
    PROBLEMS: select(SimilarityStatement.problem_id, SimilarityStatement.vector).order_by(
        SimilarityStatement.problem_id
    ),
    PATTERNS: select(
        func.concat(SolutionPattern.problem_id, ":", SolutionPattern.id), SolutionPattern.vector
    ).order_by(SolutionPattern.problem_id, SolutionPattern.id),
}
