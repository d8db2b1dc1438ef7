"""A thread for what writes indexes: one call at a time, and whoever gives up waits for the last.

A task that is cancelled leaves its thread running. Who keeps similarity must be sure that nothing
of its own still writes before somebody else may, so what writes outside PostgreSQL goes this way.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Answer = TypeVar("Answer")


class OneThread:
    """Calls in the order in which they were asked for."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="indexes")

    async def run(self, act: Callable[..., Answer], *what: object, **more: object) -> Answer:
        """Return what a call returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(act, *what, **more))

    async def finish(self) -> None:
        """Wait for the call that runs, forget those that wait, and take no more."""
        ending = partial(self._pool.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(ending)
