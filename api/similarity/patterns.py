"""Clusters the accepted solutions of a problem into approaches: the job `solution-patterns`.

What people wrote to a pattern is theirs: a computation changes what is computed, continues those
patterns it finds again, and leaves those that somebody named or verified though nothing follows
them any more.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.base import new_id
from api.db.models import (
    CodeSubmission,
    Job,
    JobState,
    Judging,
    SolutionPattern,
    SolutionPatternMember,
)
from api.jobs import service as jobs
from api.settings import Settings
from api.similarity import choosing
from api.similarity.choosing import Chosen
from api.similarity.fingerprinting import BATCH, Fingerprints, Kept, sources
from api.wiring import Parts
from judge.similarity.features import VERSION, Feature
from judge.similarity.featuring import features
from judge.similarity.following import Earlier, follow
from judge.similarity.patterns import Pattern, Solution, patterns, vector
from judge.verdicts import Verdict

KIND: Final = "solution-patterns"
# Without anybody asking, patterns are made from so many solutions on, and anew when there are
# this share more.
SOLUTIONS_MIN = 5
_GROWTH = 0.1
Progress = Callable[[int, str], None]
_PERCENT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A solution with what is stored of it."""

    chosen: Chosen
    solution: Solution
    family: str


async def ask(
    session: AsyncSession,
    settings: Settings,
    problem_id: UUID,
    *,
    owner_id: UUID | None = None,
    cluster: bool = True,
) -> Job:
    """Queue the making of patterns, or, unless `cluster`, of suggestions alone."""
    payload = {"problem_id": str(problem_id), "cluster": cluster}
    return await jobs.enqueue(session, settings, KIND, payload, owner_id=owner_id)


class Patterns:
    """The patterns of all problems of one database."""

    def __init__(self, parts: Parts, fingerprints: Fingerprints) -> None:
        self._sessions = parts.sessions
        self._settings = parts.settings
        self._fingerprints = fingerprints

    async def make(self, problem_id: UUID, progress: Progress) -> dict[str, int]:
        """Cluster what was accepted, and store it; return how many patterns of how many."""
        async with self._sessions() as session:
            chosen = await self._accepted(session, problem_id)
            known = await _known(session, problem_id)
        read = await self._read(chosen, known, progress)
        solutions = [each.solution for each in read]
        found = await asyncio.to_thread(partial(patterns, solutions))
        async with self._sessions() as session:
            await _store(session, problem_id, found, {each.solution.id: each for each in read})
            await session.commit()
        return {"patterns": len(found), "solutions": len(read)}

    async def due(self, problem_id: UUID) -> bool:
        """Tell whether so many solutions are new that patterns are worth making."""
        async with self._sessions() as session:
            now = len(await self._accepted(session, problem_id))
            before = (
                await session.scalar(
                    select(func.max(SolutionPattern.total)).where(
                        SolutionPattern.problem_id == problem_id,
                        SolutionPattern.version == VERSION,
                    )
                )
                or 0
            )
        return now >= SOLUTIONS_MIN and now - before >= max(1.0, before * _GROWTH)

    async def ask_once(self, problem_id: UUID) -> None:
        """Queue the making of patterns unless that is waiting already."""
        waiting = select(Job.id).where(
            Job.kind == KIND,
            Job.state == JobState.QUEUED,
            Job.payload["problem_id"].astext == str(problem_id),
            Job.payload["cluster"].as_boolean(),
        )
        async with self._sessions() as session:
            if await session.scalar(waiting.limit(1)) is None:
                await ask(session, self._settings, problem_id)
                await session.commit()

    async def _accepted(self, session: AsyncSession, problem_id: UUID) -> list[Chosen]:
        return await choosing.choose(
            session,
            CodeSubmission.problem_id == problem_id,
            Judging.verdict == Verdict.AC,
            limit=self._settings.similarity_report_max,
        )

    async def _read(
        self,
        chosen: Sequence[Chosen],
        known: Mapping[UUID, Sequence[str]],
        progress: Progress,
    ) -> list[_Read]:
        """Read what solutions do; what is stored from an earlier time is not read again."""
        found: list[_Read] = []
        for start in range(0, len(chosen), BATCH):
            some = {each.id: each for each in chosen[start : start + BATCH]}
            kept = await self._fingerprints.of(list(some))
            new = [each for each in kept if each.id not in known]
            async with self._sessions() as session:
                files = await sources(session, [each.id for each in new])
            done = await asyncio.to_thread(_featured, new, files)
            for each in kept:
                has = done.get(each.id) or frozenset(map(Feature, known.get(each.id, ())))
                solution = Solution(id=str(each.id), features=has, size=each.fingerprint.own_tokens)
                family = each.fingerprint.family
                found.append(_Read(chosen=some[each.id], solution=solution, family=family))
            read = min(len(chosen), start + BATCH)
            progress(_PERCENT * read // len(chosen), f"read {read} of {len(chosen)} solutions")
        return found


def _featured(
    kept: Sequence[Kept], files: Mapping[UUID, Mapping[str, bytes]]
) -> dict[UUID, frozenset[Feature]]:
    return {each.id: features(each.fingerprint, files.get(each.id, {})) for each in kept}


async def _known(session: AsyncSession, problem_id: UUID) -> dict[UUID, Sequence[str]]:
    """Return the features of solutions that were read before."""
    rows = await session.execute(
        select(SolutionPatternMember.submission_id, SolutionPatternMember.features)
        .join(SolutionPattern, SolutionPattern.id == SolutionPatternMember.pattern_id)
        .where(SolutionPattern.problem_id == problem_id, SolutionPatternMember.version == VERSION)
    )
    return {row.submission_id: row.features for row in rows}


async def _store(
    session: AsyncSession,
    problem_id: UUID,
    found: Sequence[Pattern],
    read: Mapping[str, _Read],
) -> None:
    rows = list(
        await session.scalars(
            select(SolutionPattern)
            .where(SolutionPattern.problem_id == problem_id)
            .order_by(SolutionPattern.id)
            .with_for_update()
        )
    )
    followed = follow(await _earlier(session, rows), found)
    mine = select(SolutionPattern.id).where(SolutionPattern.problem_id == problem_id)
    await session.execute(
        delete(SolutionPatternMember).where(SolutionPatternMember.pattern_id.in_(mine))
    )
    members: list[dict[str, Any]] = []
    kept: list[UUID] = []
    for place, each in enumerate(found):
        identity = UUID(followed[place]) if place in followed else new_id()
        values = _values(each, read, len(read))
        if place in followed:
            await session.execute(
                update(SolutionPattern).where(SolutionPattern.id == identity).values(**values)
            )
        else:
            session.add(SolutionPattern(id=identity, problem_id=problem_id, **values))
        kept.append(identity)
        members += [
            {
                "submission_id": UUID(one.id),
                "pattern_id": identity,
                "features": sorted(one.features),
                "distance": one.distance,
                "version": VERSION,
            }
            for one in each.members
        ]
    await session.flush()
    await _let_go(session, problem_id, kept, len(read))
    if members:
        await session.execute(insert(SolutionPatternMember), members)


async def _earlier(session: AsyncSession, rows: Sequence[SolutionPattern]) -> list[Earlier]:
    held: dict[UUID, list[str]] = defaultdict(list)
    members = await session.execute(
        select(SolutionPatternMember.pattern_id, SolutionPatternMember.submission_id).where(
            SolutionPatternMember.pattern_id.in_([each.id for each in rows])
        )
    )
    for member in members:
        held[member.pattern_id].append(str(member.submission_id))
    return [
        Earlier(
            id=str(each.id),
            medoid=str(each.medoid_id),
            members=held[each.id],
            marked=each.verified or each.given_name is not None,
        )
        for each in rows
    ]


async def _let_go(
    session: AsyncSession, problem_id: UUID, kept: Sequence[UUID], total: int
) -> None:
    """Remove what nothing follows any more; what people marked stays, empty."""
    gone = [SolutionPattern.problem_id == problem_id, SolutionPattern.id.not_in(kept)]
    marked = or_(SolutionPattern.verified, SolutionPattern.given_name.is_not(None))
    await session.execute(delete(SolutionPattern).where(*gone, ~marked))
    await session.execute(
        update(SolutionPattern)
        .where(*gone)
        .values(solutions=0, people=0, counts={}, families={}, total=total, made_at=func.now())
    )


def _values(each: Pattern, read: Mapping[str, _Read], total: int) -> dict[str, Any]:
    """Return what is computed of a pattern."""
    some = [read[one.id] for one in each.members]
    return {
        "derived_name": each.name,
        "medoid_id": UUID(each.medoid),
        "features": [one.value for one in each.features],
        "counts": {feature.value: count for feature, count in each.counts.items()},
        "families": dict(sorted(Counter(one.family for one in some).items())),
        "solutions": len(some),
        "people": len({one.chosen.user_id for one in some}),
        "total": total,
        "version": VERSION,
        "vector": vector(frozenset(each.features)).astype("<f4").tobytes(),
        "made_at": func.now(),
    }
