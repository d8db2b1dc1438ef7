"""What is wrong is refused with the documented problem, and leaves nothing behind.

One table: who sends what, and which status and type of `docs/errors.md` come back. Around each
request the rows of every table are counted.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from api import paging
from api.auth import Role, Scope
from api.db.models import Account
from api.errors import MEDIA_TYPE, TYPE_PREFIX
from api.neighbours import signing
from api.settings import Settings
from api.wiring import Parts
from tests.api.conftest import PROBLEMS, imported, started, token_for
from tests.api.signing_in import FAST, PASSWORD

GOOD = {"problem": "hello", "language": "python3", "source": "print(1)"}
HOOK = "whsec_" + "a" * 32
SUBMIT = "/v1/submissions"
NOBODY = "00000000-0000-4000-8000-000000000000"
PLAYER = UUID("00000000-0000-4000-8000-000000000001")
JSON = {"Content-Type": "application/json"}
HALF = b'{"problem": "hello", "language": "python3", "source": "%s"}'
MASTER = (Role.GAME_MASTER,)
AUTHOR = (Role.AUTHOR,)
USER_EVENT = {"type": "user.created", "occurred_at": "2026-11-21T10:00:00Z", "data": {}}
# What counts attempts to get in is meant to remember them.
REMEMBERS = {"login_windows"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request that is refused."""

    what: str
    status: int
    slug: str
    path: str = SUBMIT
    method: str = "POST"
    body: Any = None
    content: bytes | None = None
    files: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    roles: tuple[Role, ...] | None = (Role.PLAYER,)
    token: str | None = None


def submission(**changes: Any) -> dict[str, Any]:
    return GOOD | changes


def raw(what: str, content: bytes, status: int, slug: str, **more: Any) -> Bad:
    headers = more.pop("headers", JSON)
    return Bad(what=what, content=content, status=status, slug=slug, headers=headers, **more)


def get(what: str, path: str, status: int, slug: str, **more: Any) -> Bad:
    return Bad(what=what, path=path, status=status, slug=slug, method="GET", **more)


def sent(what: str, body: Any, status: int, slug: str, **more: Any) -> Bad:
    return Bad(what=what, body=body, status=status, slug=slug, **more)


def upload(what: str, name: str, data: bytes, status: int, slug: str, **more: Any) -> Bad:
    files = {"package": (name, data)}
    return Bad(what=what, files=files, status=status, slug=slug, path="/v1/problems", **more)


TOO_LONG = "x" * (64 * 1024 + 1)
ODD_NAMES = ["../../etc/passwd", "/etc/passwd", "a\\..\\b", "-rf", "a\nb", "con\u202e.py", ".."]
BODIES = [
    sent("source over 64 KiB", submission(source=TOO_LONG), 413, "source-too-large"),
    sent("nothing to judge", submission(source=None), 422, "invalid"),
    sent("source and files", submission(files={"a.py": "1"}), 422, "invalid"),
    sent("a field nobody knows", submission(admin=True), 422, "invalid"),
    sent("wrong type", submission(source=5), 422, "invalid"),
    sent("unknown language", submission(language="cobol-74"), 422, "language-unknown"),
    sent("unknown problem", submission(problem="nothing"), 404, "problem-not-found"),
    sent("unicode slug", submission(problem="h\u00e9llo"), 404, "problem-not-found"),
    sent("no text for a slug", submission(problem="\ud800"), 422, "invalid"),
    sent("NUL in a slug", submission(problem="a\0b"), 422, "invalid"),
    sent("half a character", submission(source="\ud800"), 422, "invalid"),
    sent("the jury's queue", submission(queue="rejudge"), 403, "forbidden"),
    sent("half a character in a name", submission(language="\udfff"), 422, "invalid"),
    sent("no UUID", submission(event_id="1"), 422, "invalid"),
    *(
        sent(f"file called {name!r}", submission(source=None, files={name: "1"}), 422, slug)
        for name in ODD_NAMES
        for slug in ["source-invalid"]
    ),
    sent("1,000 files", submission(source=None, files=dict.fromkeys(map(str, range(1000)), "")),
         422, "invalid"),
    sent("a list", [1, 2], 422, "invalid"),
    raw("no JSON", b"{", 422, "invalid"),
    raw("nothing", b"", 422, "invalid"),
    raw("no UTF-8", HALF % b"\xff\xfe", 400, "bad-request"),
    raw("a million brackets", b"[" * 1_000_000, 400, "bad-request"),
    raw("a number of 5,000 digits", b'{"source": ' + b"9" * 5000 + b"}", 400, "bad-request"),
    raw("NaN", b'{"source": NaN}', 422, "invalid"),
    raw("body over its bound", b"x" * (2 * 1024 * 1024 + 1), 413, "too-large"),
    raw("text", b"a=b", 415, "unsupported-media-type", headers={"Content-Type": "text/plain"}),
    raw("a key with a space", json.dumps(GOOD).encode(), 422, "invalid",
        headers=JSON | {"Idempotency-Key": "a b"}),
    raw("a long key", json.dumps(GOOD).encode(), 422, "invalid",
        headers=JSON | {"Idempotency-Key": "a" * 129}),
    raw("a key used for something else", json.dumps(submission(source="2")).encode(), 409,
        "idempotency-key-reused", headers=JSON | {"Idempotency-Key": "known"}),
    raw("64 KiB of headers", json.dumps(GOOD).encode(), 431, "request-header-fields-too-large",
        headers=JSON | {"X-Flood": "x" * 65_536}),
]  # fmt: skip
CALLERS = [
    sent("no token", GOOD, 401, "unauthenticated", roles=None),
    sent("no real token", GOOD, 401, "unauthenticated", token="nonsense"),
    sent("expired token", GOOD, 401, "token-expired", token="expired"),
    sent("token of another scope", GOOD, 403, "scope-missing", token="reading"),
    get("somebody else's", "{submission}", 404, "submission-not-found", roles=AUTHOR),
    get("somebody else's source", "{submission}/source", 404, "submission-not-found"),
    get("no such submission", f"{SUBMIT}/{NOBODY}", 404, "submission-not-found"),
    get("no id", f"{SUBMIT}/../secrets", 404, "not-found"),
    get("no id either", f"{SUBMIT}/%00", 422, "invalid"),
    get("accounts", "/v1/accounts", 403, "forbidden"),
    get("audit", "/v1/audit", 403, "forbidden", roles=AUTHOR),
    sent("roles for oneself", {"roles": ["game_master"]}, 403, "forbidden", method="PATCH",
         path=f"/v1/accounts/{PLAYER}"),
    upload("no author", "p.zip", b"", 403, "forbidden"),
    sent("wrong password", {"name": "ada", "password": "wrong"}, 401, "bad-login",
         path="/v1/auth/login", roles=None),
    sent("half a password", {"name": "ada", "password": "\ud800" * 12}, 422, "invalid",
         path="/v1/auth/login", roles=None),
    sent("half a refresh token", {"refresh_token": "\ud800"}, 422, "invalid",
         path="/v1/auth/refresh", roles=None),
    sent("spent refresh token", {"refresh_token": "cbr_x"}, 401, "session-ended",
         path="/v1/auth/refresh", roles=None),
]  # fmt: skip
PAGES = [
    get("negative page", "/v1/problems?limit=-1", 422, "invalid"),
    get("forged cursor", "/v1/problems?cursor=%FF", 400, "bad-cursor"),
    get("cursor of another list", f"{SUBMIT}?cursor={paging.encode('hello')}", 400, "bad-cursor"),
    get("NUL in a search", "/v1/problems?search=%00", 422, "invalid"),
    get("endless wait", f"{SUBMIT}/{NOBODY}?wait=inf", 422, "invalid"),
    get("no number", f"{SUBMIT}/{NOBODY}?wait=nan", 422, "invalid"),
    get("trailing slash", "/v1/submissions/", 404, "not-found"),
    get("nowhere", "/v1/nowhere", 404, "not-found"),
    Bad(what="HEAD", method="HEAD", path="/v1/problems", status=405, slug="method-not-allowed"),
    Bad(what="OPTIONS", method="OPTIONS", status=405, slug="method-not-allowed"),
    Bad(what="DELETE", method="DELETE", status=405, slug="method-not-allowed"),
    get("no topic", "/v1/stream", 400, "topics-missing"),
    get("a topic of another", f"/v1/stream?topic=user:{NOBODY}", 404, "topic-not-found"),
    get("a ticket nobody gave", "/v1/stream?ticket=x", 401, "ticket-invalid", roles=None),
]
PACKAGES = [
    upload("no archive", "p.zip", b"PK", 422, "package-invalid", roles=AUTHOR),
    upload("nothing", "p.zip", b"", 422, "package-invalid", roles=AUTHOR),
    upload("not a zip by name", "p.tar", b"", 422, "package-invalid", roles=AUTHOR),
    upload("a name that climbs", "../../p.zip", b"PK", 422, "package-invalid", roles=AUTHOR),
    upload("a name of nothing", "\u202e.zip", b"PK", 422, "package-invalid", roles=AUTHOR),
]
NEIGHBOURS = [
    sent("unsigned event", USER_EVENT, 401, "bad-signature", path="/v1/hooks/platform"),
    raw("event of yesterday", b"old", 401, "bad-signature", path="/v1/hooks/platform"),
    raw("signed, but no event", b"signed", 422, "invalid", path="/v1/hooks/platform"),
    sent("into our own network", {"url": "https://10.0.0.1/"}, 422, "target-refused",
         path="/v1/webhooks", roles=MASTER),
    sent("half a character in a line", {"url": "https://a.example/", "description": "\ud800"},
         422, "invalid", path="/v1/webhooks", roles=MASTER),
]  # fmt: skip
FULL = [
    sent("too many of one's own", GOOD, 429, "quota"),
    sent("queue full", GOOD, 503, "queue-full"),
]


def signed(settings: Settings, body: bytes, *, age_s: int = 0) -> dict[str, str]:
    """Return the headers of an event as the platform sends it."""
    sent_at_s = int(time.time()) - age_s
    held = [each.get_secret_value() for each in settings.hook_secrets]
    return JSON | signing.headers("msg_1", body, sent_at_s=sent_at_s, secrets_held=held)


@pytest.fixture
async def chosen(settings: Settings) -> Settings:
    return settings.model_copy(update={"hook_secrets": (SecretStr(HOOK),)})


@asynccontextmanager
async def served(settings: Settings, parts: Parts) -> AsyncIterator[tuple[FastAPI, str]]:
    """Start with one account and one submission of somebody's; returns its path as well."""
    async with started(settings) as app:
        async with parts.sessions() as session:
            session.add(Account(id=PLAYER, name="ada", password_hash=FAST.hash(PASSWORD)))
            await session.commit()
        app.state.parts.passwords._hasher = FAST
        async with client(app, token_for(settings, user_id=uuid4())) as somebody:
            path = (await somebody.post(SUBMIT, json=GOOD)).json()["url"]
        async with client(app, token_for(settings, user_id=PLAYER)) as known:
            await known.post(SUBMIT, json=GOOD, headers={"Idempotency-Key": "known"})
        yield app, path


def client(app: FastAPI, token: str | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


async def counts(parts: Parts) -> dict[str, int]:
    """Return how many rows every table has."""
    async with parts.sessions() as session:
        names = await session.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema='codebattle'")
        )
        tables = sorted(set(names.all()) - REMEMBERS)
        query = ", ".join(f"(SELECT count(*) FROM codebattle.{name})" for name in tables)
        row = (await session.execute(text(f"SELECT {query}"))).one()
    return dict(zip(tables, row, strict=True))


def token_of(settings: Settings, bad: Bad) -> str | None:
    if bad.token == "expired":
        return token_for(settings, user_id=PLAYER, lifetime=timedelta(seconds=-3600))
    if bad.token == "reading":
        return token_for(settings, user_id=PLAYER, scopes=(Scope.READ,))
    if bad.token is not None:
        return bad.token
    return None if bad.roles is None else token_for(settings, *bad.roles, user_id=PLAYER)


async def answer(app: FastAPI, settings: Settings, bad: Bad, path: str) -> httpx.Response:
    headers = dict(bad.headers)
    if bad.content in {b"old", b"signed"}:
        headers |= signed(settings, bad.content, age_s=86_400 if bad.content == b"old" else 0)
    async with client(app, token_of(settings, bad)) as caller:
        content = bad.content
        if bad.body is not None:
            content, headers = json.dumps(bad.body).encode(), JSON | headers
        return await caller.request(
            bad.method,
            bad.path.format(submission=path),
            content=content,
            files=bad.files,
            headers=headers,
        )


def wrong(bad: Bad, got: httpx.Response) -> str:
    """Return what is not as documented, or nothing."""
    said: dict[str, Any] = {}
    if bad.method != "HEAD":
        if got.headers.get("content-type") != MEDIA_TYPE:
            return f"{bad.what}: {got.status_code} {got.headers.get('content-type')} {got.text}"
        said = got.json()
    slug = said.get("type", TYPE_PREFIX + bad.slug).removeprefix(TYPE_PREFIX)
    later = ("retry-after" in got.headers) == (bad.status in {429, 503})
    if (got.status_code, slug) == (bad.status, bad.slug) and later:
        return ""
    return f"{bad.what}: {got.status_code} {slug}, not {bad.status} {bad.slug}: {got.text[:300]}"


@pytest.mark.slow
async def test_what_is_wrong_is_refused_and_leaves_nothing(chosen: Settings, parts: Parts) -> None:
    """Status, type and `Retry-After` are the documented ones; no table has a row more or less."""
    await imported(parts, PROBLEMS / "hello")
    found = []
    async with served(chosen, parts) as (app, path):
        before = await counts(parts)
        for bad in [*BODIES, *CALLERS, *PAGES, *PACKAGES, *NEIGHBOURS]:
            found.append(wrong(bad, await answer(app, chosen, bad, path)))
            after = await counts(parts)
            if after != before:
                found.append(f"{bad.what}: {set(after.items()) ^ set(before.items())}")
                before = after
    assert "\n".join(each for each in found if each) == ""


@pytest.mark.parametrize(
    ("bound", "bad"), [("user_queued_max", FULL[0]), ("queue_depth_max", FULL[1])]
)
async def test_a_full_queue_takes_nothing_in(
    chosen: Settings, parts: Parts, bound: str, bad: Bad
) -> None:
    """It says when to come back, and what waited still waits."""
    await imported(parts, PROBLEMS / "hello")
    async with served(chosen, parts) as (_, path):
        pass
    # A new process: how many wait is counted only every half second.
    async with started(chosen.model_copy(update={bound: 1})) as app:
        before = await counts(parts)
        got = await answer(app, chosen, bad, path)
    assert wrong(bad, got) == ""
    assert await counts(parts) == before


async def test_an_event_that_comes_again_changes_nothing(chosen: Settings, parts: Parts) -> None:
    """The second time it is told that it was known."""
    data = {"user_id": NOBODY, "name": "Ada"}
    body = json.dumps(USER_EVENT | {"data": data}).encode()
    async with started(chosen) as app, client(app, None) as platform:
        said = []
        for _ in range(2):
            got = await platform.post("/v1/hooks/platform", content=body,
                                      headers=signed(chosen, body))  # fmt: skip
            said.append((got.json()["effect"], await counts(parts)))
    assert [effect for effect, _ in said] == ["applied", "replayed"]
    assert said[0][1] == said[1][1]
