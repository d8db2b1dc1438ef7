"""A small event is rehearsed over real HTTP: go when all holds, no-go when something does not."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, select, update

from api.app import create_app
from api.db.base import new_id
from api.db.models import Event, EventProblem, EventState, RatingChange
from api.problems.cache import PackageCache
from api.rehearsing import playing
from api.rehearsing.playing import Asked
from api.rehearsing.scripts import Wanted
from api.rehearsing.sheet import Bounds, Sheet
from api.settings import Settings
from api.submissions.jobs import SubmissionJobs
from api.wiring import Parts
from judge.errors import EngineError, UsageError
from tests.api.events.conftest import Arenas, arena  # noqa: F401 - a fixture
from tests.api.live_client import serving
from tests.api.submissions.conftest import ScriptedJudge

pytestmark = pytest.mark.slow
PLAYERS = 6
BOUNDS = Bounds(verdict_s=60, submit_s=60, board_s=60)


@asynccontextmanager
async def judging(parts: Parts) -> AsyncIterator[None]:
    """Judge whatever comes, by what the sources say."""
    packages = PackageCache(parts.settings.cache_dir, parts.blobs, bytes_max=1 << 30)
    jobs = SubmissionJobs(parts, ScriptedJudge(), packages, worker=new_id(), slots=1)

    async def judge() -> None:
        while True:
            await jobs.look()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(judge())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def recorded(path: Path, **first: str | float) -> Path:
    """Write a script of two submissions a player; the first differs by what is given."""
    submissions: list[dict[str, str | float]] = [
        {
            "at_s": 2.0 * number,
            "player": number % PLAYERS,
            "problem": "hello",
            "language": "python3",
            "source": "AC" if number % 3 else "WA",
            "verdict": "AC" if number % 3 else "WA",
        }
        for number in range(2 * PLAYERS)
    ]
    submissions[0] |= first
    path.write_text(json.dumps({"submissions": submissions}), encoding="utf-8")
    return path


async def rehearsed(settings: Settings, url: str, recording: Path) -> Sheet:
    wanted = Wanted(players=PLAYERS, each=2, recording=recording)
    asked = Asked(event="autumn", url=url, speed=20, script=wanted)
    return await playing.rehearse(settings, asked, BOUNDS)


async def test_a_rehearsal(
    settings: Settings,
    parts: Parts,
    arena: Arenas,  # noqa: F811
    tmp_path: Path,
) -> None:
    made = await arena()
    async with parts.sessions() as session:
        await session.execute(update(EventProblem).values(cpu_ms=1234, memory_bytes=1 << 26))
        await session.commit()
    async with serving(create_app(settings)) as (url, _), judging(parts):
        good = await rehearsed(settings, url, recorded(tmp_path / "good"))
        bad = await rehearsed(settings, url, recorded(tmp_path / "bad", verdict="AC"))
        with pytest.raises(UsageError, match="no problem 'nowhere'"):
            await rehearsed(settings, url, recorded(tmp_path / "odd", problem="nowhere"))
        with pytest.raises(UsageError, match="at_s"):
            await rehearsed(settings, url, recorded(tmp_path / "worse", at_s=-1))
        other = settings.model_copy(update={"auth_secret": SecretStr("x" * 40)})
        with pytest.raises(UsageError, match=r"401, .*CODEBATTLE_AUTH_SECRET"):
            await rehearsed(other, url, tmp_path / "good")
        async with parts.sessions() as session:
            limits = await session.execute(select(EventProblem.cpu_ms, EventProblem.memory_bytes))
            # As in the event, and not as the problem has them, in the copies as well.
            assert limits.all() == [(1234, 1 << 26)] * 3
            mine = EventProblem.event_id == made.event_id
            await session.execute(delete(EventProblem).where(mine))
            await session.commit()
        with pytest.raises(UsageError, match="it has no problems yet"):
            await rehearsed(settings, url, tmp_path / "good")
    with pytest.raises(EngineError, match="does it run"):
        await rehearsed(settings, url, tmp_path / "good")

    assert good.go, list(good.lines())
    assert (good.players, good.planned, good.judged) == (PLAYERS, 12, 12)
    assert list(good.lines())[-1] == "go"
    assert re.search(rf": {PLAYERS} players, 12 submissions within \d+ s, 20 times", good.what)
    assert not bad.go
    assert {name for name, holds, _ in bad.checks() if not holds} == {"verdicts as written"}
    assert "player 0 on hello" in bad.unexpected[0]
    async with parts.sessions() as session:
        states = await session.scalars(
            select(Event.state).where(Event.slug.like("autumn-rehearsal-%"))
        )
        assert set(states) == {EventState.FINISHED}
        assert await session.scalar(select(func.count()).select_from(RatingChange)) == 0
