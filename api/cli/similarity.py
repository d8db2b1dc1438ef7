"""`codebattle similarity serve` and `rebuild`: the process that compares, and its indexes."""

import asyncio
import time

from api.settings import Settings


def serve() -> None:
    """Fingerprint and embed what was judged, and make reports. SIGTERM ends it."""
    from api import logs
    from api.cli.reading import settings
    from api.similarity_worker import run

    chosen = settings()
    logs.configure(form=chosen.log_format, level=chosen.log_level)
    asyncio.run(run(chosen))


def rebuild() -> None:
    """Make all indexes of similarity anew from PostgreSQL, here or where they are in use."""
    from sqlalchemy.exc import SQLAlchemyError

    from api import logs
    from api.cli.reading import database
    from judge.errors import EngineError

    chosen = database()
    logs.configure(form=chosen.log_format, level="WARNING")
    began = time.monotonic()
    try:
        said = asyncio.run(_rebuild(chosen))
    except SQLAlchemyError as error:
        raise EngineError(
            f"database: {str(getattr(error, 'orig', None) or error).splitlines()[0]}"
        ) from error
    print(f"{said} in {time.monotonic() - began:.1f} s")


async def _rebuild(chosen: Settings) -> str:
    from api.db.base import new_id
    from api.jobs.running import Work
    from api.similarity import keeper
    from api.similarity.owning import owning
    from api.wiring import opened

    async with opened(chosen, application="codebattle similarity rebuild") as parts:
        async with owning(parts) as owner:
            if owner is not None:
                kept = keeper.Keeper(parts)
                await kept.open()
                try:
                    work = Work(job_id=new_id(), owner_id=None, payload={}, progress=_said)
                    return _told((await kept.rebuild(work)).result)
                finally:
                    await kept.close()
        return _told(await keeper.asked(parts, _said))


def _said(progress: int, message: str) -> None:
    print(f"{progress:3} % {message}", flush=True)


def _told(result: object) -> str:
    assert isinstance(result, dict)
    return "rebuilt: " + ", ".join(f"{count} {what}" for what, count in sorted(result.items()))
