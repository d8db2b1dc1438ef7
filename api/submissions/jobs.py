"""Judging as a background job: claim, judge, store; heartbeats and sweeping beside it.

Actors of one worker process: every ring of the bell runs `look`, which takes a free slot and
judges until nothing is due. `beat` extends the leases of what is being judged and stops what was
lost. `sweep` looks for what nobody rang for. Nothing here depends on Redis but speed.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import NoResultFound

from api import tracing
from api.blobs import BlobMissingError
from api.db.engine import AWAY
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    CodeSubmission,
    EventProblem,
    Judging,
    Queue,
)
from api.ending import ended
from api.logs import logger
from api.metrics import JUDGING_ERRORS, REQUEUED, VERDICTS, WAIT_SECONDS
from api.problems.cache import PackageCache
from api.submissions import boarding, claiming, opponents, queries, storing, telling
from api.submissions.claiming import Claim
from api.submissions.reporting import Reporter
from api.submissions.stages import PREPARE, STORE, Stages
from api.wiring import Parts
from api.workers.watching import Watch
from judge.errors import CodebattleError, EngineAwayError, PackageError, SourceError
from judge.judging import Options, Progress
from judge.problem import Problem
from judge.results import Judgement
from judge.submission import Submission
from judge.verdicts import Verdict

# While PostgreSQL is away a judgement is offered again, this often and for so long.
STORE_S = 0.3
STORE_S_MAX = 30.0
# A worker whose sandbox engine is away leaves the work to others for so long.
REST_S = 5.0
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
    """A judging in progress; `lost`: somebody else has it by now, `over`: it is stored."""

    claim: Claim
    task: asyncio.Task[None]
    lost: bool = False
    over: bool = False


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
        self._watch = Watch(
            double_check_share=self._settings.double_check_share,
            quarantine_after=self._settings.quarantine_after,
        )
        self._told: set[UUID] = set()
        self._rests_until = 0.0
        self.draining = False
        self.taking = True
        # Digests of the images that were judged with, by name.
        self.images: dict[str, str] = {}
        # How much other work that can wait may take a slot of this worker.
        self.elsewhere: Callable[[], int] = lambda: 0

    @property
    def held(self) -> int:
        """Return how many judgings are in progress."""
        return len(self._held)

    async def look(self) -> None:
        """Judge until nothing is due."""
        async with self._free:
            while self._takes():
                claimed = await self._claimed()
                if claimed is None:
                    return
                waited = (claimed.started_at - claimed.queued_at).total_seconds()
                WAIT_SECONDS.labels(claimed.queue.value).observe(waited)
                task = asyncio.create_task(self._run(claimed), name=f"judge {claimed.judging_id}")
                self._held[claimed.judging_id] = _Held(claimed, task)
                # A cancelled look (arq's way to stop) leaves the judging to `drain`.
                await asyncio.wait([task])

    def _takes(self) -> bool:
        rested = time.monotonic() >= self._rests_until
        return self.taking and rested and not self.draining

    async def _claimed(self) -> Claim | None:
        """Claim what is due; while PostgreSQL is away nothing is, and the sweep looks again."""
        try:
            async with self._parts.sessions() as session:
                return await claiming.claim(
                    session, self._worker, lease_s=self._settings.lease_s, queues=self._queues()
                )
        except AWAY as error:
            _log.warning("worker.retrying", error=type(error).__name__)
            return None

    async def beat(self) -> None:
        """Extend all leases; stop judgings that are no longer ours."""
        tokens = {each: held.claim.token for each, held in self._held.items() if not held.over}
        if not tokens:
            return
        async with self._parts.sessions() as session:
            kept = await claiming.extend(
                session, self._worker, tokens, lease_s=self._settings.lease_s
            )
        for each, held in list(self._held.items()):
            if each in tokens and each not in kept and not (held.over or held.task.done()):
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
        await self._tell_untold()
        if waiting:
            self.look_soon()

    def look_soon(self) -> None:
        """Look in the background, if a slot is free."""
        if not self._free.locked() and not self.draining:
            task = asyncio.create_task(self.look(), name="look")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _tell_untold(self) -> None:
        """Note which ends were told, and tell those that nobody did: a worker died, Redis was away.

        Whoever follows live hears of an end at least once, whatever is killed after the commit.
        """
        told = frozenset(self._told)
        async with self._parts.sessions() as session:
            if told:
                await telling.note(session, told)
                self._told -= told
            again = await telling.tell_untold(session, self._parts.publisher)
        if again:
            _log.warning("judging.told_late", count=again)

    async def drain(self, patience_s: float) -> None:
        """Take nothing new, finish what is in progress, give back what does not finish."""
        self.draining = True
        # Before anything else: what one of them is about to claim would be held by nobody.
        await ended(*self._looking)
        tasks = [held.task for held in self._held.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=patience_s)
        await ended(*tasks, within_s=5)
        with suppress(*AWAY):
            await self._tell_untold()

    def _queues(self) -> list[Queue]:
        """Return what may be claimed: one slot of several is always kept for people who wait."""
        patient = sum(held.claim.queue is not Queue.INTERACTIVE for held in self._held.values())
        patient += self.elsewhere()
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
        except NoResultFound:
            # Its rejudge set was cancelled a moment ago: there is nothing to store it in.
            _log.info("judging.gone")
        except AWAY as error:
            # PostgreSQL is away: the lease runs out, and somebody judges it again.
            JUDGING_ERRORS.labels("storage").inc()
            _log.error("judging.unstored", error=type(error).__name__)
        except EngineAwayError as error:
            # Nobody's fault and no try: it waits for another worker, or for the engine.
            JUDGING_ERRORS.labels("engine").inc()
            _log.error("judging.engine_away", error=str(error))
            self._rests_until = time.monotonic() + REST_S
            await self._give_back(claimed, reporter, failed=False)
        except Exception:  # noqa: BLE001 - said and counted right here
            # The worker's boundary: a bug costs this judging a try, never the worker.
            JUDGING_ERRORS.labels("bug").inc()
            _log.exception("judging.bug")
            await self._give_back(claimed, reporter, failed=True)
        finally:
            await reporter.abandon()
            self._held.pop(claimed.judging_id, None)

    async def _judged(self, claimed: Claim, reporter: Reporter, stages: Stages) -> Judgement:
        stages.enter(PREPARE)
        async with self._parts.sessions() as session:
            found = (
                await session.execute(
                    select(
                        CodeSubmission,
                        CodeProblemVersion,
                        CodeProblem.slug,
                        # An event may have limits of its own.
                        func.coalesce(EventProblem.cpu_ms, CodeProblemVersion.cpu_ms),
                        EventProblem.memory_bytes,
                    )
                    .join(Judging, Judging.submission_id == CodeSubmission.id)
                    .join(CodeProblemVersion, CodeProblemVersion.id == Judging.version_id)
                    .join(CodeProblem, CodeProblem.id == CodeProblemVersion.problem_id)
                    .outerjoin(
                        EventProblem,
                        (EventProblem.event_id == CodeSubmission.event_id)
                        & (EventProblem.problem_id == CodeSubmission.problem_id),
                    )
                    .where(Judging.id == claimed.judging_id)
                )
            ).one()
            files = await queries.source(session, claimed.submission_id)
            others = await opponents.of(session, found[0])
        row, version, slug, cpu_ms, memory_bytes = found
        reporter.about(row, others)
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
                options=Options(cpu_ms=cpu_ms, memory_bytes=memory_bytes, attempts_max=2),
                progress=progress,
            )
        except SourceError as error:
            return _failed(slug, submission, Verdict.CE, str(error))
        except EngineAwayError:
            raise
        except (PackageError, BlobMissingError) as error:
            JUDGING_ERRORS.labels("package").inc()
            return _failed(slug, submission, Verdict.JE, str(error))
        except CodebattleError as error:
            JUDGING_ERRORS.labels("engine").inc()
            return _failed(slug, submission, Verdict.JE, str(error))

    async def _finish(self, claimed: Claim, judgement: Judgement, reporter: Reporter) -> None:
        if judgement.image:
            self.images[judgement.image] = judgement.image_digest
        if judgement.verdict is Verdict.JE:
            JUDGING_ERRORS.labels("verdict").inc()
            _log.error("judging.error", reason=judgement.reason, errors=claimed.errors + 1)
            if claimed.errors + 1 < self._settings.judging_attempts_max:
                await self._give_back(claimed, reporter, failed=True)
                return
        stored = await self._stored(claimed, judgement, reporter)
        if not stored.stored:
            JUDGING_ERRORS.labels("lease_lost").inc()
            _log.warning("judging.refused", reason="the lease was lost")
            return
        if self._settings.similarity and claimed.current:
            self._parts.bell.judged(claimed.submission_id)
        VERDICTS.labels(judgement.verdict.value, judgement.language).inc()
        tracing.note(verdict=judgement.verdict.value, sandbox=judgement.backend)
        if claimed.judging_id in self._held:
            self._held[claimed.judging_id].over = True
        board = boarding.said([stored.changed])
        if await reporter.judged(judgement, phase=stored.phase, board=board):
            self._told.add(claimed.judging_id)
        _log.info(
            "judging.done",
            verdict=judgement.verdict.value,
            waited_ms=round((claimed.started_at - claimed.queued_at).total_seconds() * 1000),
            cpu_ms=judgement.cpu_ms,
            sandbox=judgement.backend,
            image=judgement.image_digest,
        )

    async def _stored(
        self, claimed: Claim, judgement: Judgement, reporter: Reporter
    ) -> storing.Stored:
        """Store a judgement, if the claim still holds.

        A commit that nobody answered may have happened: then there is nothing left to store, and
        the sweep tells the end.
        """
        deadline = time.monotonic() + STORE_S_MAX
        row = reporter.submission
        known = None if row is None else boarding.known(row, claimed.judging_id, judgement)
        while True:
            try:
                async with self._parts.sessions() as session:
                    return await storing.store(
                        session,
                        claimed,
                        judgement,
                        told=reporter.told(judgement),
                        watch=self._watch,
                        known=known,
                    )
            except AWAY as error:
                if time.monotonic() > deadline:
                    raise
                _log.warning("worker.retrying", error=type(error).__name__)
            await asyncio.sleep(STORE_S)

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
