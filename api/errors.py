"""Every error a client can see, drawn once, and the form all of them take (RFC 9457).

ApiError                       base: status, type, title; the detail is one line for a person
 ├─ BadRequestError        400 the request contradicts itself
 ├─ UnauthenticatedError   401 no token, or one that does not hold
 ├─ ForbiddenError         403 known, but not allowed
 ├─ NotFoundError          404 no such thing, or none that this caller may know of
 ├─ ConflictError          409 it is there already, or changed meanwhile
 ├─ TooLargeError          413 body, source or package over its bound
 ├─ MediaTypeError         415 the body is not of a type that is read here
 ├─ InvalidError           422 well-formed, but not acceptable
 ├─ TooManyError           429 a rate or a quota is used up; says when to come back
 └─ UnavailableError       503 the queue is full or a part is down; says when to come back

What the framework raises takes the same form, and so does a bug (500, with the request's id).
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from api.logs import logger

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:codebattle:error:"
_log = logger(__name__)


class FieldProblem(BaseModel):
    """One thing that is wrong with the request, and where."""

    pointer: str
    detail: str


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 draws it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    request_id: str = ""
    errors: list[FieldProblem] | None = None


class ApiError(Exception):
    """Base of every error a client is told of."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    slug: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        slug: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldProblem] = (),
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.type = TYPE_PREFIX + (slug or self.slug)
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.extra = extra


class BadRequestError(ApiError):
    """The request contradicts itself."""

    status = HTTPStatus.BAD_REQUEST
    slug = "bad-request"


class UnauthenticatedError(ApiError):
    """There is no token, or it does not hold."""

    status = HTTPStatus.UNAUTHORIZED
    slug = "unauthenticated"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"}, **extra)


class ForbiddenError(ApiError):
    """The caller is known, but not allowed."""

    status = HTTPStatus.FORBIDDEN
    slug = "forbidden"


class NotFoundError(ApiError):
    """There is no such thing, or none this caller may know of."""

    status = HTTPStatus.NOT_FOUND
    slug = "not-found"


class ConflictError(ApiError):
    """It is there already, or it changed meanwhile."""

    status = HTTPStatus.CONFLICT
    slug = "conflict"


class TooLargeError(ApiError):
    """A body, source or package is over its bound."""

    status = (
        HTTPStatus.CONTENT_TOO_LARGE
        if hasattr(HTTPStatus, "CONTENT_TOO_LARGE")
        else (HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    )
    slug = "too-large"


class MediaTypeError(ApiError):
    """The body is not of a type that is read here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"


class InvalidError(ApiError):
    """The request is well-formed, but not acceptable."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid"


class _LaterError(ApiError):
    """Come back later; `Retry-After` says when."""

    def __init__(self, detail: str, *, retry_after_s: float, **extra: Any) -> None:
        seconds = max(1, round(retry_after_s))
        super().__init__(detail, headers={"Retry-After": str(seconds)}, **extra)
        self.extra["retry_after_s"] = seconds


class TooManyError(_LaterError):
    """A rate or a quota is used up."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "too-many"


class UnavailableError(_LaterError):
    """The queue is full, or a part of the service is down."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "unavailable"


# What the framework raises is called as our own of the same status.
OF_STATUS: Mapping[int, type[ApiError]] = {
    int(kind.status): kind
    for kind in (
        BadRequestError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        TooLargeError,
        MediaTypeError,
        InvalidError,
        TooManyError,
        UnavailableError,
    )
}


def details(error: ApiError, *, instance: str, request_id: str = "") -> dict[str, Any]:
    """Return an error as problem details, for where it is kept instead of answered."""
    problem = ProblemDetails(
        type=error.type,
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        instance=instance,
        request_id=request_id,
        errors=error.errors or None,
        **error.extra,
    )
    return problem.model_dump(mode="json", exclude_none=True)


def respond(
    request: Request,
    status: int,
    *,
    kind: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldProblem] = (),
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Build the one form of an error."""
    problem = ProblemDetails(
        type=kind,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        errors=list(errors) or None,
        **(extra or {}),
    )
    return JSONResponse(
        problem.model_dump(mode="json", exclude_none=True),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


async def _api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return respond(
        request,
        error.status,
        kind=error.type,
        detail=error.detail,
        headers=error.headers,
        errors=error.errors,
        extra=error.extra,
    )


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    known = OF_STATUS.get(status)
    slug = known.slug if known else status.phrase.lower().replace(" ", "-")
    detail = error.detail if error.detail != status.phrase else ""
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return respond(request, status, kind=TYPE_PREFIX + slug, detail=detail, headers=headers)


def _methods(request: Request) -> set[str]:
    """Return what may be done at a path; the framework names the first endpoint's methods only."""
    path = request.url.path
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path_regex is not None and route.path_regex.match(path):
            found |= route.methods or set()
    return found


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return await _api_error(request, invalid(request, error))


def invalid(request: Request, error: RequestValidationError) -> ApiError:
    """Return what the framework found wrong with a request, as an error of ours."""
    found = list(error.errors())
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    in_body = any(each["loc"][:1] == ("body",) for each in found)
    if in_body and media and not media.endswith("json") and not media.startswith("multipart/"):
        return MediaTypeError(f"{media}: send application/json")
    # The value that was wrong is not repeated: it may be a secret, and it may be long.
    problems = [FieldProblem(pointer=_pointer(each["loc"]), detail=each["msg"]) for each in found]
    detail = "; ".join(f"{each.pointer}: {each.detail}" for each in problems[:3])
    return InvalidError(detail, errors=problems)


def _pointer(location: Sequence[str | int]) -> str:
    return "/" + "/".join(str(part) for part in location)


async def _away(request: Request, error: Exception) -> JSONResponse:
    """Answer while PostgreSQL or another part cannot be reached."""
    _log.error("part.away", path=request.url.path, error=type(error).__name__)
    later = UnavailableError("a part of the service is away; try again", retry_after_s=2)
    return await _api_error(request, later)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("request.failed", path=request.url.path, exc_info=error)
    return respond(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        kind=TYPE_PREFIX + "internal",
        detail="Our fault. It is logged under this request's id.",
    )


def install(app: FastAPI) -> None:
    """Give every error of an application this one form."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    for away in (OperationalError, InterfaceError, PoolTimeoutError, OSError):
        app.add_exception_handler(away, _away)
    app.add_exception_handler(Exception, _bug)
