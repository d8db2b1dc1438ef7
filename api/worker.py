"""The worker process: an arq worker that answers the bell, beside a beat and a sweep of its own.

arq ends when Redis goes away; it is started again, and until then the sweep finds the work.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from api import ears, metrics, traces, tracing
from api.accounts import service as accounts
from api.db.base import new_id
from api.db.engine import AWAY
from api.db.models import WorkerState
from api.ending import ended
from api.events import announcing, tending, ticking
from api.jobs import service as job_service
from api.jobs.running import Handler, JobRunner
from api.leaderboards import keeping, timelines
from api.logs import logger
from api.neighbours import outbox
from api.neighbours.delivery import deliver_due
from api.neighbours.sealing import sealer_from
from api.neighbours.sending import Sender, sender_from
from api.problems import archives
from api.problems.archives import IMPORT
from api.problems.cache import PackageCache
from api.problems.import_job import ImportJob
from api.queue import JOBS, LOOK, QUEUE, awaited
from api.rejudging import service as rejudging
from api.settings import SelfTest, Settings
from api.submissions.jobs import SubmissionJobs
from api.trials import service as trials
from api.trials.trying import Trials
from api.wiring import Parts, opened
from api.workers import selftesting
from api.workers import service as registry
from api.workers.neighbourhood import Neighbourhood
from judge.artefacts import ArtefactCache
from judge.cli.session import cpus
from judge.errors import EngineAwayError
from judge.judging import Judge
from judge.sandbox.backends import choose
from judge.sandbox.base import Launcher
from judge.sandbox.pool import Pool

# The second ear: whoever is woken first does not wait for it, see `api.queue`.
POLL_S = 0.05
RETRY_S = 0.5
WORKER_BEAT_S = 2.0
DELIVER_S = 1.0
PRUNE_S = 3600.0
DAY_S = 86_400
# A worker that only reports waits until nobody needed it for this long.
IDLE_S = 20.0
_log = logger(__name__)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what was begun."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    traced = tracing.configure(settings, service="codebattle-worker")
    chosen = await choose(settings.judge_backend)
    if chosen.note:
        _log.warning("worker.backend", note=chosen.note)
    try:
        async with opened(settings, application="codebattle worker") as parts:
            with _measured(settings), Neighbourhood(settings.cache_dir) as near:
                await work(parts, chosen.launcher, stop, near)
    finally:
        await chosen.launcher.close()
        if traced:
            await asyncio.to_thread(tracing.close)


@contextmanager
def _measured(settings: Settings) -> Iterator[None]:
    """Answer scrapes meanwhile, if the settings say where."""
    if not settings.metrics_port:
        yield
        return
    token = settings.metrics_token
    with metrics.served(
        settings.metrics_port,
        host=settings.metrics_host,
        token=token.get_secret_value() if token is not None else None,
    ):
        yield


async def work(parts: Parts, launcher: Launcher, stop: asyncio.Event, near: Neighbourhood) -> None:
    """Work with these parts and this sandbox until told to stop."""
    settings = parts.settings
    await _patiently(launcher.reap, stop)
    slots = near.cpus(cpus(settings.judge_slots))
    pool = Pool(launcher, slots)
    judge = Judge(pool, cache=ArtefactCache(settings.cache_dir / "artefacts"))
    identity = new_id()
    # All tasks below inherit it: every line says which worker speaks.
    structlog.contextvars.bind_contextvars(worker=str(identity))
    jobs, runner = _actors(parts, judge, identity, len(slots))

    async def register() -> None:
        async with parts.sessions() as session:
            await registry.register(session, identity, backend=launcher.name, slots=len(slots))

    await _patiently(register, stop)
    _log.info("worker.started", backend=launcher.name, slots=len(slots))

    trusted = asyncio.Event()
    if settings.self_test_mode is not SelfTest.REQUIRE:
        trusted.set()
    jobs.taking = runner.taking = trusted.is_set()

    async def beat() -> None:
        for doing, count in pool.census().items():
            metrics.SANDBOXES.labels(doing).set(count)
        async with parts.sessions() as session:
            state = await registry.beat(session, identity, images=jobs.images)
        near.tell()
        jobs.taking = trusted.is_set() and state is not WorkerState.QUARANTINED
        runner.taking = jobs.taking

    sender = sender_from(settings)

    background = [
        asyncio.create_task(_hearing(parts, jobs, runner, len(slots)), name="bell"),
        asyncio.create_task(_every(settings.heartbeat_s, jobs.beat, runner.beat), name="beat"),
        asyncio.create_task(_every(settings.sweep_s, jobs.sweep, runner.sweep), name="sweep"),
        asyncio.create_task(_every(WORKER_BEAT_S, beat), name="registry"),
        asyncio.create_task(_every(settings.sweep_s, partial(_settle, parts)), name="rejudging"),
        *_of_events(parts),
        asyncio.create_task(_every(DELIVER_S, partial(_deliver, parts, sender)), name="webhooks"),
        asyncio.create_task(_every(PRUNE_S, partial(_prune, parts)), name="pruning"),
        asyncio.create_task(_test(parts, judge, jobs, identity, trusted), name="self-test"),
    ]
    stopping = asyncio.create_task(stop.wait())
    try:
        # None of them ends by itself: if one does, that is a bug and ends the worker.
        await asyncio.wait([stopping, *background], return_when=asyncio.FIRST_COMPLETED)
    finally:
        _log.info("worker.draining", held=jobs.held, jobs=runner.held)
        await ended(background[0], background[2], within_s=5)
        with suppress(SQLAlchemyError, OSError):
            async with parts.sessions() as session:
                await registry.drain(session, identity)
        await asyncio.gather(jobs.drain(settings.drain_s), runner.drain(settings.drain_s))
        for task in (stopping, *background):
            task.cancel()
        results = await asyncio.gather(stopping, *background, return_exceptions=True)
        with suppress(SQLAlchemyError, OSError):
            async with parts.sessions() as session:
                await registry.move(session, identity, WorkerState.GONE)
        await pool.close()
        await sender.__aexit__()
        _log.info("worker.stopped")
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _settle(parts: Parts) -> None:
    """Make rejudge sets ready whose last judging has ended."""
    async with parts.sessions() as session:
        await rejudging.settle(session)


def _of_events(parts: Parts) -> list[asyncio.Task[None]]:
    """Begin what workers do for events beside judging."""
    acts = {
        "clock": (RETRY_S, ticking.keep_ticking),
        "tick": (announcing.EVERY_S, _announce),
        "events": (tending.TEND_S, tending.tend),
        "boards": (keeping.EVERY_S, keeping.keep),
        "moments": (timelines.EVERY_S, timelines.keep),
    }
    return [
        asyncio.create_task(_every(seconds, partial(act, parts)), name=name)
        for name, (seconds, act) in acts.items()
    ]


async def _announce(parts: Parts) -> None:
    """Tell whoever follows an event that it changed, and give out its statements at the start."""
    await announcing.announce(parts.sessions, parts.publisher)


def _actors(
    parts: Parts, judge: Judge, worker: UUID, slots: int
) -> tuple[SubmissionJobs, JobRunner]:
    """Return who takes work here: submissions, and jobs, whose long ones count as patient work."""
    settings = parts.settings
    packages = PackageCache(
        settings.cache_dir / "packages", parts.blobs, bytes_max=settings.package_cache_bytes_max
    )
    jobs = SubmissionJobs(parts, judge, packages, worker=worker, slots=slots)
    # Quick jobs leave one slot of several to judgings.
    quick = max(1, slots - 1)
    runner = JobRunner(parts, handlers(parts, judge, packages), worker=worker, slots=quick)
    jobs.elsewhere = lambda: runner.patient
    return jobs, runner


async def _patiently(act: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Do what a part that is away keeps us from doing as soon as it is back, or we are to stop."""
    while not stop.is_set():
        try:
            await act()
        except (*AWAY, EngineAwayError) as error:
            _log.warning("worker.waiting", error=str(error).partition("\n")[0])
        else:
            return
        await asyncio.sleep(RETRY_S)


def handlers(parts: Parts, judge: Judge, packages: PackageCache) -> dict[str, Handler]:
    """Return what jobs do, by their kind."""
    return {trials.KIND: Trials(parts, judge, packages), IMPORT: ImportJob(parts, judge)}


async def _hearing(parts: Parts, jobs: SubmissionJobs, runner: JobRunner, slots: int) -> None:
    """Hear the bell with both ears until cancelled."""
    async with asyncio.TaskGroup() as ears:
        ears.create_task(_wake(parts, jobs, runner), name="woken")
        ears.create_task(_answer(parts.settings, jobs, runner, slots), name="arq")


async def _wake(parts: Parts, jobs: SubmissionJobs, runner: JobRunner) -> None:
    """Look as soon as it rings, for as long as Redis is there, and again when it is back."""
    while True:
        try:
            what = await awaited(parts.redis)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("bell.unheard", error=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        if what == JOBS:
            runner.ring()
        elif what == LOOK:
            jobs.look_soon()


async def _answer(settings: Settings, jobs: SubmissionJobs, runner: JobRunner, slots: int) -> None:
    """Answer the bell for as long as Redis is there, and again when it is back."""

    async def look(ctx: dict[Any, Any], *_: Any, **__: Any) -> None:
        del ctx
        await jobs.look()

    async def ring(ctx: dict[Any, Any], *_: Any, **__: Any) -> None:
        del ctx
        runner.ring()

    heard = {LOOK: look, JOBS: ring}
    await ears.hear(settings, QUEUE, heard, at_once=slots, poll_s=POLL_S, retry_s=RETRY_S)


async def _prune(parts: Parts) -> None:
    async with parts.sessions() as session:
        await outbox.prune(session, now=datetime.now(UTC))
        await accounts.prune(session)
        await registry.prune(session)
        await job_service.prune(session, kinds={trials.KIND: parts.settings.trial_days * DAY_S})
        await traces.prune(session, days=parts.settings.trace_days)
        await session.commit()
        await archives.prune(session, parts.blobs)


async def _test(
    parts: Parts, judge: Judge, jobs: SubmissionJobs, worker: UUID, trusted: asyncio.Event
) -> None:
    """Attack the own sandbox as the settings say, record it, and stay; a worker has no end."""
    mode = parts.settings.self_test_mode
    if mode is SelfTest.REPORT:
        idle = 0.0
        while idle < IDLE_S:
            await asyncio.sleep(1)
            idle = 0.0 if jobs.held else idle + 1
    if mode is not SelfTest.OFF:
        result = await selftesting.attack(judge)
        held = result["status"] == selftesting.HELD
        _log.log(logging.INFO if held else logging.ERROR, "worker.tested", **result)
        await _until_stored(parts, worker, result)
        if held:
            trusted.set()
        elif mode is SelfTest.REQUIRE:
            _log.error("worker.untrusted", remedy="see `codebattle doctor`; it takes no work")
    await asyncio.Event().wait()


async def _until_stored(parts: Parts, worker: UUID, result: dict[str, Any]) -> None:
    while True:
        try:
            async with parts.sessions() as session:
                await registry.self_tested(session, worker, result)
        except (SQLAlchemyError, OSError, TimeoutError):
            await asyncio.sleep(RETRY_S)
        else:
            return


async def _deliver(parts: Parts, sender: Sender) -> None:
    # Whoever has a full round has more to do at once.
    most = parts.settings.webhook_attempts_max
    sealer = sealer_from(parts.settings)
    while await deliver_due(parts.sessions, sender, sealer, attempts_max=most):
        pass


async def _every(seconds: float, *acts: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            for act in acts:
                await act()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.warning("worker.retrying", error=type(error).__name__)
        await asyncio.sleep(seconds)
