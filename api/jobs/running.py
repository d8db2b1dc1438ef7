"""Jobs in a worker: claim, do, store; heartbeats and sweeping beside it.

What a job does is a handler's business, chosen by its kind. One long job runs at a time, so that
slots stay free for people who wait; quick ones run as many at once as there are slots. Failures
of ours are tried again, here or elsewhere, and end as `failed` when they do not go away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from api.blobs import BlobMissingError
from api.db.engine import AWAY
from api.db.models import JobLane, JobState
from api.ending import ended
from api.errors import ApiError, details
from api.jobs import claiming, service
from api.jobs.claiming import JobClaim, Store
from api.jobs.reporting import Reporter
from api.logs import logger
from api.metrics import JOBS_ENDED
from api.queue import JOBS
from api.wiring import Parts
from judge.errors import EngineError, SandboxError

# What may go away by itself, or on another machine.
OURS = (SandboxError, EngineError, BlobMissingError)
OUR_FAULT = "Our fault. It is logged under this job's id."
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a handler is given. `progress` takes per cent and a line for a person."""

    job_id: UUID
    owner_id: UUID | None
    payload: Mapping[str, Any]
    progress: Callable[[int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a handler came to; with an `error` the job has failed, whatever its result says.

    `store` writes what was made in the transaction that ends the job, and adds to the result.
    """

    result: Mapping[str, Any] = field(default_factory=dict)
    error: ApiError | None = None
    store: Store | None = None


Handler = Callable[[Work], Awaitable[Finished]]


@dataclass(slots=True, eq=False)
class _Held:
    """A job in progress; `lost` says that somebody else has it by now, or that it was cancelled."""

    claim: JobClaim
    lane: JobLane
    task: asyncio.Task[None]
    lost: bool = False


class JobRunner:
    """What one worker process does with jobs."""

    def __init__(
        self, parts: Parts, handlers: Mapping[str, Handler], *, worker: UUID, slots: int
    ) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._handlers = dict(handlers)
        self._worker = worker
        self._permits = {JobLane.QUICK: slots, JobLane.LONG: 1}
        self._free = {lane: asyncio.Semaphore(count) for lane, count in self._permits.items()}
        self._held: dict[UUID, _Held] = {}
        self._looking: dict[JobLane, set[asyncio.Task[None]]] = {lane: set() for lane in JobLane}
        self.draining = False
        self.taking = True

    @property
    def held(self) -> int:
        """Return how many jobs are in progress."""
        return len(self._held)

    @property
    def patient(self) -> int:
        """Return how many long jobs are in progress: they may take a slot each."""
        return sum(held.lane is JobLane.LONG for held in self._held.values())

    def ring(self, *lanes: JobLane) -> None:
        """Look for jobs in the background; one look in waiting for each lane is enough."""
        for lane in lanes or tuple(JobLane):
            if len(self._looking[lane]) <= self._permits[lane] and not self.draining:
                task = asyncio.create_task(self.look(lane), name=f"look for {lane} jobs")
                self._looking[lane].add(task)
                task.add_done_callback(self._looking[lane].discard)

    async def look(self, lane: JobLane) -> None:
        """Do the jobs of a lane until nothing is due."""
        async with self._free[lane]:
            while self.taking and not self.draining:
                try:
                    async with self._parts.sessions() as session:
                        claimed = await claiming.claim(
                            session,
                            self._worker,
                            lane,
                            kinds=self._handlers,
                            lease_s=self._settings.lease_s,
                        )
                except AWAY as error:
                    _log.warning("jobs.unclaimed", error=type(error).__name__)
                    return
                if claimed is None:
                    return
                task = asyncio.create_task(self._run(claimed, lane), name=f"job {claimed.job_id}")
                self._held[claimed.job_id] = _Held(claimed, lane, task)
                await asyncio.wait([task])

    async def beat(self) -> None:
        """Extend all leases; stop jobs that are no longer ours, or no longer wanted."""
        if not self._held:
            return
        tokens = {each: held.claim.token for each, held in self._held.items()}
        async with self._parts.sessions() as session:
            kept = await claiming.extend(
                session, self._worker, tokens, lease_s=self._settings.lease_s
            )
        for each, held in list(self._held.items()):
            if each in tokens and each not in kept and not held.task.done():
                _log.warning("job.lost", job_id=str(each), kind=held.claim.kind)
                held.lost = True
                held.task.cancel()

    async def sweep(self) -> None:
        """Queue again what lost its worker, and look when something waits unheard."""
        async with self._parts.sessions() as session:
            swept = await claiming.sweep(
                session, attempts_max=self._settings.job_attempts_max, problem=_our_fault
            )
        if swept.again:
            _log.warning("jobs.requeued", count=swept.again)
        for job_id, kind, owner_id in swept.given_up:
            _log.error("job.given_up", job_id=str(job_id), kind=kind)
            JOBS_ENDED.labels(kind, "failed").inc()
            self._parts.announcer.say(
                service.topics(job_id, owner_id), service.update(job_id, kind, JobState.FAILED)
            )
        if swept.waiting:
            self.ring(*swept.waiting)

    async def drain(self, patience_s: float) -> None:
        """Take nothing new; finish what is quick, give back all else."""
        self.draining = True
        # Before anything else: what one of them is about to claim would be held by nobody.
        await ended(*(each for looks in self._looking.values() for each in looks))
        for held in self._held.values():
            if held.lane is JobLane.LONG:
                held.task.cancel()
        tasks = [held.task for held in self._held.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=patience_s)
        await ended(*tasks, within_s=5)

    async def _run(self, claimed: JobClaim, lane: JobLane) -> None:
        structlog.contextvars.bind_contextvars(
            job_id=str(claimed.job_id), kind=claimed.kind, request_id=claimed.request_id
        )
        reporter = Reporter(self._parts, claimed)
        try:
            finished = await self._handlers[claimed.kind](
                Work(
                    job_id=claimed.job_id,
                    owner_id=claimed.owner_id,
                    payload=claimed.payload,
                    progress=reporter,
                )
            )
            await reporter.close()
            await self._finish(claimed, lane, finished)
        except asyncio.CancelledError:
            held = self._held.get(claimed.job_id)
            if held is None or not held.lost:
                await asyncio.shield(self._give_back(claimed, failed=False))
            raise
        except ApiError as error:
            with suppress(*AWAY):
                await self._finish(claimed, lane, Finished(error=error))
        except AWAY as error:
            # PostgreSQL is away: the lease runs out, and somebody does it again.
            _log.error("job.unstored", error=str(error))
        except OURS as error:
            await self._failed(claimed, lane, error)
        except Exception as error:  # noqa: BLE001 - said and counted right here
            # The worker's boundary: a bug costs this job a try, never the worker.
            await self._failed(claimed, lane, error)
        finally:
            await reporter.close(tell=False)
            self._held.pop(claimed.job_id, None)

    async def _finish(self, claimed: JobClaim, lane: JobLane, finished: Finished) -> None:
        error = None
        if finished.error is not None:
            where = service.url(claimed.job_id)
            error = details(finished.error, instance=where, request_id=claimed.request_id)
        try:
            await self._end(claimed, lane, result=finished.result, error=error, by=finished.store)
        except ApiError as refused:
            await self._finish(claimed, lane, Finished(result=finished.result, error=refused))

    async def _failed(self, claimed: JobClaim, lane: JobLane, error: Exception) -> None:
        """Log a failure of ours; try again later, or end the job when it was tried enough."""
        _log.error("job.failed", attempt=claimed.attempt, exc_info=error)
        with suppress(*AWAY):
            if claimed.attempt < self._settings.job_attempts_max:
                await self._give_back(claimed, failed=True)
                return
            problem = _our_fault(claimed.job_id, claimed.request_id)
            await self._end(claimed, lane, result=None, error=problem)

    async def _end(
        self,
        claimed: JobClaim,
        lane: JobLane,
        *,
        result: Mapping[str, Any] | None,
        error: dict[str, Any] | None,
        by: Store | None = None,
    ) -> None:
        async with self._parts.sessions() as session:
            stored = await claiming.finish(
                session,
                claimed,
                result=result or None,
                error=error,
                store=by if error is None else None,
                # What was tried is nobody's business once it has run.
                forget=lane is JobLane.QUICK,
            )
        if not stored:
            _log.warning("job.refused", reason="the lease was lost")
            return
        state = JobState.DONE if error is None else JobState.FAILED
        JOBS_ENDED.labels(claimed.kind, state.value).inc()
        _log.info("job.ended", state=state.value, attempt=claimed.attempt)
        await self._tell(claimed, state, progress=100 if error is None else 0)

    async def _give_back(self, claimed: JobClaim, *, failed: bool) -> None:
        with suppress(*AWAY):
            async with self._parts.sessions() as session:
                given = await claiming.give_back(session, claimed, failed=failed)
            if given:
                await self._tell(claimed, JobState.QUEUED)
                await self._parts.bell.ring(JOBS)

    async def _tell(self, claimed: JobClaim, state: JobState, *, progress: int = 0) -> None:
        await self._parts.publisher.publish(
            service.topics(claimed.job_id, claimed.owner_id),
            service.update(claimed.job_id, claimed.kind, state, progress=progress),
        )


def _our_fault(job_id: UUID, request_id: str) -> dict[str, Any]:
    return details(ApiError(OUR_FAULT), instance=service.url(job_id), request_id=request_id)
