"""Tells the world how a judging goes, without ever making it wait."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from api import redaction
from api.db.engine import AWAY, Sessions
from api.db.models import CodeSubmission
from api.ending import ended
from api.live import Kind, Publisher, Topic, Update
from api.redaction import Phase
from api.submissions import claiming
from api.submissions.claiming import Claim
from api.submissions.opponents import Opponents
from judge.judging import Progress
from judge.results import Judgement
from judge.verdicts import Verdict

# While Redis hangs, progress is let go after this; whoever follows learns the end.
LEFT_S = 2.0
Said = tuple[Sequence[str], Update]


class Reporter:
    """Takes progress as it happens and publishes it, in order, from a task of its own."""

    def __init__(self, publisher: Publisher, sessions: Sessions, claimed: Claim) -> None:
        self._publisher = publisher
        self._sessions = sessions
        self._claim = claimed
        self._problem: str | None = None
        self.submission: CodeSubmission | None = None
        self._others: Opponents | None = None
        self._facts: dict[str, Any] = {
            "submission_id": str(claimed.submission_id),
            "judging_id": str(claimed.judging_id),
            "user_id": str(claimed.user_id),
            "current": claimed.current,
        }
        self._queue: asyncio.Queue[Progress | None] = asyncio.Queue()
        self._running = False
        self._task = asyncio.create_task(self._run(), name=f"report {claimed.judging_id}")

    def about(self, submission: CodeSubmission, others: Opponents | None = None) -> None:
        """Say what is judged, as soon as that is known."""
        self.submission = submission
        self._others = others if self._claim.current else None
        self._problem = Topic.PROBLEM.of(submission.problem_id)
        self._facts |= {
            "problem_id": str(submission.problem_id),
            "event_id": str(submission.event_id) if submission.event_id else None,
            "room_id": str(submission.room_id) if submission.room_id else None,
        }

    def __call__(self, progress: Progress) -> None:
        """Take one step; called by the judge."""
        self._queue.put_nowait(progress)

    async def close(self) -> None:
        """Publish what is left, unless that takes long: the judgement is not to wait for it."""
        self._queue.put_nowait(None)
        done, _ = await asyncio.wait([self._task], timeout=LEFT_S)
        if done:
            self._task.result()
        else:
            await ended(self._task)

    async def abandon(self) -> None:
        """Publish nothing more."""
        await ended(self._task)

    def told(self, judgement: Judgement) -> dict[str, Any]:
        """Return the end as followers and other services get it."""
        failed = judgement.verdict is Verdict.JE
        return self._facts | {
            "state": "failed" if failed else "done",
            "verdict": judgement.verdict.value,
            "score": None if judgement.score is None else float(judgement.score),
            "cpu_ms": judgement.cpu_ms,
            "memory_bytes": judgement.memory_bytes,
        }

    async def judged(
        self, judgement: Judgement, *, phase: Phase | None, board: Sequence[Said] = ()
    ) -> bool:
        """Publish the end in a phase of its event; after the commit, so that who rereads finds it.

        What it did to the event's `board` goes with it: followers of both are woken once. Tell
        whether Redis took it.
        """
        self._facts["phase"] = phase
        return await self._tell(Kind.JUDGED, self.told(judgement), everywhere=True, also=board)

    async def again(self) -> None:
        """Publish that it waits again."""
        await self._tell(Kind.QUEUED, {})

    async def _run(self) -> None:
        while (progress := await self._queue.get()) is not None:
            if progress.stage == "compiling":
                await self._tell(Kind.COMPILING, {"total": progress.total})
            elif progress.stage == "running":
                if not self._running:
                    self._running = True
                    # While PostgreSQL is away the judging goes on; the end will be stored.
                    with suppress(*AWAY):
                        async with self._sessions() as session:
                            await claiming.running(session, self._claim)
                if progress.run is not None:
                    await self._tell(
                        Kind.RUNNING,
                        redaction.progress(
                            progress.index, progress.total, progress.case, progress.run
                        ),
                    )

    async def _tell(
        self,
        kind: Kind,
        data: dict[str, Any],
        *,
        everywhere: bool = False,
        also: Sequence[Said] = (),
    ) -> bool:
        topics = [
            Topic.SUBMISSION.of(self._claim.submission_id),
            Topic.USER.of(self._claim.user_id),
        ]
        if everywhere and self._problem is not None:
            topics.append(self._problem)
        others = self._others.told(kind, data) if self._others is not None else []
        own = (topics, Update(kind=kind, data=self._facts | data))
        return await self._publisher.publish_all([own, *others, *also])
