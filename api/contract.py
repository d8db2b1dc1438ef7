"""The API's document (OpenAPI), which is checked in as `docs/openapi.json`.

FastAPI draws it from the types. What follows from an endpoint's parameters is added here, so that
nobody has to remember it: the errors it can answer with, headers, and whether a token is needed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from api import deps
from api.contestapi.calling import known_caller
from api.documented import problems
from api.errors import OF_STATUS, ProblemDetails

DESCRIPTION = """\
Submit programs, have them judged in a sandbox, follow the verdicts live.

Every error is a problem detail (RFC 9457) of a type that `docs/errors.md` lists, whatever the \
status; a bug of ours is one with status 500.
Every answer carries `X-Request-ID`; a request may bring its own (8 to 64 letters, digits or \
`._-`)."""
TAGS = {
    "submissions": "Handing in programs and reading how they were judged.",
    "problems": "Problems with their statements and samples; hidden data never leaves.",
    "jobs": "Long tasks: how far they are, what came of them, and their end.",
    "trials": "Programs run on samples or one's own inputs, without being handed in.",
    "languages": "What submissions can be written in.",
    "leaderboards": "Who is ahead: boards of events, now and then, and ratings across them.",
    "live": "One stream of server-sent events for everything a client follows.",
    "clics": "The CLICS Contest API 2023-06, for other contest software.",
    "accounts": "Who the caller is; accounts, tokens and the audit log of embedded mode.",
    "neighbours": "Signed events from and to other services.",
    "events": "Events: asked for, planned, registered for, moved on; what is played when by whom.",
    "rooms": "Live battle: rooms, presence, the clock, drafts, clarifications, duels.",
    "rejudging": "Judging again: chosen, previewed, then applied or cancelled as a whole.",
    "similarity": "Copied code: reports with evidence, decisions of reviewers, appeals.",
    "workers": "The workers there are, and how long the queue is.",
    "health": "For probes and people.",
}
# What an endpoint depends on that is for nobody without a name.
_NEEDED = (deps.current_user, known_caller)
_HEADERS = {
    "X-Request-ID": {
        "description": "The id this request is logged under.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "Location": {
        "description": "Where to find what was made.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds until it is worth trying again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "What kind of token is needed.",
        "schema": {"type": "string", "pattern": "^(Bearer|Basic .+)$"},
    },
}
_OF_STATUS: Mapping[int | str, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def operation_id(route: APIRoute) -> str:
    """Name an operation as the function is named: generated clients are read by people."""
    return route.name


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of an application, drawn once."""
    if app.openapi_schema is None:
        app.openapi_schema = _drawn(app)
    return app.openapi_schema


def as_text(drawn: dict[str, Any]) -> str:
    """Return the document as it is checked in: the same for the same code."""
    return json.dumps(drawn, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _drawn(app: FastAPI) -> dict[str, Any]:
    drawn = get_openapi(
        title=app.title,
        version=version("codebattle"),
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": said} for name, said in TAGS.items()],
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "/"}],
    )
    components = drawn["components"]
    components["headers"] = _HEADERS
    components["responses"] = _errors()
    _problem_schema(components["schemas"])
    for route in _routes(app):
        for method in route.methods or ():
            _complete(drawn["paths"][route.path_format][method.lower()], route)
    return drawn


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    """Go through the endpoints as they are served: with their whole path and all they need."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.include_in_schema:
            yield context  # type: ignore[misc] # it reads like the route it stands for


def _problem_schema(schemas: dict[str, Any]) -> None:
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDetails"] = problem


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    # A docstring's first line is the summary of an endpoint as of any function.
    first, _, rest = operation.pop("description", "").partition("\n")
    operation["summary"] = first.rstrip(".")
    if rest.strip():
        operation["description"] = rest.strip()
    needed = any(_asks(route.dependant, each) for each in _NEEDED)
    if "security" in operation and not needed:
        operation["security"].append({})
    answers = operation["responses"]
    answers.pop("422", None) if _of_framework(answers.get("422")) else None
    for status, said in problems(*_statuses(operation, route, needed=needed)).items():
        answers.setdefault(str(status), said)
    for status, said in answers.items():
        if _is_problem(said):
            answers[status] = {"$ref": f"#/components/responses/{_name(status)}"}
        else:
            said.setdefault("headers", {})["X-Request-ID"] = _header("X-Request-ID")
    operation["responses"] = dict(sorted(answers.items()))


def _name(status: int | str) -> str:
    return OF_STATUS[int(status)].__name__.removesuffix("Error")


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _errors() -> dict[str, Any]:
    """Return each error once, for operations to refer to."""
    found = {}
    for status, said in problems(*OF_STATUS).items():
        headers = ("X-Request-ID", *_OF_STATUS.get(status, ()))
        found[_name(status)] = said | {"headers": {name: _header(name) for name in headers}}
    return found


def _statuses(operation: dict[str, Any], route: APIRoute, *, needed: bool) -> Iterator[int]:
    parameters = operation.get("parameters", ())
    names = {each["name"] for each in parameters}
    has_body = "requestBody" in operation
    if has_body or "cursor" in names:
        yield 400
    if "security" in operation:
        # Who sends none that is valid is limited by the address.
        yield from (401, 429)
    if needed:
        yield 403
    if any(each["in"] == "path" for each in parameters):
        yield 404
    if has_body:
        yield from (413, 415)
    if has_body or names:
        yield 422
    if route.path_format.startswith("/v1/") and _asks(route.dependant, deps.parts):
        yield 503


def _asks(dependant: Dependant, wanted: Callable[..., Any]) -> bool:
    """Tell whether an endpoint depends on something, however far down."""
    return dependant.call is wanted or _any_asks(dependant.dependencies, wanted)


def _any_asks(dependants: Iterable[Dependant], wanted: Callable[..., Any]) -> bool:
    return any(_asks(each, wanted) for each in dependants)


def _of_framework(answer: dict[str, Any] | None) -> bool:
    return answer is not None and "HTTPValidationError" in json.dumps(answer)


def _is_problem(answer: dict[str, Any]) -> bool:
    return "application/problem+json" in answer.get("content", {})
