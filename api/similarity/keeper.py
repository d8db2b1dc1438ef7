"""What the similarity process does: takes in what was judged, sweeps up what was missed, repairs.

Everything is in PostgreSQL; a ring only says what to look at first. One such process works at a
time, which `owning` sees to: others wait until it is gone.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from api.db.models import Compared, Job, JobState, SimilarityFingerprint
from api.jobs import service as jobs
from api.jobs.running import Finished, Handler, Work
from api.logs import logger
from api.similarity import patterns, service
from api.similarity.archive import Archive
from api.similarity.embeds import Embeds
from api.similarity.fingerprinting import BATCH, Fingerprints
from api.similarity.patterns import Patterns
from api.similarity.report_job import ReportJob
from api.similarity.suggesting import Suggestions
from api.wiring import Parts
from judge.errors import EngineError

REBUILD: Final = "similarity-rebuild"
EMBEDDING: Final = "similarity-embedding"
_AT_ONCE = 200
_LOOK_S = 0.2
_WAITING_MAX = 10_000
_log = logger(__name__)


class Keeper:
    """Keeps what similarity needs: fingerprints, the archive's index, statements' vectors."""

    def __init__(self, parts: Parts, embeds: Embeds | None = None) -> None:
        self._parts = parts
        self.fingerprints = Fingerprints(parts)
        self.embeds = embeds or Embeds(parts)
        self.archive = Archive(parts, self.fingerprints, self.embeds)
        self.reports = ReportJob(parts, self.fingerprints)
        self.patterns = Patterns(parts, self.fingerprints)
        self.suggestions = Suggestions(parts, self.fingerprints, self.embeds)
        self._waiting: set[UUID] = set()
        # Problems whose patterns may be out of date.
        self._touched: set[UUID] = set()
        self._more = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Get ready: read the index, or make it."""
        used = await self.archive.open()
        await self.embeds.open()
        async with self._parts.sessions() as session:
            self._touched |= set(
                await session.scalars(select(SimilarityFingerprint.problem_id).distinct())
            )
        _log.info("similarity.opened", indexed=len(self.archive), from_file=used)

    async def close(self, *, save: bool = True) -> None:
        """Write the index and let go of the vectors; nothing of ours is written afterwards.

        Who no longer owns similarity does not `save`.
        """
        if save:
            await self.archive.save()
        await self.archive.close()
        await self.embeds.close()

    def ring(self, submission_id: UUID) -> None:
        """Note that a submission was judged; what is too much at once a sweep finds."""
        if len(self._waiting) < _WAITING_MAX:
            self._waiting.add(submission_id)
            self._more.set()

    async def run(self) -> None:
        """Take in what is rung for, until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                some = [self._waiting.pop() for _ in range(min(BATCH, len(self._waiting)))]
                await self.take(some)

    async def sweep(self) -> int:
        """Take in what nobody rang for; return how many there were."""
        count = 0
        while some := await self.fingerprints.missing(BATCH):
            await self.take(some)
            count += len(some)
        count += await self._compare_what_was_not()
        await self._embed_what_is_left()
        async with self._one_at_a_time:
            await self.embeds.look()
        await self._make_patterns_that_are_due()
        await self.archive.save()
        return count

    async def _compare_what_was_not(self) -> int:
        """Compare what was not, or not with vectors that are there by now; each of them once.

        That is so after a process that ended between two steps, and while vectors were away.
        """
        count, last = 0, None
        also = [] if self.embeds.away is not None else [Compared.TOKENS]
        while some := await self.fingerprints.uncompared(BATCH, after=last, also=also):
            await self.take(some)
            count, last = count + len(some), some[-1]
        return count

    async def _embed_what_is_left(self) -> None:
        """Embed what was missed; when that is much, as after a change of the model, in a job."""
        if len(await self.embeds.pending()) <= _AT_ONCE:
            try:
                async with self._one_at_a_time:
                    await self.embeds.catch_up()
            except EngineError as error:
                _log.warning("similarity.model_away", reason=str(error), remedy="it is tried again")
            return
        unfinished = select(Job.id).where(
            Job.kind == EMBEDDING, Job.state.in_((JobState.QUEUED, JobState.RUNNING))
        )
        async with self._parts.sessions() as session:
            if await session.scalar(unfinished.limit(1)) is None:
                job = await jobs.enqueue(
                    session, self._parts.settings, EMBEDDING, {}, owner_id=None
                )
                await session.commit()
                _log.info("similarity.embedding", job_id=str(job.id))

    async def _make_patterns_that_are_due(self) -> None:
        """Queue a job for each problem that got enough new solutions."""
        while self._touched:
            problem_id = self._touched.pop()
            if await self.patterns.due(problem_id):
                await self.patterns.ask_once(problem_id)

    async def take(self, ids: Collection[UUID]) -> None:
        """Fingerprint submissions and compare them with the archive and with patterns."""
        async with self._one_at_a_time:
            await self.fingerprints.make(sorted(ids))
            await self.embeds.take(sorted(ids))
            taken = await self.archive.take(ids)
            away = self.embeds.away is not None
            await self.fingerprints.note(ids, Compared.TOKENS if away else Compared.ALL)
            await self.suggestions.take(sorted(ids))
        async with self._parts.sessions() as session:
            self._touched |= set(
                await session.scalars(
                    select(SimilarityFingerprint.problem_id)
                    .where(SimilarityFingerprint.submission_id.in_(ids))
                    .distinct()
                )
            )
        _log.info("similarity.taken", count=taken)

    async def recover(self) -> None:
        """Try vectors that are away again; what came in since is compared once more."""
        if self.embeds.away is None:
            return
        async with self._one_at_a_time:
            back = await self.embeds.recover()
        if back:
            await self._compare_what_was_not()

    async def rebuild(self, work: Work) -> Finished:
        """Make every index anew from PostgreSQL: a job of the kind `similarity-rebuild`."""
        async with self._one_at_a_time:
            await self.archive.rebuild(work.progress)
            made = await self.embeds.rebuild(work.progress)
        return Finished(result={"indexed": len(self.archive), **made})

    async def embed(self, work: Work) -> Finished:
        """Embed what the model in use has not seen: a job of the kind `similarity-embedding`."""
        async with self._one_at_a_time:
            count = await self.embeds.catch_up(work.progress)
        return Finished(result={"embedded": count})

    async def make_patterns(self, work: Work) -> Finished:
        """Find the approaches to a problem and what they suggest: job `solution-patterns`."""
        problem_id = UUID(work.payload["problem_id"])
        made: dict[str, int] = {}
        if work.payload["cluster"]:
            made = await self.patterns.make(problem_id, work.progress)
        async with self._one_at_a_time:
            if made:
                await self.embeds.take_patterns(problem_id)
            made["compared"] = await self.suggestions.make(problem_id, work.progress)
        return Finished(result=made)

    @property
    def handlers(self) -> dict[str, Handler]:
        """Return what is done in jobs, by their kind."""
        return {
            service.KIND: self.reports,
            patterns.KIND: self.make_patterns,
            REBUILD: self.rebuild,
            EMBEDDING: self.embed,
        }


async def asked(parts: Parts, say: Callable[[int, str], None]) -> Mapping[str, Any]:
    """Have the process that keeps similarity rebuild, follow it, and return what came of it."""
    async with parts.sessions() as session:
        job = await jobs.enqueue(session, parts.settings, REBUILD, {}, owner_id=None)
        await session.commit()
    last = ""
    while True:
        async with parts.sessions() as session:
            now = await session.get_one(Job, job.id)
        if now.state.final:
            break
        if now.message != last:
            last = now.message
            say(now.progress, last)
        await asyncio.sleep(_LOOK_S)
    if now.state is not JobState.DONE or now.result is None:
        raise EngineError(f"the similarity process did not rebuild: job {job.id} {now.state}")
    return now.result
