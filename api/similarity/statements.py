"""How close the statements of problems are: near-duplicates, and problems of the same topic.

A model's vectors where they were made, else hashed words: both are kept in PostgreSQL, and there
are so few problems that comparing all of them takes no index.
"""

import asyncio
import itertools
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role
from api.db.models import CodeProblem, CodeProblemVersion, SimilarityStatement, Visibility
from api.problems import queries as problems
from api.similarity import schemas
from judge.problem import Severity

WORDS = "words"
DIMENSIONS = 512
TEXT_CHARS_MAX = 20_000
SCORE_MIN = 0.05
# So many are named to an author.
NEAR_MAX = 5
# From here on two statements are of one problem: of 219 real ones no others come above 0.52 by
# their words and 0.82 by the packaged model, and the same with edits came to 0.91 and 0.90.
_DUPLICATE_WORDS, _DUPLICATE_MODEL = 0.7, 0.85
Vector = NDArray[np.float32]
_WORD = re.compile(r"[^\W\d_]{2,}")
_MARKUP = re.compile(r"<[^>]{1,200}>|\\[a-zA-Z]+|```.*?```", re.DOTALL)


async def similar(
    session: AsyncSession, user: CurrentUser, name: str, *, limit: int
) -> schemas.SimilarProblems:
    """Return the problems closest to one, of those the caller may see, as the model tells them.

    Raises `ForbiddenError` unless they compare for the platform or wrote the one they ask about.
    """
    asked, _ = await problems.one(session, user, name)
    if asked.owner_id != user.id:
        user.need(Role.REVIEWER)
    model = await _model(session, asked)
    if model is None:
        return schemas.SimilarProblems(problem_id=asked.id, model=None, items=[])
    rows = await _read(session, model, or_(problems.visible(user), CodeProblem.id == asked.id))
    scores = await asyncio.to_thread(_scores, [row.id for row in rows].index(asked.id), rows)
    found = [
        schemas.SimilarProblem(
            problem_id=row.id,
            slug=row.slug,
            title=row.title,
            score=score,
            near_duplicate=score >= _duplicate(model),
        )
        for row, score in zip(rows, scores, strict=True)
        if row.id != asked.id and score >= SCORE_MIN
    ]
    found.sort(key=lambda each: (-each.score, each.slug))
    return schemas.SimilarProblems(problem_id=asked.id, model=model, items=found[:limit])


async def without(
    session: AsyncSession, model: str, limit: int
) -> list[tuple[CodeProblem, CodeProblemVersion]]:
    """Return problems whose present statement has no vector of a model."""
    rows = await session.execute(
        select(CodeProblem, CodeProblemVersion)
        .join(CodeProblemVersion, CodeProblemVersion.id == CodeProblem.current_version_id)
        .outerjoin(
            SimilarityStatement,
            (SimilarityStatement.problem_id == CodeProblem.id)
            & (SimilarityStatement.model == model)
            & (SimilarityStatement.version_id == CodeProblemVersion.id),
        )
        .where(SimilarityStatement.problem_id.is_(None))
        .order_by(CodeProblem.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def store(
    session: AsyncSession, version: CodeProblemVersion, model: str, vector: Vector
) -> None:
    """Keep the vector of a statement in place of that of an earlier version."""
    values = {
        "version_id": version.id,
        "dimension": len(vector),
        "vector": vector.astype("<f4").tobytes(),
    }
    await session.execute(
        insert(SimilarityStatement)
        .values(problem_id=version.problem_id, model=model, **values)
        .on_conflict_do_update(index_elements=["problem_id", "model"], set_=values)
    )


async def warn(
    session: AsyncSession, some: Sequence[tuple[CodeProblem, CodeProblemVersion]], model: str
) -> None:
    """Add findings to versions whose statement is nearly that of another problem.

    Of those that are public or the same author's: who reads findings is the author. Its vectors are
    stored; the caller commits.
    """
    if not some:
        return
    rows = await _read(session, model, true())
    places = {row.id: place for place, row in enumerate(rows)}
    for problem, version in some:
        scores = await asyncio.to_thread(_scores, places[problem.id], rows)
        near = [
            (-score, row.slug)
            for row, score in zip(rows, scores, strict=True)
            if score >= _duplicate(model)
            and row.id != problem.id
            and (
                row.visibility is Visibility.PUBLIC
                or (row.owner_id is not None and row.owner_id == problem.owner_id)
            )
        ]
        texts = [f"the statement is nearly that of {slug}" for _, slug in sorted(near)[:NEAR_MAX]]
        known = {each["text"] for each in version.findings}
        found = [{"severity": Severity.WARNING.value, "text": text} for text in texts]
        version.findings = version.findings + [each for each in found if each["text"] not in known]


def text_of(version: CodeProblemVersion) -> str:
    """Return the words of a statement, in English if there is such a one, without its code."""
    written = [each for each in version.statements if each.get("text")]
    written.sort(key=lambda each: not str(each.get("language", "")).startswith("en"))
    body = str(written[0]["text"]) if written else ""
    return f"{version.title}\n{_MARKUP.sub(' ', body)}"[:TEXT_CHARS_MAX]


def words(text: str) -> Vector:
    """Return the hashed words and pairs of words of a text, as a vector of length 1."""
    found = [each.lower() for each in _WORD.findall(text)]
    total = np.zeros(DIMENSIONS, dtype=np.float32)
    counts: dict[str, int] = {}
    for one in (*found, *(f"{one} {two}" for one, two in itertools.pairwise(found))):
        counts[one] = counts.get(one, 0) + 1
    for one, count in counts.items():
        hashed = zlib.crc32(one.encode())
        # Short words are the common ones; a word that comes often says little more than once.
        weight = np.log1p(count) * min(len(one), 12) / 12
        total[(hashed >> 1) % DIMENSIONS] += weight if hashed & 1 else -weight
    length = float(np.linalg.norm(total))
    return total / length if length else total


async def _read(session: AsyncSession, model: str, which: ColumnElement[bool]) -> Sequence[Any]:
    """Return some problems that have a vector of a model, with it."""
    rows = await session.execute(
        select(
            CodeProblem.id,
            CodeProblem.slug,
            CodeProblem.title,
            CodeProblem.owner_id,
            CodeProblem.visibility,
            SimilarityStatement.vector,
        )
        .join(SimilarityStatement, SimilarityStatement.problem_id == CodeProblem.id)
        .where(SimilarityStatement.model == model, which)
        .order_by(CodeProblem.id)
    )
    return rows.all()


def _duplicate(model: str) -> float:
    return _DUPLICATE_WORDS if model == WORDS else _DUPLICATE_MODEL


async def _model(session: AsyncSession, asked: CodeProblem) -> str | None:
    """Return which vectors a problem has: those of a model if any, else the hashed words."""
    return await session.scalar(
        select(SimilarityStatement.model)
        .where(SimilarityStatement.problem_id == asked.id)
        .order_by(SimilarityStatement.model == WORDS)
        .limit(1)
    )


def _scores(asked: int, rows: Sequence[Any]) -> list[float]:
    wanted = np.frombuffer(rows[asked].vector, dtype="<f4")
    vectors = [np.frombuffer(row.vector, dtype="<f4") for row in rows]
    return [round(float(one @ wanted), 6) if len(one) == len(wanted) else 0.0 for one in vectors]
