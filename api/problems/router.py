"""`/v1/problems`."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response, UploadFile

from api import paging, redaction
from api.auth import Role, Scope
from api.db.models import Visibility
from api.deps import MaybeReaderDep, PartsDep, SessionDep, UserDep
from api.documented import located
from api.errors import BadRequestError, ForbiddenError, InvalidError
from api.jobs import service as jobs
from api.jobs.schemas import JobAccepted
from api.problems import queries, schemas, service, uploads

router = APIRouter(prefix="/problems", tags=["problems"])
Search = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]
Slug = Annotated[str | None, Form(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Verify = Annotated[
    bool, Form(description="Try its data and submissions; only game masters may leave that out.")
]


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


@router.get("/{problem}/versions")
async def list_problem_versions(
    problem: str,
    session: SessionDep,
    user: UserDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.ProblemVersionPage:
    """List a problem's versions, latest first, to its author and game masters."""
    user.need_scope(Scope.READ)
    row, _ = await queries.one(session, user, problem)
    if redaction.audience(user, None, author_id=row.owner_id) is not redaction.Audience.JURY:
        raise ForbiddenError("only the jury of this problem sees its versions")
    found = await queries.versions(session, row.id, before=_before(cursor), limit=limit + 1)
    shown = found[:limit]
    return schemas.ProblemVersionPage(
        items=[schemas.version(row, each) for each in shown],
        next_cursor=paging.encode(str(shown[-1].number)) if len(found) > limit else None,
    )


@router.post("", status_code=202, responses=located(202))
async def import_problem(
    package: UploadFile,
    session: SessionDep,
    parts: PartsDep,
    user: UserDep,
    response: Response,
    slug: Slug = None,
    visibility: Annotated[Visibility, Form()] = Visibility.HIDDEN,
    verify: Verify = True,  # noqa: FBT002 - a field of a form
) -> JobAccepted:
    """Import a package (zip or kpp), in a job, as a new problem or a new version of one's own."""
    user.need(Role.AUTHOR)
    user.need_scope(Scope.WRITE)
    name = Path(package.filename or "package.zip").name
    suffix = Path(name).suffix.lower()
    if suffix not in {".zip", ".kpp"}:
        raise InvalidError("send a .zip or a .kpp", slug="package-invalid")
    wanted = slug or service.slug_from(Path(name).stem)
    with tempfile.TemporaryDirectory(prefix="codebattle-upload-") as scratch:
        path = Path(scratch) / f"package{suffix}"
        with path.open("wb") as out:
            await asyncio.to_thread(shutil.copyfileobj, package.file, out)
        job = await uploads.take(
            session, parts, user, path, slug=wanted, visibility=visibility, verify=verify
        )
    response.headers["Location"] = jobs.url(job.id)
    return jobs.begun(parts, job)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (last,) = paging.decode(cursor)
    if not last.isdecimal() or not last.isascii() or len(last) > 9:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return int(last)
