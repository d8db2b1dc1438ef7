"""How close submissions that were not accepted are to verified patterns, where an author wants it.

The closest patterns come from the vector index where there is one; what is told of them is worked
out from what PostgreSQL holds. Nothing here touches a judging, a score or a board.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    CodeSubmission,
    Judging,
    SolutionPattern,
    SolutionPatternMember,
    SolutionSuggestion,
    SuggestionRule,
)
from api.similarity import choosing
from api.similarity.embeds import Embeds
from api.similarity.fingerprinting import BATCH, Fingerprints, Kept, sources
from api.wiring import Parts
from judge.similarity import Fingerprint
from judge.similarity.closeness import Approach, Closest, closest, shared
from judge.similarity.features import VERSION, Feature
from judge.similarity.featuring import features
from judge.similarity.patterns import Features, Weights, vector
from judge.verdicts import Verdict

# Of one problem at most so many are looked at in a job, the oldest first.
SUBMISSIONS_MAX = 5000
_NEAR = 8
_OTHERS = 200
_MEMBERS_MAX = 20_000
Progress = Callable[[int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    """What submissions of a problem are compared with."""

    weights: Weights
    approaches: Mapping[UUID, Approach]
    others: Sequence[Fingerprint]


class Suggestions:
    """Makes what suggestions are worked out from."""

    def __init__(self, parts: Parts, fingerprints: Fingerprints, embeds: Embeds) -> None:
        self._sessions = parts.sessions
        self._fingerprints = fingerprints
        self._embeds = embeds

    async def take(self, ids: Sequence[UUID]) -> int:
        """Look at submissions of problems whose authors want it; return at how many."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(CodeSubmission.id, CodeSubmission.problem_id)
                .join(Judging, Judging.submission_id == CodeSubmission.id)
                .join(SuggestionRule, SuggestionRule.problem_id == CodeSubmission.problem_id)
                .where(
                    CodeSubmission.id.in_(ids),
                    SuggestionRule.enabled,
                    *choosing.JUDGED,
                    Judging.verdict != Verdict.AC,
                )
                .order_by(CodeSubmission.id)
            )
            wanted: dict[UUID, list[UUID]] = {}
            for row in rows:
                wanted.setdefault(row.problem_id, []).append(row.id)
        for problem_id, some in wanted.items():
            await self._look(problem_id, some)
        return sum(len(some) for some in wanted.values())

    async def make(self, problem_id: UUID, progress: Progress) -> int:
        """Look at all that count of a problem anew, if its author wants it."""
        async with self._sessions() as session:
            rule = await session.get(SuggestionRule, problem_id)
            if rule is None or not rule.enabled:
                return 0
            chosen = await choosing.choose(
                session,
                CodeSubmission.problem_id == problem_id,
                Judging.verdict != Verdict.AC,
                limit=SUBMISSIONS_MAX,
            )
        ids = [each.id for each in chosen]
        await self._look(problem_id, ids, progress)
        return len(ids)

    async def _look(
        self,
        problem_id: UUID,
        ids: Sequence[UUID],
        progress: Progress = lambda _, __: None,
    ) -> None:
        problem = await self._problem(problem_id)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            kept = await self._fingerprints.of(some)
            async with self._sessions() as session:
                files = await sources(session, some)
            rows = [await self._one(problem_id, problem, each, files) for each in kept]
            async with self._sessions() as session:
                for row in rows:
                    await _store(session, row)
                await session.commit()
            progress(90, f"compared {min(len(ids), start + BATCH)} of {len(ids)} with patterns")

    async def _one(
        self,
        problem_id: UUID,
        problem: _Problem,
        one: Kept,
        files: Mapping[UUID, Mapping[str, bytes]],
    ) -> dict[str, Any]:
        if one.fingerprint.too_short:
            return _none(one.id, "it is too short to say anything")
        if not problem.approaches:
            return _none(one.id, "no pattern of this problem is verified")
        found = await asyncio.to_thread(features, one.fingerprint, files.get(one.id, {}))
        near = await self._embeds.patterns(problem_id, vector(found).astype("<f4"), _NEAR)
        # The index ranks all patterns of the problem, verified or not.
        chosen = [problem.approaches[each] for each in near or () if each in problem.approaches]
        best = closest(found, chosen or problem.approaches.values(), problem.weights)
        if best is None:
            return _none(one.id, "it does nothing that patterns are told by")
        (other,) = await self._fingerprints.of([UUID(best.solution)])
        alike = await asyncio.to_thread(shared, one.fingerprint, other.fingerprint, problem.others)
        return {
            "submission_id": one.id,
            "pattern_id": UUID(best.approach),
            "closeness": best.closeness,
            "evidence": {**_told(best), **alike},
        }

    async def _problem(self, problem_id: UUID) -> _Problem:
        """Read the patterns of a problem."""
        async with self._sessions() as session:
            rows = list(
                await session.scalars(
                    select(SolutionPattern).where(
                        SolutionPattern.problem_id == problem_id,
                        SolutionPattern.solutions > 0,
                        SolutionPattern.version == VERSION,
                    )
                )
            )
            holders: Counter[Feature] = Counter()
            for row in rows:
                holders.update({Feature(name): int(count) for name, count in row.counts.items()})
            approaches = {
                row.id: Approach(
                    id=str(row.id),
                    medoid=frozenset(map(Feature, row.features)),
                    variants=await _variants(session, row.id),
                )
                for row in rows
                if row.verified
            }
            some = await session.scalars(
                select(SolutionPatternMember.submission_id)
                .where(SolutionPatternMember.pattern_id.in_([row.id for row in rows]))
                .order_by(SolutionPatternMember.submission_id)
                .limit(_OTHERS)
            )
            ids = list(some)
        others = await self._fingerprints.kept(ids) if approaches else []
        return _Problem(
            weights=Weights(holders, sum(row.solutions for row in rows)),
            approaches=approaches,
            others=[each.fingerprint for each in others],
        )


async def _variants(session: AsyncSession, pattern_id: UUID) -> dict[Features, str]:
    """Return one solution for each set of features in a pattern."""
    rows = await session.execute(
        select(SolutionPatternMember.features, SolutionPatternMember.submission_id)
        .where(SolutionPatternMember.pattern_id == pattern_id)
        .order_by(SolutionPatternMember.submission_id)
        .limit(_MEMBERS_MAX)
    )
    found: dict[Features, str] = {}
    for row in rows:
        found.setdefault(frozenset(map(Feature, row.features)), str(row.submission_id))
    return found


async def _store(session: AsyncSession, row: Mapping[str, Any]) -> None:
    await session.execute(
        insert(SolutionSuggestion)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["submission_id"], set_={**row, "made_at": func.now()}
        )
    )


def _told(best: Closest) -> dict[str, Any]:
    """Return the distance, feature by feature."""
    return {
        "solution_id": best.solution,
        "distance": best.distance,
        "medoid_distance": best.medoid_distance,
        **{
            name: [{"feature": each.value, "weight": best.weights[each]} for each in some]
            for name, some in (
                ("matched", best.matched),
                ("missing", best.missing),
                ("extra", best.extra),
            )
        },
    }


def _none(submission_id: UUID, reason: str) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "pattern_id": None,
        "closeness": 0.0,
        "evidence": {"reason": reason},
    }
