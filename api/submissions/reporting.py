"""Tells the world how a judging goes, without ever making it wait."""

import asyncio
from typing import Any

from api import redaction
from api.db.engine import Sessions
from api.live import Publisher, Topic, Update
from api.submissions import claiming
from api.submissions.claiming import Claim
from judge.judging import Progress


class Reporter:
    """Takes progress as it happens and publishes it, in order, from a task of its own."""

    def __init__(self, publisher: Publisher, sessions: Sessions, claimed: Claim) -> None:
        self._publisher = publisher
        self._sessions = sessions
        self._claim = claimed
        self._queue: asyncio.Queue[Progress | None] = asyncio.Queue()
        self._running = False
        self._task = asyncio.create_task(self._run(), name=f"report {claimed.judging_id}")

    def __call__(self, progress: Progress) -> None:
        """Take one step; called by the judge."""
        self._queue.put_nowait(progress)

    async def close(self) -> None:
        """Publish what is left."""
        self._queue.put_nowait(None)
        await self._task

    def abandon(self) -> None:
        """Publish nothing more."""
        self._task.cancel()

    async def judged(self, state: str, verdict: str | None) -> None:
        """Publish the end; after the commit, so that whoever rereads finds it."""
        await self._tell("judged", {"state": state, "verdict": verdict})

    async def again(self) -> None:
        """Publish that it waits again."""
        await self._tell("queued", {})

    async def _run(self) -> None:
        while (progress := await self._queue.get()) is not None:
            if progress.stage == "compiling":
                await self._tell("compiling", {"total": progress.total})
            elif progress.stage == "running":
                if not self._running:
                    self._running = True
                    async with self._sessions() as session:
                        await claiming.running(session, self._claim)
                if progress.run is not None:
                    await self._tell(
                        "running",
                        redaction.progress(
                            progress.index, progress.total, progress.case, progress.run
                        ),
                    )

    async def _tell(self, kind: str, data: dict[str, Any]) -> None:
        claimed = self._claim
        update = Update(
            kind=kind,
            data={
                "submission_id": str(claimed.submission_id),
                "judging_id": str(claimed.judging_id),
                **data,
            },
        )
        topics = [Topic.SUBMISSION.of(claimed.submission_id), Topic.USER.of(claimed.user_id)]
        await self._publisher.publish(topics, update)
