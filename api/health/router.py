"""`/livez`, `/readyz`, `/version`: for probes and people, outside `/v1`."""

import asyncio
from importlib.metadata import version as installed

from fastapi import APIRouter, Response
from pydantic import BaseModel
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.deps import PartsDep
from api.health import queries

CHECK_S = 3.0
router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Version(BaseModel):
    """What runs here."""

    name: str = "codebattle"
    version: str


class Ready(BaseModel):
    """Whether requests can be served, part by part."""

    status: str
    checks: dict[str, str]
    workers: list[queries.WorkerSeen]
    queued: int | None = None


@router.get("/livez")
async def livez() -> Alive:
    """Answer as long as the process does."""
    return Alive()


@router.get("/version")
async def version() -> Version:
    """Tell which version runs here."""
    return Version(version=installed("codebattle"))


@router.get("/readyz", responses={503: {"model": Ready}})
async def readyz(parts: PartsDep, response: Response) -> Ready:
    """Tell whether requests can be served. Without Redis they can: only slower."""
    checks: dict[str, str] = {}
    workers: list[queries.WorkerSeen] = []
    queued: int | None = None
    try:
        async with asyncio.timeout(CHECK_S), parts.sessions() as session:
            await session.execute(text("SELECT 1"))
            workers = await queries.workers(session)
            queued = await queries.queued(session)
        checks["database"] = "ok"
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        checks["database"] = f"failed: {type(error).__name__}"
    try:
        async with asyncio.timeout(CHECK_S):
            await parts.redis.ping()
        checks["redis"] = "ok"
    except (RedisError, OSError, TimeoutError) as error:
        checks["redis"] = f"degraded: {type(error).__name__}"
    checks["workers"] = "ok" if workers else "degraded: none is alive"
    ready = checks["database"] == "ok"
    response.status_code = 200 if ready else 503
    status = "ready" if ready else "unavailable"
    return Ready(status=status, checks=checks, workers=workers, queued=queued)
