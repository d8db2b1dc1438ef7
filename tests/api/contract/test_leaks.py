"""Canaries in all that is hidden, and every endpoint asked by everybody: none comes out.

Also not in the streams, in what is sent to other services, in Redis, or in the logs.
"""

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api import logs
from api.app import create_app
from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    Account,
    Outbox,
    Visibility,
)
from api.problems.cache import PackageCache
from api.settings import LogFormat, Settings
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Difference, Judgement, Run
from judge.submission import Submission
from judge.verdicts import Verdict
from tests.api.conftest import PROBLEMS, imported, token_for
from tests.api.contract import walking
from tests.api.contract.planting import NETWORK, PATTERN, RECORDED, compared, suggested
from tests.api.live_client import serving
from tests.api.signing_in import FAST

HIDDEN = "canary-hidden"  # inputs, answers, names and messages of secret cases
SOURCE = "canary-source"
LOG = "canary-compiler"
SAMPLE = "canary-sample"  # what the owner is told of a run on a sample
UNLISTED = "canary-unlisted"  # a problem that is not public
PASSWORD = "canary-password-1"
WHOLE = frozenset({HIDDEN, SOURCE, LOG, SAMPLE, UNLISTED, PATTERN})
CANARIES = WHOLE | {RECORDED, NETWORK}
pytestmark = pytest.mark.slow


class TellingJudge:
    """Says in every field of a judgement what nobody but the jury may know."""

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> Judgement:
        runs = tuple(
            Run(
                case=f"{kind}/{mark}",
                verdict=Verdict.WA,
                cpu_us=1500,
                judge_message=HIDDEN,
                reason=HIDDEN,
                warnings=(HIDDEN,),
                team_message=mark,
                difference=Difference(line=1, column=1, expected=mark, found=mark),
            )
            for kind, mark in (("sample", SAMPLE), ("secret", HIDDEN))
        )
        progress(Progress(stage="compiling", total=2))
        for index, run in enumerate(runs, start=1):
            progress(Progress(stage="running", case=run.case, index=index, total=2, run=run))
        return Judgement(
            problem=problem.name,
            verdict=Verdict.WA,
            language=submission.language,
            runs=runs,
            case_total=2,
            cpu_us=1500,
            compile_log=LOG,
            reason=HIDDEN,
            warnings=(HIDDEN,),
            data_hash=HIDDEN,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running service in which everything hidden is marked."""

    app: FastAPI
    parts: Parts
    url: str
    settings: Settings
    owner_id: UUID
    author_id: UUID
    submission_id: UUID
    topics: list[str]
    streams: dict[str, bytearray]

    def client(self, token: str | None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def tokens(self) -> dict[str, str | None]:
        def of(*roles: Role, user_id: UUID | None = None) -> str:
            return token_for(self.settings, *roles, user_id=user_id)

        return {
            "anonymous": None,
            "owner": of(user_id=self.owner_id),
            "player": of(),
            "guild master": of(Role.GUILD_MASTER),
            "author": of(Role.AUTHOR),
            "its author": of(Role.AUTHOR, user_id=self.author_id),
            "reviewer": of(Role.REVIEWER),
            "game master": of(Role.GAME_MASTER),
        }


# What each may read of the canaries; everything else must not be in any byte sent to them.
ALLOWED: dict[str, frozenset[str]] = {
    "anonymous": frozenset(),
    "owner": frozenset({SOURCE, LOG, SAMPLE}),
    "player": frozenset(),
    "guild master": frozenset(),
    "author": frozenset(),
    "its author": WHOLE,
    "reviewer": frozenset({SOURCE, UNLISTED, PATTERN, RECORDED}),
    "game master": WHOLE | {RECORDED},
}
# What proves that a walk got somewhere: these are seen.
SEEN = {
    "owner": {SOURCE, LOG, SAMPLE},
    "its author": {PATTERN},
    "reviewer": {SOURCE, PATTERN, RECORDED},
    "game master": {HIDDEN, SOURCE, PATTERN, RECORDED},
}


def marked(tmp_path: Path, name: str, title: str) -> Path:
    """Return a package with canaries in its secret data and its jury's programs."""
    package = tmp_path / name
    shutil.copytree(PROBLEMS / "hello", package)
    for suffix in ("in", "ans"):
        (package / "data/secret" / f"9-{HIDDEN}.{suffix}").write_text(f"{HIDDEN}\n")
    (package / "submissions/accepted/greet_pypy.py").write_text(f"# {HIDDEN}\n")
    said = (package / "problem.yaml").read_text()
    (package / "problem.yaml").write_text(said.replace("name: Arena Greeting", f"name: {title}"))
    return package


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Collect every log line, as it would be written, at the most talkative level."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record) if formatter else record.getMessage())

    logs.configure(form=LogFormat.JSON, level="DEBUG")
    root = logging.getLogger()
    formatter = root.handlers[0].formatter
    root.handlers[:] = [Keeping()]
    for chatty in ("asyncio", "httpcore", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    yield lines
    logs.configure(form=LogFormat.JSON, level="WARNING")


@pytest.fixture
async def world(
    settings: Settings, parts: Parts, tmp_path: Path, logged: list[str]
) -> AsyncIterator[World]:
    """Start the service, submit, follow, and judge."""
    owner_id, author_id = new_id(), new_id()
    public = await imported(
        parts, marked(tmp_path, "marked", "Marked"), slug="hello", owner_id=author_id
    )
    await imported(
        parts,
        marked(tmp_path, "unlisted", UNLISTED),
        slug="unlisted",
        owner_id=author_id,
        visibility=Visibility.HIDDEN,
    )
    app = create_app(settings)
    async with serving(app) as (url, _), contextlib.AsyncExitStack() as stack:
        app.state.parts.passwords._hasher = FAST
        async with parts.sessions() as session:
            session.add(Account(id=owner_id, name="owner", password_hash=FAST.hash(PASSWORD)))
            await session.commit()
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            answer = await client.post(
                "/v1/submissions",
                json={"problem": "hello", "language": "python3", "source": f"print('{SOURCE}')"},
                headers={"Authorization": f"Bearer {token_for(settings, user_id=owner_id)}"},
            )
        submission_id = UUID(answer.json()["id"])
        made = World(
            app=app,
            parts=parts,
            url=url,
            settings=settings,
            owner_id=owner_id,
            author_id=author_id,
            submission_id=submission_id,
            topics=[
                f"problem:{public.problem_id}",
                f"submission:{submission_id}",
                f"user:{owner_id}",
                "user:me",
            ],
            streams={},
        )
        for who, token in made.tokens().items():
            made.streams[who] = bytearray()
            if token is not None:
                await stack.enter_async_context(following(made, who, token))
        cache = PackageCache(settings.cache_dir, parts.blobs, bytes_max=1 << 30)
        jobs = SubmissionJobs(parts, TellingJudge(), cache, worker=new_id(), slots=1)
        await jobs.look()
        await suggested(parts, submission_id, problem_id=public.problem_id, author_id=author_id)
        await compared(parts, submission_id)
        yield made


@asynccontextmanager
async def following(world: World, who: str, token: str) -> AsyncIterator[None]:
    """Follow every topic somebody may follow until the block ends; returns once it is live."""
    ready = asyncio.Event()
    kept = world.streams[who]

    async def follow(topic: str) -> None:
        async with (
            httpx.AsyncClient(base_url=world.url, timeout=None) as client,
            client.stream(
                "GET",
                "/v1/stream",
                params={"topic": topic},
                headers={"Authorization": f"Bearer {token}"},
            ) as response,
        ):
            async for chunk in response.aiter_raw():
                kept.extend(chunk)
                if b"event: ready" in kept:
                    ready.set()

    tasks = [asyncio.create_task(follow(each)) for each in world.topics]
    async with asyncio.timeout(20):
        await ready.wait()
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def answers(world: World, who: str, methods: set[str]) -> str:
    """Return every byte that all endpoints answer with, headers included."""
    document: dict[str, Any] = world.app.openapi()
    async with world.parts.sessions() as session:
        named = [*await walking.ids(session), "hello", "unlisted"]
    master = token_for(world.settings, Role.GAME_MASTER)
    found = await walking.there(world.app, document, named, master)
    token = world.tokens()[who]
    seen: list[str] = []
    for call in walking.calls(document, methods, named, found):
        status, said = await walking.asked(world.app, call, token)
        assert status < 500 or call.path == "/readyz", (call, said)
        seen.append(said)
    return "".join(seen)


@pytest.mark.long(50)
async def test_no_canary_in_any_byte_sent(world: World, logged: list[str]) -> None:
    """Every GET and every POST, as everybody; the streams, other services, Redis, the logs."""
    # What is posted may change what is shown: first everybody tries, then everybody looks.
    posted = {who: await answers(world, who, {"post"}) for who in ALLOWED}
    for who, allowed in ALLOWED.items():
        text = posted[who] + await answers(world, who, {"get"})
        found = {each for each in CANARIES if each in text}
        assert found <= allowed, who
        assert found >= SEEN.get(who, set()), who

    for who, stream in world.streams.items():
        text = stream.decode()
        # The jury is told of a case as the player is: live updates carry no texts at all.
        assert not [each for each in CANARIES if each in text], who
        assert ("event: judged" in text) == (who != "anonymous"), who

    async with world.parts.sessions() as session:
        events = (await session.execute(select(Outbox.kind, Outbox.payload))).all()
    assert "submission.judged" in {each.kind for each in events}
    sent = json.dumps([each.payload for each in events], default=str)
    assert not [each for each in CANARIES if each in sent]

    kept = [
        f"{key!r}{await world.parts.redis.dump(key)!r}" for key in await world.parts.redis.keys("*")
    ]
    assert kept
    assert not [each for each in CANARIES if each in "".join(kept)]

    lines = "\n".join(logged)
    assert "request.answered" in lines
    assert not [each for each in (*CANARIES - {UNLISTED}, PASSWORD) if each in lines]


async def test_no_secret_is_ever_logged(world: World, logged: list[str]) -> None:
    """Not of tokens, passwords, tickets or keys, in whatever request they come and go."""
    settings = world.settings
    token = token_for(settings, user_id=world.owner_id)
    master = token_for(settings, Role.GAME_MASTER)
    secrets = [token, master, settings.auth_secret.get_secret_value(), PASSWORD]
    async with world.client(None) as client:
        body = {"name": "owner", "password": PASSWORD}
        pair = (await client.post("/v1/auth/login", json=body)).json()
        secrets += [pair["access_token"], pair["refresh_token"]]
        await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
        await client.post("/v1/auth/login", json=body | {"password": PASSWORD + "x"})
    async with world.client(token) as client:
        ticket = (await client.post("/v1/stream/tickets", json={"topics": ["user:me"]})).json()
        made = await client.post("/v1/me/tokens", json={"name": "t", "scopes": ["read"]})
        secrets += [ticket["ticket"], made.json()["token"]]
        # Where they do not belong, they are not repeated either.
        for place in ("/v1/problems", f"/v1/{uuid4()}"):
            await client.get(place, params={"token": token, "cursor": token[:400]})
        await client.post("/v1/submissions", content=token, headers={"Content-Type": "text/plain"})
        await client.get("/v1/me", headers={"Authorization": f"Bearer {token}x"})
        await client.get("/v1/stream", params={"ticket": ticket["ticket"][::-1]})

    lines = "\n".join(logged)
    assert all(secrets)
    assert lines.count("request.answered") >= 10
    assert not [each for each in secrets if each in lines or each[-20:] in lines]
