"""Goes through every endpoint there is, with everything that has an id: nothing has to be listed.

Paths and bodies come from the API's own document, ids from the database, so that an endpoint that
was added is walked as well.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Message

STREAMS = ("text/event-stream", "application/x-ndjson")
_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to be made."""

    method: str
    path: str
    body: Any = None


async def asked(app: ASGIApp, call: Call, token: str | None) -> tuple[int, str]:
    """Make a request; return the status and every byte of the answer, headers included.

    There are twenty thousand of them, and a client in between costs as much as many answers.
    """
    body = b"" if call.body is None else json.dumps(call.body).encode()
    headers = [(b"host", b"test"), (b"content-length", b"%d" % len(body))]
    if call.body is not None:
        headers.append((b"content-type", b"application/json"))
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    over = asyncio.Event()
    status = 0
    said = bytearray()

    async def receive() -> Message:
        if left:
            return left.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            said.extend(repr(message["headers"]).encode())
            return
        said.extend(message.get("body", b""))
        if not message.get("more_body", False):
            over.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "headers": headers,
        "scheme": "http",
        "path": call.path,
        "raw_path": call.path.encode(),
        "query_string": b"",
        "server": ("test", 80),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
    await app(scope, receive, send)
    assert over.is_set(), call
    return status, said.decode(errors="replace")


async def ids(session: AsyncSession) -> list[str]:
    """Return the id of a row of every table."""
    tables = await session.scalars(
        text(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'id'"
            " AND table_schema = 'codebattle' AND data_type = 'uuid' ORDER BY 1"
        )
    )
    found: list[object] = []
    for table in tables.all():
        rows = f"SELECT id FROM codebattle.{table} ORDER BY id LIMIT 1"
        found += (await session.scalars(text(rows))).all()
    return [str(each) for each in found]


async def there(app: ASGIApp, document: dict[str, Any], named: list[str], token: str) -> set[str]:
    """Return the paths with others below them that lead to something for this caller."""
    found = set()
    for top in sorted(_tops(document)):
        for each in named:
            call = Call(method="GET", path=_PARAMETER.sub(each, top))
            status, _ = await asked(app, call, token)
            if status != HTTPStatus.NOT_FOUND:
                found.add(call.path)
    return found


def _tops(document: dict[str, Any]) -> set[str]:
    paths = document["paths"]
    tops = {path[: path.index("}") + 1] for path in paths if path.count("{") > 1}
    return {top for top in tops if "get" in paths.get(top, ())}


def calls(
    document: dict[str, Any], methods: set[str], named: list[str], found: set[str]
) -> Iterator[Call]:
    """Return a request for each endpoint and everything it might be about; no streams.

    What is below something that is not there is asked for once with each id, below what was
    `found` with each as well.
    """
    tops = _tops(document)
    for path, operations in document["paths"].items():
        for method in methods & set(operations):
            operation = operations[method]
            if any(each in str(operation["responses"].get("200")) for each in STREAMS):
                continue
            names = _PARAMETER.findall(path)
            firsts = named
            if any(path.startswith(f"{top}/") for top in tops) and len(names) > 1:
                head = path.partition("{")[0]
                firsts = [each for each in named if f"{head}{each}" in found] or named[-1:]
            body = _body(document, operation)
            places = [firsts, *[named] * (len(names) - 1)] if names else []
            for chosen in itertools.islice(itertools.product(*places), 200):
                filled = dict(zip(names, chosen, strict=True))
                yield Call(method=method.upper(), path=path.format(**filled), body=body)


def _body(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return None if schema is None else _example(document, schema)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Return something the schema allows: its example, else what it needs at least."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _example(document, document["components"]["schemas"][name])
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "object":
        needed = schema.get("required", ())
        return {name: _example(document, schema["properties"][name]) for name in needed}
    plain = {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": True, "array": []}
    return plain.get(str(kind), "0" * max(1, schema.get("minLength", 1)))
