"""Errors in the words of the Contest API: problem details that carry its `code` and `message`.

Whoever asks without credentials, or with wrong ones, is told that Basic authentication is taken.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.errors import OF_STATUS, ApiError, BadRequestError, invalid

CHALLENGE = 'Basic realm="codebattle", charset="UTF-8"'
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ContestRoute(APIRoute):
    """A route of the Contest API."""

    def get_route_handler(self) -> _Handler:
        """Return what answers a request."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await inner(request)
            except ApiError as error:
                raise _worded(error) from error
            except RequestValidationError as error:
                raise _worded(invalid(request, error)) from error
            except HTTPException as error:
                kind = OF_STATUS.get(error.status_code, BadRequestError)
                raise _worded(kind(str(error.detail))) from error
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        return handler


def _worded(error: ApiError) -> ApiError:
    error.extra |= {"code": int(error.status), "message": error.detail}
    if error.status == 401:
        error.headers["WWW-Authenticate"] = CHALLENGE
    return error
