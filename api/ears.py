"""Hearing a queue of arq's for as long as Redis is there, and again when it is back.

arq looks at the queue and calls; what is called takes note and returns, or works as long as there
is work. Nothing depends on a job of arq's: sweeps find what was not heard.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from arq.connections import ArqRedis
from arq.typing import WorkerCoroutine
from arq.worker import Worker as ArqWorker
from arq.worker import func
from redis.exceptions import RedisError

from api.ending import ended
from api.logs import logger
from api.queue import client, dumps, loads
from api.settings import Settings

# arq must not cut short what works for as long as there is work.
CALL_S_MAX = 24 * 3600
_log = logger(__name__)


async def hear(
    settings: Settings,
    queue: str,
    heard: Mapping[str, WorkerCoroutine],
    *,
    at_once: int,
    poll_s: float,
    retry_s: float,
) -> None:
    """Call what is rung for, by name, until cancelled; `at_once` calls side by side."""
    while True:
        await _hear(client(settings, queue=queue), queue, heard, at_once=at_once, poll_s=poll_s)
        await asyncio.sleep(retry_s)


async def _hear(
    pool: ArqRedis, queue: str, heard: Mapping[str, WorkerCoroutine], *, at_once: int, poll_s: float
) -> None:
    worker = ArqWorker(
        [
            func(act, name=name, timeout=CALL_S_MAX, keep_result=0, max_tries=1)
            for name, act in heard.items()
        ],
        queue_name=queue,
        redis_pool=pool,
        handle_signals=False,
        max_jobs=at_once,
        poll_delay=poll_s,
        keep_result=0,
        retry_jobs=False,
        job_serializer=dumps,
        job_deserializer=loads,
        log_results=False,
    )
    try:
        await worker.async_run()
    except (RedisError, OSError, TimeoutError) as error:
        _log.warning("bell.unheard", error=str(error))
    finally:
        # arq's own close gives up at the first call it cancels and leaves its connections open.
        # Judgings are no part of a call: they go on, or are drained.
        await ended(*worker.tasks.values())
        with suppress(RedisError, OSError):
            await pool.aclose(close_connection_pool=True)
