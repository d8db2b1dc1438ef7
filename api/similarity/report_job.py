"""Makes reports: the job of the kind `similarity-report`."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import SimilarityPair, SimilarityReport
from api.errors import InvalidError
from api.jobs.running import Finished, Work
from api.similarity import access, choosing, service, signals
from api.similarity.choosing import Chosen
from api.similarity.fingerprinting import BATCH, Fingerprints, Kept
from api.similarity.signals import People
from api.wiring import Parts
from judge.similarity import Entry, Report, compare

# Of the time a report takes, reading or making fingerprints is about this share.
_READ_PERCENT = 60


class ReportJob:
    """Handles jobs of the kind `similarity-report`."""

    def __init__(self, parts: Parts, fingerprints: Fingerprints) -> None:
        self._parts = parts
        self._fingerprints = fingerprints

    async def __call__(self, work: Work) -> Finished:
        """Compare what the scope means, and store the pairs with their evidence."""
        scope = work.payload["scope"]
        chosen, people = await self._chosen(scope, inside=bool(work.payload["inside"]))
        kept = await self._kept(work, list(chosen))
        entries = [
            Entry(
                id=str(each.id),
                problem=str(each.problem_id),
                fingerprint=each.fingerprint,
                author=people.author(chosen[each.id]),
            )
            for each in kept
        ]
        work.progress(_READ_PERCENT, f"comparing {len(entries)} submissions")
        found = await asyncio.to_thread(
            partial(compare, entries, pairs_max=int(scope["pairs_max"]))
        )
        work.progress(95, f"storing {len(found.pairs)} pairs")
        summary = _summary(found, len(entries))
        told = {
            "report_id": str(work.job_id),
            "submissions": len(entries),
            "pairs": len(found.pairs),
            "stand_out": sum(each.stands_out for each in found.pairs),
        }

        async def store(session: AsyncSession) -> dict[str, Any]:
            await _store(session, work.job_id, found, summary, chosen=chosen, people=people)
            return {}

        return Finished(result=told, store=store)

    async def _chosen(
        self, scope: Mapping[str, Any], *, inside: bool
    ) -> tuple[dict[UUID, Chosen], People]:
        most = self._parts.settings.similarity_report_max
        where = service.conditions(dict(scope))
        if not inside:
            where += access.over()
        async with self._parts.sessions() as session:
            every = bool(scope.get("every")) or "submission_ids" in scope
            rows = await choosing.choose(session, *where, limit=most + 1, every=every)
            if len(rows) > most:
                raise InvalidError(
                    f"more than {most} submissions; choose fewer", slug="report-too-large"
                )
            return {each.id: each for each in rows}, await signals.people(session, rows)

    async def _kept(self, work: Work, ids: list[UUID]) -> list[Kept]:
        kept: list[Kept] = []
        for start in range(0, len(ids), BATCH):
            kept += await self._fingerprints.of(ids[start : start + BATCH])
            done = min(len(ids), start + BATCH)
            work.progress(_READ_PERCENT * done // len(ids), f"read {done} of {len(ids)}")
        return kept


def _summary(found: Report, submissions: int) -> dict[str, Any]:
    """Return what a report says beside its pairs."""
    problems = []
    for each in found.problems:
        told = asdict(each)
        # Whoever wants to know what was compared finds it by the scope; it may be thousands.
        told["submissions"] = len(each.submissions)
        told["too_short"] = len(each.too_short)
        told["problem_id"] = told.pop("name")
        problems.append(told)
    return {
        "submissions": submissions,
        "pairs": len(found.pairs),
        "threshold": found.threshold,
        "problems": problems,
    }


async def _store(
    session: AsyncSession,
    report_id: UUID,
    found: Report,
    summary: Mapping[str, Any],
    *,
    chosen: Mapping[UUID, Chosen],
    people: People,
) -> None:
    events = sorted({each.event_id for each in chosen.values() if each.event_id is not None})
    await session.execute(
        update(SimilarityReport)
        .where(SimilarityReport.id == report_id)
        .values(summary=dict(summary), event_ids=events, finished_at=func.now())
    )
    rows = []
    for position, pair in enumerate(found.pairs):
        first, second = UUID(pair.first), UUID(pair.second)
        told = asdict(pair)
        for known in ("problem", "first", "second", "score", "chance", "stands_out"):
            del told[known]
        rows.append(
            {
                "report_id": report_id,
                "position": position,
                "problem_id": UUID(pair.problem),
                "first_id": first,
                "second_id": second,
                "score": pair.score,
                "chance": pair.chance,
                "stands_out": pair.stands_out,
                "evidence": {"meaning": pair.meaning, **told},
                "signals": people.signals(chosen[first], chosen[second]),
            }
        )
    if rows:
        await session.execute(insert(SimilarityPair), rows)
