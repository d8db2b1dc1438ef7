"""A worker whose sandboxes follow a script, and one that does everything in earnest."""

from collections.abc import Callable
from typing import Any

import pytest

from api.db.base import new_id
from api.db.models import JobLane
from api.jobs.running import JobRunner
from api.problems.cache import PackageCache
from api.trials.service import KIND
from api.trials.trying import Trials
from api.wiring import Parts
from tests.unit.core.scripted import Script, bench

RunnerFor = Callable[[Script], JobRunner]


@pytest.fixture
async def runner_for(parts: Parts) -> RunnerFor:
    """Return a maker of workers that do nothing by themselves: call `look`."""

    def make(script: Script) -> JobRunner:
        cache = PackageCache(parts.settings.cache_dir, parts.blobs, bytes_max=1 << 30)
        handler = Trials(parts, bench(script).judge, cache)
        return JobRunner(parts, {KIND: handler}, worker=new_id(), slots=1)

    return make


async def look(runner: JobRunner) -> None:
    """Let a worker do what waits."""
    await runner.look(JobLane.QUICK)


def new(**more: Any) -> dict[str, Any]:
    """Return a trial for `hello`."""
    return {"problem": "hello", "language": "python3", "source": "print()"} | more
