"""Keeps vectors of code and statements: made once, kept in PostgreSQL, held in the vector index.

Without `chromadb` there is no index, without a model there are hashed vectors only; what is
missing is said once in the log, and everything else goes on. So it does while the index is away:
PostgreSQL gets the vectors, and when the index is back it is looked through and made up for.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

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
from api.similarity import choosing, embedding, held, statements, vectors
from api.similarity.chunks import chunks, meant
from api.similarity.embedding import Embedder, Vectors
from api.similarity.fingerprinting import sources
from api.similarity.modelling import ModelProcess
from api.similarity.threads import OneThread
from api.similarity.vectors import (
    CODE_MEANING,
    CODE_TOKENS,
    PATTERNS,
    PROBLEMS,
    Expected,
    IndexAwayError,
    VectorIndex,
)
from api.wiring import Parts
from judge.errors import EngineError
from judge.similarity import features
from judge.similarity.fingerprints import VERSION

# What hashed vectors are made by: a change of the fingerprints is a change of the model.
HASHED = f"hashed@{VERSION}"
FEATURES = f"features@{features.VERSION}"
_BATCH = 500
_SAMPLES = 16
_NEAR = 40
_ALL = 1_000_000
_AGAIN_S = 60.0
Progress = Callable[[int, str], None]
Answer = TypeVar("Answer")
_log = logger(__name__)


class Embeds:
    """The vectors of one database."""

    def __init__(self, parts: Parts, embedder: Embedder | None = None) -> None:
        self._sessions = parts.sessions
        self._settings = parts.settings
        self._index: VectorIndex | None = None
        self._embedder = embedder
        self.rebuilt: str | None = None
        # Why the index cannot be used at present.
        self.away: str | None = None
        self._not_before = 0.0
        self._thread = OneThread()

    async def open(self, progress: Progress = lambda _, __: None) -> None:
        """Look whether the index is whole and current, and make it anew when it is not."""
        model = self._settings.similarity_model
        if self._embedder is None:
            if (reason := embedding.available(model)) is None:
                self._embedder = ModelProcess(model)
            else:
                _log.warning("similarity.no_model", reason=reason)
        if not vectors.installed():
            _log.warning("similarity.no_vectors", reason="chromadb is not installed")
            return
        self._index = VectorIndex(self._settings)
        try:
            await self._open(self._index, progress)
        except IndexAwayError as error:
            self._miss(error)

    async def recover(self) -> bool:
        """Try an index that is away again; tell whether it is back, whole and current."""
        if self._index is None or self.away is None or time.monotonic() < self._not_before:
            return False
        try:
            await self._thread.run(self._index.close)
            await self._open(self._index, lambda _, __: None)
        except IndexAwayError as error:
            if not self._index.remote:
                # Trying costs a process and all vectors: a full disk is not helped by haste.
                self._not_before = time.monotonic() + _AGAIN_S
            if str(error) != self.away:
                self._miss(error)
            return False
        self.away = None
        _log.info("similarity.vectors_back", rebuilt=self.rebuilt)
        return True

    async def look(self) -> None:
        """Notice that the index lost vectors while it was in use; patterns come and go by jobs."""
        for name in self._models():
            wanted = 0 if name == PATTERNS else await self._count(name)
            found = await self._ask(VectorIndex.count, name, otherwise=wanted)
            if found < wanted:
                self._miss(IndexAwayError(f"{name} has {found} vectors of {wanted}"))

    async def close(self) -> None:
        """Let go of the index."""
        if self._embedder is not None:
            await asyncio.to_thread(self._embedder.close)
        if self._index is not None:
            with suppress(IndexAwayError):
                await self._thread.run(self._index.close)
        await self._thread.finish()

    async def rebuild(self, progress: Progress) -> dict[str, int]:
        """Make all collections anew from PostgreSQL; return how many vectors each has."""
        if self._index is None:
            return {}
        try:
            made = await self._rebuild(self._index, progress)
        except IndexAwayError as error:
            self._miss(error)
            raise
        self.away = None
        return made

    async def take(self, ids: Sequence[UUID]) -> None:
        """Put the vectors of submissions into the index, and embed those that count."""
        await self._put(CODE_TOKENS, SimilarityFingerprint.submission_id.in_(ids))
        try:
            await self._embed(await self._unembedded(_BATCH, CodeSubmission.id.in_(ids)))
        except EngineError as error:
            _log.warning("similarity.model_away", reason=str(error), remedy="it is tried again")

    async def catch_up(self, progress: Progress = lambda _, __: None) -> int:
        """Embed what the model in use has not seen: all of it, when the model was changed.

        Raises `EngineError` while the model cannot be used.
        """
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
        found = await self._near(CODE_TOKENS, vector[None, :], limit)
        return [each for each, _ in found[0]] if found else []

    async def alike(self, submission_id: UUID, limit: int = _NEAR) -> list[tuple[UUID, float]]:
        """Return submissions that mean the same: for each, the mean over chunks of the closest."""
        if self._index is None or self.away is not None or self._embedder is None:
            return []
        rows = await self._rows(
            self._wanted(CODE_MEANING).where(SimilarityEmbedding.submission_id == submission_id)
        )
        if not rows:
            return []
        asked = held.stacked(rows)
        found = await self._near(CODE_MEANING, asked, limit) or []
        scores = meant(found)
        scores.pop(str(submission_id), None)
        best = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
        return [(UUID(one), round(score, 6)) for one, score in best[:limit]]

    async def take_patterns(self, problem_id: UUID) -> None:
        """Hold the patterns of a problem as they are now, and no others of it."""
        await self._ask(VectorIndex.forget, PATTERNS, str(problem_id), otherwise=None)
        await self._put(PATTERNS, SolutionPattern.problem_id == problem_id)

    async def patterns(self, problem_id: UUID, vector: Vectors, limit: int) -> list[UUID] | None:
        """Return the patterns of a problem that are closest; None when there is no index."""
        found = await self._near(PATTERNS, vector[None, :], limit, of=str(problem_id))
        return None if found is None else [UUID(each.partition(":")[2]) for each, _ in found[0]]

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
        return held.wanted(name, self._models()[name])

    async def _expected(self, name: str) -> Expected:
        rows = await self._rows(self._wanted(name).limit(_SAMPLES))
        samples = {
            row[0]: [float(each) for each in one]
            for row, one in zip(rows, held.stacked(rows) if rows else (), strict=True)
        }
        count = await self._count(name)
        return Expected(model=self._models()[name], count=count, samples=samples)

    async def _count(self, name: str) -> int:
        counted = select(func.count()).select_from(self._wanted(name).subquery())
        async with self._sessions() as session:
            return await session.scalar(counted) or 0

    async def _open(self, index: VectorIndex, progress: Progress) -> None:
        """Open the index, made anew if it is not whole and current."""
        self.rebuilt = None
        if index.remote:
            # Before a process is started for it: a server may be away for long.
            await self._thread.run(index.open)
        expected = {name: await self._expected(name) for name in self._models()}
        self.rebuilt = await index.damage(expected)
        if self.rebuilt is not None:
            _log.warning("similarity.vectors", reason=self.rebuilt, remedy="they are made anew")
            await self._rebuild(index, progress)
        elif not index.remote:
            await self._thread.run(index.open)

    async def _rebuild(self, index: VectorIndex, progress: Progress) -> dict[str, int]:
        await self._thread.run(index.clear)
        made = {}
        for name, model in self._models().items():
            await self._thread.run(index.make, name, model)
            made[name] = await self._fill(index, name, progress)
        return made

    def _miss(self, error: IndexAwayError) -> None:
        self.away = str(error)
        _log.error("similarity.vectors_away", reason=self.away, remedy="it is tried again")

    async def _ask(
        self, act: Callable[..., Answer], *what: object, otherwise: Answer, **more: object
    ) -> Answer:
        """Ask the index; without one, or while it is away, the answer is the one given."""
        if self._index is None or self.away is not None:
            return otherwise
        try:
            return await self._thread.run(act, self._index, *what, **more)
        except IndexAwayError as error:
            self._miss(error)
            return otherwise

    async def _near(
        self, name: str, vectors: Vectors, limit: int, *, of: str | None = None
    ) -> list[list[tuple[str, float]]] | None:
        return await self._ask(VectorIndex.near, name, vectors, limit, of=of, otherwise=None)

    async def _fill(self, index: VectorIndex, name: str, progress: Progress) -> int:
        done = 0
        while rows := await self._rows(self._wanted(name).offset(done).limit(4 * _BATCH)):
            await self._thread.run(index.put, name, [row[0] for row in rows], held.stacked(rows))
            done += len(rows)
            progress(50, f"{name}: {done} vectors")
        return done

    async def _put(self, name: str, *conditions: ColumnElement[bool]) -> None:
        if self._index is None or self.away is not None:
            return
        rows = await self._rows(self._wanted(name).where(*conditions))
        if rows:
            names = [row[0] for row in rows]
            await self._ask(VectorIndex.put, name, names, held.stacked(rows), otherwise=None)

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
                await statements.warn(session, found, model)
                await session.commit()
            if not found:
                return
            ids = [problem.id for problem, _ in found]
            await self._put(PROBLEMS, SimilarityStatement.problem_id.in_(ids))
