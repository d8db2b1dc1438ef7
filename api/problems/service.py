"""Importing packages: checked, archived, stored as a new version of a problem."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.blobs import BlobStore
from api.db.base import new_id
from api.db.models import Blob, CodeProblem, CodeProblemVersion, Visibility
from api.errors import FieldProblem, ForbiddenError, InvalidError
from api.problems import importing, packing
from judge.errors import PackageError
from judge.problem import Problem, load

PACKAGE_TYPE = "application/zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made; `created` is False when this very version was there already."""

    problem_id: UUID
    slug: str
    version_id: UUID
    number: int
    created: bool


async def import_package(
    session: AsyncSession,
    blobs: BlobStore,
    source: Path,
    *,
    slug: str | None = None,
    owner_id: UUID | None = None,
    visibility: Visibility = Visibility.PUBLIC,
    only_own: bool = False,
) -> Imported:
    """Store a package directory or zip as the current version of a problem.

    Raises `InvalidError` when the package is broken, and with `only_own` `ForbiddenError` when
    the problem is somebody else's. The archive is stored first: a blob without
    a row is rubbish that can be swept up, a row without its blob would be a broken problem.
    """
    problem = await asyncio.to_thread(_load, source)
    name = slug or slug_from(problem.name)
    with tempfile.TemporaryDirectory(prefix="codebattle-import-") as scratch:
        archive = Path(scratch) / "package.zip"
        try:
            await asyncio.to_thread(packing.pack, problem.root, archive)
        except PackageError as error:
            raise InvalidError(str(error), slug="package-invalid") from error
        sha256 = await blobs.put(archive)
        size = archive.stat().st_size
    row = await _problem(session, name, problem, owner_id, visibility)
    if only_own and row.owner_id != owner_id:
        # Looked at under the row's lock: somebody may have taken the slug a moment ago.
        raise ForbiddenError("this problem belongs to somebody else")
    same = await session.scalar(
        select(CodeProblemVersion).where(
            CodeProblemVersion.problem_id == row.id, CodeProblemVersion.package_sha256 == sha256
        )
    )
    if same is not None:
        row.current_version_id = same.id
        return Imported(
            problem_id=row.id, slug=name, version_id=same.id, number=same.number, created=False
        )
    await session.execute(
        insert(Blob)
        .values(sha256=sha256, size_bytes=size, media_type=PACKAGE_TYPE)
        .on_conflict_do_nothing()
    )
    made = await asyncio.to_thread(
        importing.contents, problem, problem_id=row.id, created_by=owner_id
    )
    last = await session.scalar(
        select(func.max(CodeProblemVersion.number)).where(CodeProblemVersion.problem_id == row.id)
    )
    made.version.number = (last or 0) + 1
    made.version.package_sha256 = sha256
    session.add(made.version)
    await session.flush()
    # Rows name each other by id and have no relationships: the order is ours to keep.
    session.add_all(made.groups)
    await session.flush()
    session.add_all(made.cases)
    row.title = made.title
    row.keywords = made.keywords
    row.current_version_id = made.version.id
    await session.flush()
    return Imported(
        problem_id=row.id,
        slug=name,
        version_id=made.version.id,
        number=made.version.number,
        created=True,
    )


def slug_from(name: str) -> str:
    """Return the slug a package's file name asks for; raises `InvalidError`."""
    try:
        return importing.slug_of(name)
    except ValueError as error:
        raise InvalidError(f"give a slug: {error}", slug="package-invalid") from error


async def refuse_taken(session: AsyncSession, slug: str) -> None:
    """Raise `ForbiddenError` when a problem the caller may not see has this slug."""
    if await session.scalar(select(CodeProblem.id).where(CodeProblem.slug == slug)) is not None:
        raise ForbiddenError("this problem belongs to somebody else")


def _load(source: Path) -> Problem:
    try:
        problem = load(source)
    except PackageError as error:
        raise InvalidError(str(error), slug="package-invalid") from error
    if problem.errors:
        found = [FieldProblem(pointer="/package", detail=str(each)) for each in problem.errors]
        raise InvalidError(
            f"the package has {len(found)} errors: {found[0].detail}",
            slug="package-invalid",
            errors=found[:50],
        )
    return problem


async def _problem(
    session: AsyncSession,
    slug: str,
    problem: Problem,
    owner_id: UUID | None,
    visibility: Visibility,
) -> CodeProblem:
    """Return the problem's row, locked so that two imports take turns in numbering."""
    await session.execute(
        insert(CodeProblem)
        .values(
            id=new_id(),
            slug=slug,
            title=problem.title(),
            visibility=visibility,
            owner_id=owner_id,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
    )
    row = await session.scalar(
        select(CodeProblem).where(CodeProblem.slug == slug).with_for_update()
    )
    assert row is not None
    return row
