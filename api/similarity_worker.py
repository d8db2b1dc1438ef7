"""The similarity process: fingerprints and embeds what was judged, makes reports.

It hears an arq queue of its own, so that judging never waits for it, and sweeps up what nobody
told it of. It alone holds the indexes: where several are started, one works and the others wait.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from api import ears
from api.db.base import new_id
from api.db.engine import AWAY
from api.ending import ended
from api.jobs.running import JobRunner
from api.logs import logger
from api.queue import EMBED, EMBED_QUEUE
from api.settings import Settings
from api.similarity.keeper import Keeper
from api.similarity.owning import Owner, owning
from api.wiring import Parts, opened

# Nobody waits for a single embedding; a report begins with the next look at the jobs.
POLL_S = 0.2
RETRY_S = 1.0
SWEEP_S = 60.0
RECOVER_S = 5.0
_AT_ONCE = 64
_log = logger(__name__)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings, application="codebattle similarity") as parts:
        await work(parts, stop)


async def work(parts: Parts, stop: asyncio.Event) -> None:
    """Work with these parts until told to stop; begin anew when PostgreSQL was away."""
    while not stop.is_set():
        try:
            async with owning(parts) as owner:
                if owner is not None:
                    await _own(parts, stop, owner)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.warning("similarity.retrying", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_S)


async def _own(parts: Parts, stop: asyncio.Event, owner: Owner) -> None:
    """Work for as long as we are the owner; what goes on when we are not is cut short."""
    kept = Keeper(parts)
    runner = JobRunner(parts, kept.handlers, worker=new_id(), slots=1)
    stopping = asyncio.create_task(stop.wait())
    losing = asyncio.create_task(owner.lost(), name="owner")
    working = asyncio.create_task(_work(parts, kept, runner), name="similarity")
    try:
        # The last ends by nothing but a failure that the next round begins anew after.
        await asyncio.wait([stopping, losing, working], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ours = not losing.done() and not working.done()
        if not ours:
            await ended(working)
        await runner.drain(parts.settings.drain_s if ours else 0)
        await ended(stopping, losing, working)
        await kept.close(save=ours)
    if not working.cancelled():
        working.result()


async def _work(parts: Parts, kept: Keeper, runner: JobRunner) -> None:
    """Do all there is to do, until cancelled or one of it fails."""
    settings = parts.settings
    await kept.open()

    async def sweep() -> None:
        await kept.sweep()

    background = [
        asyncio.create_task(kept.run(), name="taking in"),
        asyncio.create_task(_hear(settings, kept), name="arq"),
        asyncio.create_task(_every(settings.heartbeat_s, runner.beat), name="beat"),
        asyncio.create_task(_every(settings.sweep_s, runner.sweep), name="jobs"),
        asyncio.create_task(_every(SWEEP_S, sweep), name="sweep"),
        asyncio.create_task(_every(RECOVER_S, kept.recover), name="vectors"),
    ]
    try:
        done, _ = await asyncio.wait(background, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await ended(*background)


async def _hear(settings: Settings, kept: Keeper) -> None:
    """Hear what was judged for as long as Redis is there, and again when it is back."""

    async def embed(ctx: dict[Any, Any], submission_id: str) -> None:
        del ctx
        kept.ring(UUID(submission_id))

    await ears.hear(
        settings, EMBED_QUEUE, {EMBED: embed}, at_once=_AT_ONCE, poll_s=POLL_S, retry_s=RETRY_S
    )


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act again and again; a part that is away does not end it."""
    while True:
        try:
            await act()
        except AWAY as error:
            _log.warning("similarity.retrying", error=type(error).__name__)
        await asyncio.sleep(seconds)
