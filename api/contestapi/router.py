"""`/v1/clics/api/`: the Contest API. The base is as clients want it: theirs add `contests/…`."""

# ruff: noqa: FAST003 - `viewed` takes the contest out of the path
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api import clocks, redaction
from api.auth import Scope
from api.contestapi import configured, epochs, happening, objects, submitting, viewing
from api.contestapi.answering import ContestRoute
from api.contestapi.boards import Scoreboards
from api.contestapi.calling import Asking, Caller, KnownCaller
from api.contestapi.feeding import Feeds
from api.contestapi.kinds import COLLECTIONS, FILTERS, Kind, Side
from api.contestapi.reading import Position
from api.contestapi.streaming import MEDIA_TYPE, FeedResponse, Reader
from api.contestapi.submitting import NewContestSubmission
from api.contestapi.viewing import View
from api.deps import PartsDep, SessionDep, address
from api.documented import Responses, located, problems
from api.errors import BadRequestError, NotFoundError
from api.submissions import queries
from api.submissions.desk import Desk
from api.submissions.router import desk

VERSION = "2023-06"
VERSION_URL = f"https://ccs-specs.icpc.io/{VERSION}/contest_api"
# It reads a property of its own off contests, and gives up without.
SUBMIT_CLIENT = "domjudge-submit-client"
router = APIRouter(prefix="/clics/api", tags=["clics"], route_class=ContestRoute)
Object = dict[str, Any]
Flag = Annotated[bool, Query(description="Without it the feed ends with what there is.")]
Token = Annotated[str | None, Query(max_length=100, description="The last token that was seen.")]
Collection = Annotated[
    str,
    Path(
        max_length=64,
        description="A type of object.",
        json_schema_extra={"enum": [*COLLECTIONS, "accounts"]},
    ),
]
ObjectId = Annotated[str, Path(max_length=64)]
_OBJECT: Object = {"type": "object", "required": ["id"], "additionalProperties": True}
_ARRAY: Responses = {
    200: {
        "description": "The objects, each with the properties that `access` lists.",
        "content": {"application/json": {"schema": {"type": "array", "items": _OBJECT}}},
    }
}
_BOARD: Responses = {
    200: {
        "description": "The scoreboard.",
        "content": {
            "application/json": {"schema": {"type": "object", "additionalProperties": True}}
        },
    }
}
_FEED: Responses = {
    200: {
        "description": "One notification a line, and an empty line now and then.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
_ZIP: Responses = {
    200: {
        "description": "The source files.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_FORM = {
    "type": "object",
    "required": ["problem", "language", "code[]"],
    "properties": {
        **{name: {"type": "string"} for name in ("problem", "language", "entry_point")},
        "code[]": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
}


class ZipResponse(Response):
    """An archive."""

    media_type = submitting.ZIP


async def viewed(contest_id: ObjectId, session: SessionDep, user: Caller) -> View:
    """Return the contest a request names, as its caller sees it."""
    return await viewing.seen(session, contest_id, user)


async def feeds(request: Request) -> Feeds:
    """Return the feeds of this application."""
    found: Feeds = request.app.state.feeds
    return found


async def scoreboards(request: Request) -> Scoreboards:
    """Return the scoreboards of this application."""
    found: Scoreboards = request.app.state.scoreboards
    return found


Viewed = Annotated[View, Depends(viewed)]


@router.get("")
@router.get("/", include_in_schema=False)
async def get_contest_api() -> Object:
    """Say which version of the specification this is."""
    return {
        "version": VERSION,
        "version_url": VERSION_URL,
        "provider": {"name": "codebattle", "version": version("codebattle")},
    }


@router.get("/contests", responses=_ARRAY)
async def list_contests(session: SessionDep, user: Caller, request: Request) -> list[Object]:
    """List the contests: events from their approval on."""
    shown = []
    now = await clocks.now(session)
    for event in await viewing.listed(session):
        of = viewing.Contest(event=event, tasks=(), now=now)
        shown.append(_for(request, configured.contest(of)))
    del user
    return shown


@router.get("/contests/{contest_id}")
async def get_contest(view: Viewed, request: Request) -> Object:
    """Return a contest."""
    return _for(request, configured.contest(view.contest))


@router.get("/contests/{contest_id}/access")
async def get_contest_access(view: Viewed) -> Object:
    """Say what the caller may read and do."""
    offered = objects.offered(view)
    return {
        "capabilities": ["team_submit"] if view.side is Side.TEAM else [],
        "endpoints": [{"type": kind, "properties": names} for kind, names in offered.items()],
    }


@router.get("/contests/{contest_id}/state")
async def get_contest_state(view: Viewed) -> Object:
    """Return which moments of a contest's life are past."""
    return configured.state(view.contest)


@router.get("/contests/{contest_id}/account", responses=problems(404))
async def get_contest_account(view: Viewed) -> Object:
    """Return the account of the caller, as far as it is one of this contest."""
    found = configured.account(view)
    if found is None:
        raise NotFoundError("you have no account in this contest", slug="event-not-found")
    return found


@router.get("/contests/{contest_id}/scoreboard", responses=_BOARD)
async def get_contest_scoreboard(
    view: Viewed,
    held: Annotated[Scoreboards, Depends(scoreboards)],
    group_id: Annotated[str | None, Query(max_length=36, description="One room's.")] = None,
) -> Response:
    """Return the scoreboard that the caller may see."""
    return Response(await held.get(view, group_id), media_type="application/json")


@router.get(
    "/contests/{contest_id}/event-feed",
    status_code=200,
    response_class=FeedResponse,
    responses=_FEED | problems(400, 429),
)
async def follow_contest(
    contest_id: ObjectId,
    request: Request,
    parts: PartsDep,
    who: Asking,
    at: Annotated[Feeds, Depends(feeds)],
    *,
    stream: Flag = True,
    since_token: Token = None,
) -> Response:
    """Follow a contest: all there is, then every change, until the client leaves."""
    if "since_id" in request.query_params:
        raise BadRequestError("since_id was of an older version: use since_token", slug="bad-token")

    async def look() -> View:
        user = await who()
        async with parts.sessions() as session:
            return await viewing.seen(session, contest_id, user)

    view = await look()
    event_id = view.contest.event.id
    position = None
    if since_token is not None:
        now = await epochs.entered(parts.sessions, event_id)
        position = Position.parse(since_token, view.side, now)
    async with AsyncExitStack() as stack:
        reader = str(view.user.id) if view.user is not None else address(request)
        followed = await stack.enter_async_context(at.follow(event_id, reader))
        one = Reader(parts.sessions, view, position, recheck=look, ending=lambda: at.ending)
        look_first = partial(at.look, followed, anew=not stream)
        chunks = one.chunks(followed, look_first, stream=stream)
        return FeedResponse(chunks, stack.pop_all().aclose)


@router.post(
    "/contests/{contest_id}/submissions",
    status_code=201,
    responses=located(201) | problems(403, 404, 409, 413, 415, 422, 429),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": NewContestSubmission.model_json_schema()},
                "multipart/form-data": {"schema": _FORM},
            },
        }
    },
)
async def submit_to_contest(
    contest_id: ObjectId,
    request: Request,
    response: Response,
    parts: PartsDep,
    user: KnownCaller,
    at: Annotated[Desk, Depends(desk)],
) -> Object:
    """Hand in a submission for one's own team."""
    user.need_scope(Scope.SUBMIT)
    async with parts.sessions() as session:
        view = await viewing.seen(session, contest_id, user)
    new = await submitting.read(request, view, source_bytes_max=parts.settings.source_bytes_max)
    taken = await at.take(
        user, new, key=None, request_id=request.state.request_id, peer=address(request)
    )
    async with parts.sessions() as session:
        (shown,) = await happening.submissions(session, view, [taken.id])
    response.headers["Location"] = submitting.location(view, taken.id)
    return shown


@router.get(
    "/contests/{contest_id}/submissions/{submission_id}/files",
    status_code=200,
    response_class=ZipResponse,
    responses=_ZIP,
)
async def get_contest_submission_files(
    view: Viewed, session: SessionDep, submission_id: UUID
) -> Response:
    """Return a submission's files, to its team and the jury."""
    found = await happening.one(session, view.contest, submission_id)
    if found is None or not redaction.may_see_source(
        view.who(found.entry_id), view.contest.phase(found.submitted_at)
    ):
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    content = submitting.packed(await queries.source(session, submission_id))
    return ZipResponse(
        content,
        headers={"Content-Disposition": f'attachment; filename="{submission_id}.zip"'},
    )


@router.get("/contests/{contest_id}/{collection}", responses=_ARRAY)
async def list_contest_objects(
    view: Viewed, collection: Collection, request: Request, parts: PartsDep
) -> Response:
    """List the objects of a type, or with `?team_id=` and the like those that belong to one."""
    if collection == "accounts" and (own := configured.account(view)) is not None:
        return JSONResponse([own])
    kind = _kind(view, collection)
    wanted = {
        name: request.query_params[name]
        for name in FILTERS.get(kind, ())
        if name in request.query_params
    }
    if kind in objects.PAGED:
        return StreamingResponse(_array(parts, view, kind, wanted), media_type="application/json")
    async with parts.sessions() as session:
        found = await objects.some(session, view, kind)
    return JSONResponse([each for each in found if objects.matches(each, wanted)])


@router.get("/contests/{contest_id}/{collection}/{object_id}")
async def get_contest_object(
    view: Viewed, collection: Collection, object_id: ObjectId, session: SessionDep
) -> Object:
    """Return one object."""
    if collection == "accounts":
        own = configured.account(view)
        found = [own] if own is not None and own["id"] == object_id else []
    else:
        found = await objects.some(session, view, _kind(view, collection), [object_id])
    if not found:
        raise NotFoundError("there is no such object", slug="not-found")
    return found[0]


def _kind(view: View, collection: str) -> Kind:
    """Return the kind of a collection that is offered to somebody."""
    if collection not in COLLECTIONS or collection not in objects.offered(view):
        raise NotFoundError("there is no such endpoint for you", slug="not-found")
    return Kind(collection)


async def _array(
    parts: PartsDep, view: View, kind: Kind, wanted: dict[str, str]
) -> AsyncIterator[bytes]:
    """Write an array page by page."""
    about = None
    for name in ("submission_id", "judgement_id"):
        if name in wanted:
            about = _uuid(wanted[name])
            if about is None:
                yield b"[]"
                return
    first = True
    yield b"["
    async for page in objects.pages(parts.sessions, view, kind, about):
        lines = [
            json.dumps(each, separators=(",", ":"), ensure_ascii=False)
            for each in page
            if objects.matches(each, wanted)
        ]
        if lines:
            yield ((b"" if first else b",") + ",".join(lines).encode())
            first = False
    yield b"]"


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _for(request: Request, contest: Object) -> Object:
    """Return a contest with what one client needs beyond the specification."""
    if request.headers.get("user-agent", "").startswith(SUBMIT_CLIENT):
        return contest | {"shortname": contest["id"]}
    return contest
