"""The job that imports a package: unpacked, tried, packed anew, stored as a version.

All files are in a directory of the job's own that goes with it. Rows are written by `store`, in
the transaction that ends the job: an import that lost its lease leaves at most an archive, which
is swept up later.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import Job
from api.errors import InvalidError
from api.jobs.running import Finished, Work
from api.problems import archives, importing, schemas, service, verification
from api.problems.importing import Contents, TimeLimit
from api.problems.uploads import Asked
from api.problems.verification import Report
from api.wiring import Parts
from judge.errors import PackageError
from judge.judging import Judge
from judge.problem import Problem, archive

T = TypeVar("T")


class ImportJob:
    """Imports on one worker's sandbox."""

    def __init__(self, parts: Parts, judge: Judge) -> None:
        self._parts = parts
        self._judge = judge

    async def __call__(self, work: Work) -> Finished:
        """Import what was uploaded; what is wrong with a package fails the job, with a reason."""
        asked = Asked.model_validate(work.payload)
        scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="codebattle-import-"))
        try:
            return await self._imported(work, asked, scratch)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _imported(self, work: Work, asked: Asked, scratch: Path) -> Finished:
        work.progress(0, "unpacking")
        upload = scratch / "upload.zip"
        await archives.fetched(self._parts.blobs, asked.sha256, upload)
        problem = await _whole(lambda: _opened(upload, scratch / asked.slug))
        report = Report(limit=TimeLimit.untried(problem))
        if asked.verify:
            report = await verification.verify(self._judge, problem, work.progress)
        refusal = report.refusal()
        if refusal is not None:
            return Finished(error=refusal)
        work.progress(95, "packing")
        made = await _whole(lambda: _packed(problem, report, asked, scratch / "package.zip"))
        async with self._parts.sessions() as session:
            await archives.keep(
                session,
                self._parts.blobs,
                scratch / "package.zip",
                made.version.package_sha256,
            )
            await session.commit()

        async def store(session: AsyncSession) -> dict[str, Any]:
            return await _stored(session, work, asked, made, report)

        return Finished(store=store)


async def _stored(
    session: AsyncSession, work: Work, asked: Asked, made: Contents, report: Report
) -> dict[str, Any]:
    job = await session.get_one(Job, work.job_id)
    place = service.Place(
        slug=asked.slug,
        owner_id=asked.owner_id,
        visibility=asked.visibility,
        only_own=asked.only_own,
    )
    imported = await service.add_version(session, made, place, uploaded_at=job.created_at)
    audit.record(
        session,
        CurrentUser(id=asked.owner_id),
        "problem.created" if imported.new_problem else "problem.edited",
        subject=("problem", imported.problem_id),
        detail={
            "slug": imported.slug,
            "version": imported.number,
            "current": imported.current,
            "verified": report.limit.verified,
        },
    )
    result = schemas.ImportResult(
        problem_id=imported.problem_id,
        slug=imported.slug,
        version_id=imported.version_id,
        version=imported.number,
        created=imported.created,
        current=imported.current,
        verified=report.limit.verified,
        time_limit=schemas.TimeLimit(
            cpu_ms=report.limit.cpu_ms, source=report.limit.source, note=report.note
        ),
        findings=[schemas.Finding.model_validate(each) for each in made.version.findings],
        submissions=report.table(),
    )
    return result.model_dump(mode="json")


def _opened(upload: Path, target: Path) -> Problem:
    """Unpack and read a package; raises `InvalidError` for one that is broken."""
    try:
        unpacked = archive.unpack(upload)
    except PackageError as error:
        raise InvalidError(str(error), slug="package-invalid") from error
    try:
        shutil.move(archive.package_root(unpacked), target)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return service.loaded(target)


def _packed(problem: Problem, report: Report, asked: Asked, target: Path) -> Contents:
    made = importing.contents(problem, report.limit, created_by=asked.owner_id)
    made.version.package_sha256 = service.packed(problem, target)
    return made


async def _whole(act: Callable[[], T]) -> T:
    """Do something in a thread. Who cancels waits for its end: it works in a directory of ours."""
    thread = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise
