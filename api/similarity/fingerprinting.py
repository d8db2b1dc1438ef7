"""Fingerprints of judged submissions, made when they are missing, kept in PostgreSQL."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    CodeSubmission,
    Compared,
    Judging,
    SimilarityFingerprint,
    SubmissionFile,
)
from api.logs import logger
from api.similarity.choosing import JUDGED
from api.similarity.templates import Templates
from api.wiring import Parts
from judge.similarity import Fingerprint, fingerprint, vector
from judge.similarity.fingerprints import VERSION

BATCH = 64
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A submission whose fingerprint is kept."""

    id: UUID
    user_id: UUID
    problem_id: UUID
    fingerprint: Fingerprint


class Fingerprints:
    """Reads fingerprints, and makes those that are missing or of another version."""

    def __init__(self, parts: Parts) -> None:
        self._sessions = parts.sessions
        self._templates = Templates(parts)

    async def of(self, ids: Sequence[UUID]) -> list[Kept]:
        """Return the fingerprints of submissions that are there, made where they are missing."""
        found: list[Kept] = []
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            kept = await self.kept(some)
            if len(kept) < len(some):
                known = {each.id for each in kept}
                await self.make([each for each in some if each not in known])
                kept = await self.kept(some)
            found += kept
        return found

    async def kept(self, ids: Sequence[UUID]) -> list[Kept]:
        """Return the fingerprints that are there and can be read."""
        async with self._sessions() as session:
            rows = (
                await session.execute(
                    select(
                        SimilarityFingerprint.submission_id,
                        SimilarityFingerprint.problem_id,
                        SimilarityFingerprint.content,
                        CodeSubmission.user_id,
                    )
                    .join(CodeSubmission, CodeSubmission.id == SimilarityFingerprint.submission_id)
                    .where(
                        SimilarityFingerprint.submission_id.in_(ids),
                        SimilarityFingerprint.version == VERSION,
                    )
                    .order_by(SimilarityFingerprint.submission_id)
                )
            ).all()
        return await asyncio.to_thread(_read, rows)

    async def missing(self, limit: int) -> list[UUID]:
        """Return judged submissions that have none, the oldest first."""
        async with self._sessions() as session:
            rows = await session.scalars(
                select(CodeSubmission.id)
                .join(Judging, Judging.submission_id == CodeSubmission.id)
                .outerjoin(
                    SimilarityFingerprint, SimilarityFingerprint.submission_id == CodeSubmission.id
                )
                .where(
                    *JUDGED,
                    or_(
                        SimilarityFingerprint.submission_id.is_(None),
                        SimilarityFingerprint.version != VERSION,
                    ),
                )
                .order_by(CodeSubmission.id)
                .limit(limit)
            )
            return list(rows)

    async def uncompared(
        self, limit: int, *, after: UUID | None, also: Collection[Compared] = ()
    ) -> list[UUID]:
        """Return submissions that were compared with nothing, or `also` with no more than that."""
        found = select(SimilarityFingerprint.submission_id).where(
            SimilarityFingerprint.compared.in_([Compared.NOTHING, *also]),
            # The words of the index, so that it is used.
            SimilarityFingerprint.compared != Compared.ALL,
        )
        if after is not None:
            found = found.where(SimilarityFingerprint.submission_id > after)
        async with self._sessions() as session:
            rows = await session.scalars(
                found.order_by(SimilarityFingerprint.submission_id).limit(limit)
            )
            return list(rows)

    async def note(self, ids: Collection[UUID], compared: Compared) -> None:
        """Note with what submissions were compared."""
        async with self._sessions() as session:
            await session.execute(
                update(SimilarityFingerprint)
                .where(SimilarityFingerprint.submission_id.in_(ids))
                .values(compared=compared)
            )
            await session.commit()

    async def make(self, ids: Sequence[UUID]) -> int:
        """Make the fingerprints of submissions, and return of how many."""
        async with self._sessions() as session:
            submissions = list(
                await session.scalars(select(CodeSubmission).where(CodeSubmission.id.in_(ids)))
            )
            files = await sources(session, [each.id for each in submissions])
        rows = []
        for each in submissions:
            given = await self._templates.of(each.version_id, each.language)
            rows.append(await asyncio.to_thread(_made, each, files.get(each.id, {}), given))
        async with self._sessions() as session:
            for row in rows:
                await session.execute(
                    insert(SimilarityFingerprint)
                    .values(**row)
                    .on_conflict_do_update(
                        index_elements=["submission_id"],
                        set_={**row, "made_at": func.now(), "compared": Compared.NOTHING},
                    )
                )
            await session.commit()
        return len(rows)


async def sources(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, dict[str, bytes]]:
    """Return the files of submissions by name."""
    found: dict[UUID, dict[str, bytes]] = {}
    rows = await session.scalars(
        select(SubmissionFile).where(SubmissionFile.submission_id.in_(ids))
    )
    for row in rows:
        found.setdefault(row.submission_id, {})[row.name] = bytes(row.content)
    return found


def _made(
    submission: CodeSubmission, files: Mapping[str, bytes], given: Sequence[bytes]
) -> dict[str, Any]:
    one = fingerprint(files, submission.language, template=given)
    return {
        "submission_id": submission.id,
        "problem_id": submission.problem_id,
        "family": one.family,
        "own_tokens": one.own_tokens,
        "too_short": one.too_short,
        "version": VERSION,
        "content": one.to_bytes(),
        "vector": vector(one).astype("<f4").tobytes(),
    }


def _read(rows: Sequence[Any]) -> list[Kept]:
    """Read what is stored; what is damaged is as if it were missing, and is made anew."""
    found = []
    for row in rows:
        try:
            one = Fingerprint.from_bytes(row.content)
        except ValueError as error:
            _log.warning("similarity.damaged", id=str(row.submission_id), error=str(error))
            continue
        found.append(
            Kept(
                id=row.submission_id,
                user_id=row.user_id,
                problem_id=row.problem_id,
                fingerprint=one,
            )
        )
    return found
