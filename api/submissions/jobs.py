"""Judging as a background job: claim, judge, store; heartbeats and sweeping beside it.

Actors of one worker process: every ring of the bell runs `look`, which takes a free slot and
judges until nothing is due. `beat` extends the leases of what is being judged and stops what was
lost. `sweep` looks for what nobody rang for. Nothing here depends on Redis but speed.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api import tracing
from api.blobs import BlobMissingError
from api.db.models import CodeProblem, CodeProblemVersion, CodeSubmission, Judging, Queue
from api.logs import logger
from api.metrics import JUDGING_ERRORS, REQUEUED, VERDICTS, WAIT_SECONDS
from api.problems.cache import PackageCache
from api.submissions import claiming, queries
from api.submissions.claiming import Claim
from api.submissions.reporting import Reporter
from api.submissions.stages import PREPARE, STORE, Stages
from api.wiring import Parts
from judge.errors import CodebattleError, PackageError, SourceError
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Judgement
from judge.submission import Submission
from judge.verdicts import Verdict

# What a database that is away or restarting raises; anything else is a bug.
AWAY = (OperationalError, InterfaceError, PoolTimeoutError, OSError)
_log = logger(__name__)


class Judges(Protocol):
    """Whoever judges; `judge.judging.Judge` does."""

    async def judge(
        self,
        problem: Problem,
        submission: Submission,
        *,
        options: Options,
        progress: Callable[[Progress], None],
    ) -> Judgement:
        """Judge one submission."""


@dataclass(slots=True, eq=False)
class _Held:
    """A judging in progress; `lost` says that somebody else has it by now."""

    claim: Claim
    task: asyncio.Task[None]
    lost: bool = False


class SubmissionJobs:
    """What one worker process does with submissions."""

    def __init__(
        self, parts: Parts, judge: Judges, packages: PackageCache, *, worker: UUID, slots: int
    ) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._judge = judge
        self._packages = packages
        self._worker = worker
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._held: dict[UUID, _Held] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self.draining = False
        self.taking = True

    @property
    def held(self) -> int:
        """Return how many judgings are in progress."""
        return len(self._held)

    async def look(self) -> None:
        """Judge until nothing is due."""
        async with self._free:
            while self.taking and not self.draining:
                async with self._parts.sessions() as session:
                    claimed = await claiming.claim(
                        session,
                        self._worker,
                        lease_s=self._settings.lease_s,
                        queues=self._queues(),
                    )
                if claimed is None:
                    return
                waited = (claimed.started_at - claimed.queued_at).total_seconds()
                WAIT_SECONDS.labels(claimed.queue.value).observe(waited)
                task = asyncio.create_task(self._run(claimed), name=f"judge {claimed.judging_id}")
                self._held[claimed.judging_id] = _Held(claimed, task)
                # A cancelled look (arq's way to stop) leaves the judging to `drain`.
                await asyncio.wait([task])

    async def beat(self) -> None:
        """Extend all leases; stop judgings that are no longer ours."""
        if not self._held:
            return
        tokens = {each: held.claim.token for each, held in self._held.items()}
        async with self._parts.sessions() as session:
            kept = await claiming.extend(
                session, self._worker, tokens, lease_s=self._settings.lease_s
            )
        for each, held in list(self._held.items()):
            if each in tokens and each not in kept and not held.task.done():
                JUDGING_ERRORS.labels("lease_lost").inc()
                _log.warning("judging.lease_lost", judging_id=str(each))
                held.lost = True
                held.task.cancel()

    async def sweep(self) -> None:
        """Queue again what lost its worker, and look when something waits unheard."""
        async with self._parts.sessions() as session:
            again, given_up = await claiming.sweep(
                session, claims_max=self._settings.judging_claims_max
            )
            waiting = await claiming.any_queued(session)
        if again:
            REQUEUED.inc(again)
            _log.warning("judging.requeued", count=again)
        for submission_id in given_up:
            _log.error("judging.given_up", submission_id=str(submission_id))
        if waiting and not self._free.locked() and not self.draining:
            task = asyncio.create_task(self.look(), name="look")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def drain(self, patience_s: float) -> None:
        """Take nothing new, finish what is in progress, give back what does not finish."""
        self.draining = True
        tasks = [held.task for held in self._held.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=patience_s)
        rest = [task for task in tasks if not task.done()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=5)

    def _queues(self) -> list[Queue]:
        """Return what may be claimed: one slot of several is always kept for people who wait."""
        patient = sum(held.claim.queue is not Queue.INTERACTIVE for held in self._held.values())
        if self._slots > 1 and patient >= self._slots - 1:
            return [Queue.INTERACTIVE]
        return list(Queue)

    async def _run(self, claimed: Claim) -> None:
        structlog.contextvars.bind_contextvars(
            submission_id=str(claimed.submission_id), judging_id=str(claimed.judging_id)
        )
        judging_id = str(claimed.judging_id)
        with tracing.span("judging", parent=claimed.carrier, judging_id=judging_id):
            tracing.happened("queue", claimed.queued_at, claimed.started_at)
            stages = Stages()
            try:
                await self._to_the_end(claimed, stages)
            finally:
                stages.close()

    async def _to_the_end(self, claimed: Claim, stages: Stages) -> None:
        reporter = Reporter(self._parts.publisher, self._parts.sessions, claimed)
        try:
            judgement = await self._judged(claimed, reporter, stages)
            await reporter.close()
            stages.enter(STORE)
            await self._finish(claimed, judgement, reporter)
        except asyncio.CancelledError:
            held = self._held.get(claimed.judging_id)
            if held is None or not held.lost:
                await asyncio.shield(self._give_back(claimed, reporter, failed=False))
            raise
        except AWAY as error:
            # PostgreSQL is away: the lease runs out, and somebody judges it again.
            JUDGING_ERRORS.labels("storage").inc()
            _log.error("judging.unstored", error=type(error).__name__)
        except Exception:  # noqa: BLE001 - said and counted right here
            # The worker's boundary: a bug costs this judging a try, never the worker.
            JUDGING_ERRORS.labels("bug").inc()
            _log.exception("judging.bug")
            await self._give_back(claimed, reporter, failed=True)
        finally:
            reporter.abandon()
            self._held.pop(claimed.judging_id, None)

    async def _judged(self, claimed: Claim, reporter: Reporter, stages: Stages) -> Judgement:
        stages.enter(PREPARE)
        async with self._parts.sessions() as session:
            found = (
                await session.execute(
                    select(CodeSubmission, CodeProblemVersion, CodeProblem.slug)
                    .join(Judging, Judging.submission_id == CodeSubmission.id)
                    .join(CodeProblemVersion, CodeProblemVersion.id == Judging.version_id)
                    .join(CodeProblem, CodeProblem.id == CodeProblemVersion.problem_id)
                    .where(Judging.id == claimed.judging_id)
                )
            ).one()
            files = await queries.source(session, claimed.submission_id)
        row, version, slug = found
        reporter.about(row)
        structlog.contextvars.bind_contextvars(request_id=row.request_id)
        tracing.note(submission_id=str(row.id), request_id=row.request_id, language=row.language)

        def progress(step: Progress) -> None:
            stages.follow(step)
            reporter(step)

        submission = Submission(files=files, language=row.language, entry_point=row.entry_point)
        try:
            problem = await self._packages.problem(version.package_sha256, slug)
            return await self._judge.judge(
                problem,
                submission,
                options=Options(cpu_ms=version.cpu_ms, attempts_max=2),
                progress=progress,
            )
        except SourceError as error:
            return _failed(slug, submission, Verdict.CE, str(error))
        except (PackageError, BlobMissingError) as error:
            JUDGING_ERRORS.labels("package").inc()
            return _failed(slug, submission, Verdict.JE, str(error))
        except CodebattleError as error:
            JUDGING_ERRORS.labels("engine").inc()
            return _failed(slug, submission, Verdict.JE, str(error))

    async def _finish(self, claimed: Claim, judgement: Judgement, reporter: Reporter) -> None:
        if judgement.verdict is Verdict.JE:
            JUDGING_ERRORS.labels("verdict").inc()
            _log.error("judging.error", reason=judgement.reason, errors=claimed.errors + 1)
            if claimed.errors + 1 < self._settings.judging_attempts_max:
                await self._give_back(claimed, reporter, failed=True)
                return
        async with self._parts.sessions() as session:
            done = await claiming.store(session, claimed, judgement, told=reporter.told(judgement))
        if not done.stored:
            JUDGING_ERRORS.labels("lease_lost").inc()
            _log.warning("judging.refused", reason="the lease was lost")
            return
        VERDICTS.labels(judgement.verdict.value, judgement.language).inc()
        tracing.note(verdict=judgement.verdict.value, sandbox=judgement.backend)
        await reporter.judged(judgement)
        _log.info(
            "judging.done",
            verdict=judgement.verdict.value,
            waited_ms=round((claimed.started_at - claimed.queued_at).total_seconds() * 1000),
            cpu_ms=judgement.cpu_ms,
            sandbox=judgement.backend,
            image=judgement.image_digest,
        )

    async def _give_back(self, claimed: Claim, reporter: Reporter, *, failed: bool) -> None:
        with suppress(*AWAY):
            async with self._parts.sessions() as session:
                worker = self._worker if failed else None
                if await claiming.give_back(session, claimed, failed_on=worker):
                    await reporter.again()
                    await self._parts.bell.ring()


def _failed(problem: str, submission: Submission, verdict: Verdict, reason: str) -> Judgement:
    return Judgement(
        problem=problem,
        verdict=verdict,
        language=submission.language,
        reason=reason,
        entry_point=submission.entry_point,
        source_hash=submission.source_hash,
    )
