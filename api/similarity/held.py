"""Which rows of PostgreSQL each collection of the vector index is made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select

from api.db.models import (
    SimilarityEmbedding,
    SimilarityFingerprint,
    SimilarityStatement,
    SolutionPattern,
)
from api.similarity.embedding import Vectors
from api.similarity.vectors import CODE_MEANING, CODE_TOKENS, PATTERNS, PROBLEMS
from judge.similarity import features
from judge.similarity.fingerprints import VERSION


def wanted(name: str, model: str) -> Select[Any, bytes]:
    """Return the rows of a collection that belong to a model."""
    return _ROWS[name].where(*_conditions(name, model))


def stacked(rows: Sequence[tuple[str, bytes]]) -> Vectors:
    """Return the vectors of rows as one array."""
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
