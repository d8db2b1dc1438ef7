"""A running server with one submission to follow."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.live import Topic, Update
from api.problems import service as problems
from api.settings import Settings
from api.wiring import Parts
from tests.api.conftest import token_for
from tests.api.live_client import serving


@dataclass(frozen=True, slots=True)
class Site:
    """A running server and one player with one submission."""

    url: str
    app: FastAPI
    settings: Settings
    user_id: UUID
    token: str
    submission_id: UUID
    judging_id: UUID

    @property
    def topic(self) -> str:
        return Topic.SUBMISSION.of(self.submission_id)

    @property
    def mine(self) -> str:
        return Topic.USER.of(self.user_id)

    def test_case(self, index: int, total: int = 1000) -> Update:
        ids = {"submission_id": str(self.submission_id), "judging_id": str(self.judging_id)}
        told = {"index": index, "total": total, "sample": False, "verdict": "AC", "cpu_ms": 3}
        return Update(kind="running", data=ids | told)


@pytest.fixture
async def site(settings: Settings, parts: Parts, hello: problems.Imported) -> AsyncIterator[Site]:
    app = create_app(settings)
    user_id = uuid4()
    token = token_for(settings, user_id=user_id)
    async with serving(app) as (url, _):
        submission_id, judging_id = await submit(url, token, hello.slug)
        await parts.redis.flushall()
        yield Site(url, app, settings, user_id, token, submission_id, judging_id)


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Return a directory whose path a socket's address can hold, whatever pytest calls its own."""
    with tempfile.TemporaryDirectory(prefix="codebattle-") as made:
        yield Path(made)


async def submit(url: str, token: str, problem: str) -> tuple[UUID, UUID]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        answer = await client.post(
            "/v1/submissions",
            json={"problem": problem, "language": "python3", "source": "print(1)"},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["id"]), UUID(answer.json()["judging_id"])
