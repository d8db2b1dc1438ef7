"""Judged submissions put straight into the tables, and who compares them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import or_, select

from api.db.base import new_id
from api.db.models import (
    CodeSubmission,
    Event,
    EventState,
    Judging,
    JudgingState,
    NeighbourKind,
    Queue,
    SimilarityNeighbour,
    SubmissionFile,
)
from api.jobs.running import JobRunner
from api.problems.service import Imported
from api.settings import Settings
from api.similarity.keeper import Keeper
from api.wiring import Parts, opened
from judge.verdicts import Verdict
from tests.api.similarity.chroma import Server
from tests.unit.similarity.programs import program, renamed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
Submit = Callable[..., Awaitable[UUID]]
ORIGINAL = program(1)
COPY = renamed(ORIGINAL)


@pytest.fixture
async def submit(parts: Parts, hello: Imported) -> Submit:
    """Return a function that stores a judged submission: `submit(source, user=…, event=…)`."""
    count = 0

    async def make(
        source: str,
        *,
        user: UUID | None = None,
        event: UUID | None = None,
        verdict: Verdict = Verdict.AC,
        problem: Imported = hello,
        **more: Any,
    ) -> UUID:
        nonlocal count
        count += 1
        submission, owner = new_id(), user or uuid4()
        async with parts.sessions() as session:
            session.add(
                CodeSubmission(
                    id=submission,
                    user_id=owner,
                    problem_id=problem.problem_id,
                    version_id=problem.version_id,
                    event_id=event,
                    language="python3",
                    source_hash=str(submission),
                    source_bytes=len(source),
                    submitted_at=NOON + timedelta(minutes=count),
                    request_hash="",
                    **more,
                )
            )
            await session.flush()
            session.add(
                SubmissionFile(submission_id=submission, name="a.py", content=source.encode())
            )
            session.add(
                Judging(
                    submission_id=submission,
                    version_id=problem.version_id,
                    user_id=owner,
                    is_current=True,
                    state=JudgingState.DONE,
                    queue=Queue.INTERACTIVE,
                    due_at=NOON,
                    finished_at=NOON,
                    verdict=verdict,
                )
            )
            await session.commit()
        return submission

    return make


@pytest.fixture
async def live_event(parts: Parts) -> UUID:
    """Return an event that goes on."""
    event = new_id()
    async with parts.sessions() as session:
        session.add(
            Event(
                id=event,
                slug="now",
                title="Now",
                state=EventState.LIVE,
                format="icpc",
                starts_at=NOON,
                duration_s=3600,
                seed=1,
                requested_by=uuid4(),
            )
        )
        await session.commit()
    return event


@pytest.fixture
async def kept(parts: Parts) -> Keeper:
    """Return who keeps similarity; nothing happens by itself."""
    return Keeper(parts)


@pytest.fixture
async def runner(parts: Parts, kept: Keeper) -> JobRunner:
    """Return what does the jobs of the similarity process: call `look`."""
    return JobRunner(parts, kept.handlers, worker=new_id(), slots=1)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Return a ChromaDB server that answers."""
    made = Server(tmp_path / "chroma-server")
    await made.start()
    yield made
    made.kill()


@pytest.fixture
async def remote(settings: Settings, parts: Parts, server: Server) -> AsyncIterator[Parts]:
    """Return parts whose vectors are on the server."""
    where = {"chroma_host": "127.0.0.1", "chroma_port": server.port}
    async with opened(settings.model_copy(update=where), application="tests") as held:
        yield held


async def near_in_rows(parts: Parts, one: UUID) -> set[UUID]:
    """Return what was noted as close to a submission by its tokens."""
    async with parts.sessions() as session:
        rows = await session.execute(
            select(SimilarityNeighbour.first_id, SimilarityNeighbour.second_id).where(
                or_(SimilarityNeighbour.first_id == one, SimilarityNeighbour.second_id == one),
                SimilarityNeighbour.kind == NeighbourKind.TOKENS,
                SimilarityNeighbour.score > 0.6,
            )
        )
        return {each for row in rows for each in row} - {one}
