"""Ends tasks, and returns when they are over.

A task that is cancelled and left alone goes on for a moment: it gives back what it holds. If the
pools are closed meanwhile, its connection is in none of them and stays open until the collector
finds it.
"""

import asyncio
from typing import Any


async def ended(*tasks: asyncio.Task[Any], within_s: float | None = None) -> None:
    """Cancel the tasks that go on, and wait until all are over; how they ended does not matter."""
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    done, _ = await asyncio.wait(tasks, timeout=within_s)
    for task in done:
        # Asked, so that no failure is reported as one that nobody saw.
        if not task.cancelled():
            task.exception()
