"""Uploaded packages: glanced at, kept in the blob store, queued to be imported by a worker."""

import asyncio
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser
from api.db.base import is_id
from api.db.models import Job, Visibility
from api.errors import ForbiddenError, InvalidError, NotFoundError
from api.jobs import service as jobs
from api.problems import archives, queries, service
from api.wiring import Parts
from judge.errors import PackageError
from judge.problem import archive


class Asked(BaseModel):
    """What a job that imports was asked; kept as its payload."""

    sha256: str
    slug: str
    owner_id: UUID
    visibility: Visibility
    only_own: bool
    verify: bool


async def take(
    session: AsyncSession,
    parts: Parts,
    user: CurrentUser,
    upload: Path,
    *,
    slug: str,
    visibility: Visibility,
    verify: bool,
) -> Job:
    """Queue the import of a package; commits. Refuses at once what needs no look inside.

    The job and the archive it needs are stored in one transaction.
    """
    if not verify and not user.has():
        raise ForbiddenError("only game masters may import what is not verified")
    if is_id(slug):
        raise InvalidError("slug: it is no UUID", slug="package-invalid")
    await _refuse_somebody_elses(session, user, slug)
    # Gives the connection back: an upload may take long to read.
    await session.commit()
    try:
        await asyncio.to_thread(archive.glance, upload)
    except PackageError as error:
        raise InvalidError(str(error), slug="package-invalid") from error
    asked = Asked(
        sha256=await asyncio.to_thread(archives.sha256_of, upload),
        slug=slug,
        owner_id=user.id,
        visibility=visibility,
        only_own=not user.has(),
        verify=verify,
    )
    job = await jobs.enqueue(
        session,
        parts.settings,
        archives.IMPORT,
        asked.model_dump(mode="json"),
        owner_id=user.id,
    )
    await archives.keep(session, parts.blobs, upload, asked.sha256)
    await session.commit()
    return job


async def _refuse_somebody_elses(session: AsyncSession, user: CurrentUser, slug: str) -> None:
    try:
        known, _ = await queries.one(session, user, slug)
    except NotFoundError:
        await service.refuse_taken(session, slug)
    else:
        if known.owner_id != user.id and not user.has():
            raise ForbiddenError("this problem belongs to somebody else")
