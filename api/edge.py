"""What every request passes on its way in and out: its id, the bound on its body, its log line."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import TYPE_PREFIX, respond
from api.logs import logger
from api.settings import Settings

REQUEST_ID = "X-Request-ID"
# Servers let through what they can parse; a token has at most 8 KiB of it.
HEADERS_MAX = 32 * 1024
UPLOADS = re.compile(r"/v1/problems(?:/[^/]+/versions)?")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Of a path that a stranger made up, a line holds no more.
PATH_CHARS_SAID = 200
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_log = logger(__name__)


class Edge:
    """ASGI middleware; written against the protocol so that streams pass through untouched."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._bounded(request, receive, sent)
        finally:
            if scope["path"] not in _QUIET:
                _log.info(
                    "request.answered",
                    method=scope["method"],
                    path=scope["path"][:PATH_CHARS_SAID],
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                )

    async def _bounded(self, request: Request, receive: Receive, send: Send) -> None:
        if sum(len(name) + len(value) for name, value in request.scope["headers"]) > HEADERS_MAX:
            response = respond(
                request,
                431,
                kind=f"{TYPE_PREFIX}request-header-fields-too-large",
                detail=f"the headers may have {HEADERS_MAX} bytes",
                headers={"Connection": "close"},
            )
            await response(request.scope, receive, send)
            return
        limit = self._settings.body_bytes_max
        if request.method in {"POST", "PUT"} and UPLOADS.fullmatch(request.scope["path"]):
            limit = self._settings.package_bytes_max
        said = request.headers.get("content-length", "0")
        number = said.isdecimal()
        # Python reads no number of thousands of digits.
        if not number or len(said) > 18 or int(said) > limit:
            response = respond(
                request,
                413 if number else 400,
                kind=f"{TYPE_PREFIX}too-large" if number else f"{TYPE_PREFIX}bad-request",
                detail=f"the body may have {limit} bytes" if number else "bad length",
                headers={"Connection": "close"},
            )
            await response(request.scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"the body may have {limit} bytes")
            return message

        await self._app(request.scope, counted, send)
