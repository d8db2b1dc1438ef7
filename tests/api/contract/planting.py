"""Canaries put straight into the tables, where only reviewers, authors and nobody may read."""

from datetime import UTC, datetime
from uuid import UUID

from api.db.base import new_id
from api.db.models import (
    CodeSubmission,
    SimilarityPair,
    SimilarityReport,
    SolutionPattern,
    SolutionSuggestion,
    SubmissionTrace,
    SuggestionRule,
)
from api.wiring import Parts

PATTERN = "canary-pattern"  # the name of an approach, which no player is told
RECORDED = "864209753"  # what a client said was pasted, beside a pair of similarity
NETWORK = "canary-network"  # the hash of an address: nobody's


async def suggested(
    parts: Parts, submission_id: UUID, *, problem_id: UUID, author_id: UUID
) -> None:
    """Store a pattern, and that the submission is close to it."""
    computed = {"features": ["loop"], "counts": {"loop": 1}, "families": {}, "vector": b""}
    pattern = SolutionPattern(
        id=new_id(),
        problem_id=problem_id,
        given_name=PATTERN,
        derived_name=PATTERN,
        verified=True,
        verified_at=datetime.now(UTC),
        solutions=1,
        people=1,
        total=1,
        version=1,
        **computed,
    )
    weighed = {"matched": [{"feature": PATTERN, "weight": 1.0}], "missing": [], "extra": []}
    async with parts.sessions() as session:
        session.add(pattern)
        session.add(
            SuggestionRule(
                problem_id=problem_id,
                enabled=True,
                points_max=50,
                closeness_min=0.5,
                changed_by=author_id,
            )
        )
        await session.flush()
        session.add(
            SolutionSuggestion(
                submission_id=submission_id,
                pattern_id=pattern.id,
                closeness=1,
                evidence=weighed,
            )
        )
        await session.commit()


async def compared(parts: Parts, submission_id: UUID) -> None:
    """Store a report with a pair of the submission and another, and what an event recorded."""
    report = SimilarityReport(
        id=new_id(), created_by=new_id(), scope={}, inside=False, finished_at=datetime.now(UTC)
    )
    now = datetime.now(UTC)
    async with parts.sessions() as session:
        one = await session.get_one(CodeSubmission, submission_id)
        other = CodeSubmission(
            id=new_id(),
            user_id=new_id(),
            problem_id=one.problem_id,
            version_id=one.version_id,
            language=one.language,
            source_hash="",
            source_bytes=1,
            request_hash="",
        )
        session.add_all([report, other])
        await session.flush()
        session.add_all(
            SubmissionTrace(
                submission_id=each.id, network=NETWORK, pasted=int(RECORDED), recorded_at=now
            )
            for each in (one, other)
        )
        session.add(
            SimilarityPair(
                report_id=report.id,
                position=0,
                problem_id=one.problem_id,
                first_id=one.id,
                second_id=other.id,
                score=1,
                stands_out=True,
                evidence={},
                signals={},
            )
        )
        await session.commit()
