"""Packages stored as versions of problems: loaded, packed, numbered, made current."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.blobs import BlobStore
from api.db.base import new_id
from api.db.models import CodeProblem, CodeProblemVersion, Visibility
from api.errors import FieldProblem, ForbiddenError, InvalidError
from api.problems import archives, importing, packing
from api.problems.importing import Contents, TimeLimit
from judge.errors import PackageError
from judge.problem import Problem, load

ERRORS_MAX = 50
_UPLOADED = "uploaded_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made; `created` is False when this very version was there already."""

    problem_id: UUID
    slug: str
    version_id: UUID
    number: int
    created: bool
    # False when a newer upload was quicker.
    current: bool = True
    new_problem: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a version goes: the problem's slug, and what it is to be if it is new."""

    slug: str
    owner_id: UUID | None = None
    visibility: Visibility = Visibility.PUBLIC
    # Refuse when the problem is somebody else's.
    only_own: bool = False


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
    """Store a package directory or zip, unverified, as the current version of a problem.

    Raises `InvalidError` when the package is broken, and with `only_own` `ForbiddenError` when
    the problem is somebody else's.
    """
    problem = await asyncio.to_thread(loaded, source)
    place = Place(
        slug=slug or slug_from(problem.name),
        owner_id=owner_id,
        visibility=visibility,
        only_own=only_own,
    )
    made = await asyncio.to_thread(
        importing.contents, problem, TimeLimit.untried(problem), created_by=owner_id
    )
    with tempfile.TemporaryDirectory(prefix="codebattle-import-") as scratch:
        archive = Path(scratch) / "package.zip"
        made.version.package_sha256 = await asyncio.to_thread(packed, problem, archive)
        await archives.keep(session, blobs, archive, made.version.package_sha256)
    return await add_version(session, made, place)


def packed(problem: Problem, target: Path) -> str:
    """Write the canonical archive of a package and return its SHA-256; may raise `InvalidError`."""
    try:
        packing.pack(problem.root, target)
    except PackageError as error:
        raise InvalidError(str(error), slug="package-invalid") from error
    return archives.sha256_of(target)


async def add_version(
    session: AsyncSession, made: Contents, place: Place, *, uploaded_at: datetime | None = None
) -> Imported:
    """Store a version whose archive is stored; the caller commits. Raises `ForbiddenError`.

    It is made current unless what is current was uploaded after `uploaded_at`.
    """
    row, new = await _problem(session, made, place)
    if place.only_own and row.owner_id != place.owner_id:
        # Looked at under the row's lock: somebody may have taken the slug a moment ago.
        raise ForbiddenError("this problem belongs to somebody else")
    version = await _same(session, row.id, made.version)
    created = version is None
    if version is None:
        version = made.version
        last = await session.scalar(
            select(func.max(CodeProblemVersion.number)).where(
                CodeProblemVersion.problem_id == row.id
            )
        )
        version.problem_id = row.id
        version.number = (last or 0) + 1
        session.add(version)
        await session.flush()
        # Rows name each other by id and have no relationships: the order is ours to keep.
        session.add_all(made.groups)
        await session.flush()
        session.add_all(made.cases)
    elif made.version.extra["verified"]:
        version.extra = version.extra | {"verified": True}
    at = uploaded_at or await session.scalar(select(func.now()))
    assert at is not None
    known = row.extra.get(_UPLOADED)
    current = known is None or datetime.fromisoformat(known) <= at
    if current:
        row.title = made.title
        row.keywords = made.keywords
        row.current_version_id = version.id
        row.extra = row.extra | {_UPLOADED: at.isoformat()}
    await session.flush()
    return Imported(
        problem_id=row.id,
        slug=place.slug,
        version_id=version.id,
        number=version.number,
        created=created,
        current=current,
        new_problem=new,
    )


async def _same(
    session: AsyncSession, problem_id: UUID, version: CodeProblemVersion
) -> CodeProblemVersion | None:
    """Return the version with the same archive, unless its time limit was never worked out."""
    found = await session.scalar(
        select(CodeProblemVersion)
        .where(
            CodeProblemVersion.problem_id == problem_id,
            CodeProblemVersion.package_sha256 == version.package_sha256,
        )
        .order_by(CodeProblemVersion.number.desc())
        .limit(1)
    )
    if found is None or not version.extra["verified"] or found.extra.get("verified"):
        return found
    return None if found.cpu_ms != version.cpu_ms else found


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


def loaded(source: Path) -> Problem:
    """Read a package; raises `InvalidError` for one that is broken."""
    try:
        problem = load(source)
    except PackageError as error:
        raise InvalidError(str(error), slug="package-invalid") from error
    if problem.errors:
        found = [
            FieldProblem(pointer=f"/{each.file}/{each.key}".rstrip("/") or "/", detail=each.message)
            for each in problem.errors
        ]
        raise InvalidError(
            f"the package has {len(found)} errors: {problem.errors[0]}",
            slug="package-invalid",
            errors=found[:ERRORS_MAX],
        )
    return problem


async def _problem(session: AsyncSession, made: Contents, place: Place) -> tuple[CodeProblem, bool]:
    """Return the problem's row, locked so that two imports take turns, and whether it is new."""
    added = await session.scalar(
        insert(CodeProblem)
        .values(
            id=new_id(),
            slug=place.slug,
            title=made.title,
            visibility=place.visibility,
            owner_id=place.owner_id,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(CodeProblem.id)
    )
    row = await session.scalar(
        select(CodeProblem).where(CodeProblem.slug == place.slug).with_for_update()
    )
    assert row is not None
    return row, added is not None
