"""What every command that judges needs: a backend, a pool of slots, a judge."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from judge.artefacts import ArtefactCache
from judge.errors import UsageError
from judge.images import data_directory
from judge.judging import Judge
from judge.sandbox.backends import choose
from judge.sandbox.pool import Mode, Pool

SLOTS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open pool and the judge that works on it."""

    backend: str
    pool: Pool
    judge: Judge


def cpus(slots: int | None) -> list[int | None]:
    """Return the CPU of each slot: one slot per CPU we may use, or as many as asked for."""
    usable = sorted(os.sched_getaffinity(0))
    wanted = len(usable) if slots is None else slots
    if not 1 <= wanted <= SLOTS_MAX:
        raise UsageError(f"--slots: from 1 to {SLOTS_MAX}")
    return [usable[index % len(usable)] for index in range(wanted)]


@asynccontextmanager
async def session(
    backend: str | None, *, slots: int | None = None, fresh: bool = False, cache: bool = True
) -> AsyncIterator[Session]:
    """Open a backend, clean up after dead workers, and close everything at the end."""
    chosen = await choose(backend)
    if chosen.note:
        print(f"note: {chosen.note}", file=sys.stderr)
    launcher = chosen.launcher
    try:
        await launcher.reap()
        pool = Pool(launcher, cpus(slots), mode=Mode.FRESH if fresh else Mode.REUSE)
        try:
            artefacts = ArtefactCache(data_directory() / "artefacts") if cache else None
            yield Session(backend=launcher.name, pool=pool, judge=Judge(pool, cache=artefacts))
        finally:
            await pool.close()
    finally:
        await launcher.close()
