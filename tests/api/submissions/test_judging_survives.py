"""What is killed or away around a judging costs it nothing: not its end, not a try."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.exc import OperationalError

from api.db.models import Judging, JudgingState
from api.live import Topic, keys
from api.submissions import claiming, storing
from api.wiring import Parts
from judge.errors import EngineAwayError
from judge.results import Judgement
from judge.verdicts import Verdict
from tests.api.submissions.conftest import ScriptedJudge, WorkerFor
from tests.api.submissions.test_judging_jobs import ALICE, claimed, expire, row, submitted

pytestmark = pytest.mark.usefixtures("hello")


async def _ends_told(parts: Parts) -> int:
    """Count the ends that Alice's followers were told."""
    stream = keys.STREAM + Topic.USER.of(ALICE)
    entries: Any = await parts.redis.xrange(stream)
    return sum(b'"judged"' in fields[b"u"] for _, fields in entries)


async def _long_ago(parts: Parts) -> None:
    """Let every end have been a minute ago."""
    async with parts.sessions() as session:
        await session.execute(
            update(Judging).values(finished_at=func.now() - text("interval '1 minute'"))
        )
        await session.commit()


async def test_an_end_that_nobody_told_is_told_by_a_sweep(
    parts: Parts, worker_for: WorkerFor
) -> None:
    """A worker that is killed between storing and telling leaves nobody waiting."""
    judging_id = await submitted(parts)
    killed = await claimed(parts)
    assert killed is not None
    judgement = Judgement(problem="hello", verdict=Verdict.WA, language="python3")
    async with parts.sessions() as session:
        assert (await storing.store(session, killed, judgement, told={})).stored
    other = worker_for()
    await other.sweep()
    early = await _ends_told(parts)
    await _long_ago(parts)
    await other.sweep()
    await other.sweep()

    assert (early, await _ends_told(parts)) == (0, 1)
    assert (await row(parts, judging_id)).told_at is not None


async def test_an_end_that_was_told_is_not_told_again(parts: Parts, worker_for: WorkerFor) -> None:
    """Whoever told an end notes it at the next sweep."""
    await submitted(parts)
    worker = worker_for()
    await worker.look()
    await worker.sweep()
    await _long_ago(parts)
    await worker_for().sweep()

    assert await _ends_told(parts) == 1


async def test_a_judgement_waits_for_the_database(
    parts: Parts, worker_for: WorkerFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart of PostgreSQL at the end of a judging does not cost a second one."""
    store, away = storing.store, iter([True, True])

    async def sometimes(*args: Any, **named: Any) -> storing.Stored:
        if next(away, False):
            raise OperationalError(None, None, ConnectionError("away"))
        return await store(*args, **named)

    monkeypatch.setattr(storing, "store", sometimes)
    judging_id = await submitted(parts)
    await worker_for().look()

    found = await row(parts, judging_id)
    assert (found.state, found.attempt) == (JudgingState.DONE, 1)


async def test_an_engine_that_is_away_costs_no_try(parts: Parts, worker_for: WorkerFor) -> None:
    """Its worker leaves the work to others and rests; no judge error is counted."""

    class Away(ScriptedJudge):
        async def judge(self, *_: Any, **__: Any) -> Judgement:
            self.judged.append("away")
            raise EngineAwayError("the engine does not answer")

    judging_id = await submitted(parts)
    without = Away()
    resting = worker_for(judged_by=without)
    for _ in range(4):
        await resting.look()
    waiting = await row(parts, judging_id)
    await worker_for().look()

    assert len(without.judged) == 1
    assert (waiting.state, waiting.tried_workers) == (JudgingState.QUEUED, [])
    assert (await row(parts, judging_id)).verdict is Verdict.AC


async def test_leases_outlive_a_restart_of_the_database(
    parts: Parts, worker_for: WorkerFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could extend a lease meanwhile, so the living are asked first."""
    judging_id = await submitted(parts)
    assert await claimed(parts) is not None
    await expire(parts)
    monkeypatch.setattr(claiming, "RESTARTED", timedelta(days=1))
    await worker_for().sweep()

    assert (await row(parts, judging_id)).state is JudgingState.COMPILING


async def test_a_server_that_goes_away_is_one_error(parts: Parts) -> None:
    """Whatever the driver calls it: callers wait, and the API answers 503."""
    with pytest.raises(OperationalError):
        async with parts.sessions() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
