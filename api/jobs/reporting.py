"""Tells how far a job is, without ever making it wait: of what comes too fast, the latest."""

import asyncio
from contextlib import suppress

from api.db.engine import AWAY
from api.db.models import JobState
from api.jobs import claiming, service
from api.jobs.claiming import JobClaim
from api.wiring import Parts


class Reporter:
    """Stores and publishes progress from a task of its own, which says first that it runs."""

    def __init__(self, parts: Parts, claimed: JobClaim) -> None:
        self._parts = parts
        self._claim = claimed
        self._latest: tuple[int, str] | None = None
        self._more = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name=f"report {claimed.job_id}")

    def __call__(self, progress: int, message: str) -> None:
        """Take one step."""
        self._latest = (min(100, max(0, progress)), message)
        self._more.set()

    async def close(self, *, tell: bool = True) -> None:
        """Publish what is left, unless nobody is to be told, and end.

        It is not cancelled: a connection to Redis that is being opened would stay open.
        """
        self._closing = True
        if not tell:
            self._latest = None
        self._more.set()
        await asyncio.shield(self._task)

    async def _run(self) -> None:
        await self._tell(0, "")
        while self._latest is not None or not self._closing:
            await self._more.wait()
            self._more.clear()
            if self._latest is None:
                continue
            (progress, message), self._latest = self._latest, None
            # What cannot be written now is written with the next step, or with the end.
            with suppress(*AWAY):
                async with self._parts.sessions() as session:
                    if not await claiming.advance(session, self._claim, progress, message):
                        return
                await self._tell(progress, message)

    async def _tell(self, progress: int, message: str) -> None:
        await self._parts.publisher.publish(
            service.topics(self._claim.job_id, self._claim.owner_id),
            service.update(
                self._claim.job_id,
                self._claim.kind,
                JobState.RUNNING,
                progress=progress,
                message=message,
            ),
        )
