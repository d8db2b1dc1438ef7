"""`/v1/problems`."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response, UploadFile

from api import paging
from api.auth import Role, Scope
from api.db.models import Visibility
from api.deps import MaybeReaderDep, PartsDep, SessionDep, UserDep
from api.documented import located
from api.errors import ForbiddenError, InvalidError, NotFoundError
from api.problems import queries, schemas, service

router = APIRouter(prefix="/problems", tags=["problems"])
Search = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]
Slug = Annotated[str | None, Form(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


@router.get("")
async def list_problems(
    session: SessionDep,
    user: MaybeReaderDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    search: Search = None,
    keyword: Search = None,
) -> schemas.ProblemPage:
    """List problems by slug."""
    after = paging.decode(cursor)[0] if cursor else None
    rows = await queries.page(
        session, user, after=after, limit=limit + 1, search=search, keyword=keyword
    )
    shown = rows[:limit]
    return schemas.ProblemPage(
        items=[schemas.summary(*row) for row in shown],
        next_cursor=paging.encode(shown[-1][0].slug) if len(rows) > limit else None,
    )


@router.get("/{problem}")
async def get_problem(
    problem: str, session: SessionDep, user: MaybeReaderDep
) -> schemas.ProblemDetail:
    """Return a problem with its statements, by slug or id."""
    return schemas.detail(*await queries.one(session, user, problem))


@router.get("/{problem}/samples")
async def get_samples(problem: str, session: SessionDep, user: MaybeReaderDep) -> schemas.Samples:
    """Return the samples as the statement shows them."""
    _, version = await queries.one(session, user, problem)
    return schemas.Samples(items=[schemas.Sample.model_validate(each) for each in version.samples])


@router.post("", status_code=201, responses=located(201))
async def import_problem(
    package: UploadFile,
    session: SessionDep,
    parts: PartsDep,
    user: UserDep,
    response: Response,
    slug: Slug = None,
    visibility: Annotated[Visibility, Form()] = Visibility.HIDDEN,
) -> schemas.ImportedProblem:
    """Import a package (zip or kpp) as a new problem, or as a new version of one's own."""
    user.need(Role.AUTHOR)
    user.need_scope(Scope.WRITE)
    name = Path(package.filename or "package.zip").name
    if Path(name).suffix.lower() not in {".zip", ".kpp"}:
        raise InvalidError("send a .zip or a .kpp", slug="package-invalid")
    with tempfile.TemporaryDirectory(prefix="codebattle-upload-") as scratch:
        path = Path(scratch) / f"package{Path(name).suffix.lower()}"
        with path.open("wb") as out:
            await asyncio.to_thread(shutil.copyfileobj, package.file, out)
        wanted = slug or service.slug_from(Path(name).stem)
        try:
            known, _ = await queries.one(session, user, wanted)
        except NotFoundError:
            await service.refuse_taken(session, wanted)
        else:
            if known.owner_id != user.id and not user.has():
                raise ForbiddenError("this problem belongs to somebody else")
        # Gives the connection back: a package may take long to read.
        await session.commit()
        made = await service.import_package(
            session,
            parts.blobs,
            path,
            slug=wanted,
            owner_id=user.id,
            visibility=visibility,
            only_own=not user.has(),
        )
    response.headers["Location"] = f"/v1/problems/{made.slug}"
    return schemas.ImportedProblem(
        id=made.problem_id,
        slug=made.slug,
        version_id=made.version_id,
        version=made.number,
        created=made.created,
    )
