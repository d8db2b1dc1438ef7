"""`/livez`, `/readyz`, `/version`, `/metrics`: for probes and people, outside `/v1`."""

import asyncio
from enum import StrEnum
from importlib.metadata import version as installed
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from api import metrics as measured
from api.blobs import BlobAwayError
from api.db.models import Queue, WorkerState
from api.deps import PartsDep
from api.documented import Responses, problems
from api.errors import ForbiddenError
from api.health import queries
from api.settings import Settings
from api.wiring import Parts

CHECK_S = 3.0
# Whoever sends one of these speaks for somebody else: a proxy on this host is not this host.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
router = APIRouter(tags=["health"])
_MEASURED: Responses = problems(403) | {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
}


Whole = Annotated[
    bool | None,
    Query(description="Answer 503 when degraded too, not only when unavailable."),
]


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Version(BaseModel):
    """What runs here."""

    name: str = "codebattle"
    version: str
    api: str = "v1"


class Part(StrEnum):
    """What a whole service has."""

    DATABASE = "database"
    REDIS = "redis"
    BLOBS = "blobs"
    WORKERS = "workers"


class Readiness(StrEnum):
    """`degraded`: submissions are taken in and kept, but something that is missing delays them."""

    READY = "ready"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class Ready(BaseModel):
    """Whether requests can be served, part by part."""

    status: Readiness
    missing: list[Part]
    checks: dict[Part, str]
    workers: list[queries.WorkerSeen]
    queued: int | None = None


@router.get("/livez")
async def get_livez() -> Alive:
    """Answer as long as the process does."""
    return Alive()


@router.get("/version")
async def get_version() -> Version:
    """Tell which version runs here."""
    return Version(version=installed("codebattle"))


@router.get("/readyz", responses={503: {"model": Ready}})
async def get_readyz(
    parts: PartsDep,
    response: Response,
    whole: Whole = None,
) -> Ready:
    """Tell whether requests can be served, and what is missing.

    Without Redis, the blob store or workers the answer is still 200 unless `whole` is asked for:
    a load balancer must not turn submissions away that would be kept and judged later.
    """
    (database, workers, queued), redis, blobs = await asyncio.gather(
        _database(parts), _redis(parts), _blobs(parts)
    )
    checks = {
        Part.DATABASE: database,
        Part.REDIS: redis,
        Part.BLOBS: blobs,
        Part.WORKERS: _fit(database, workers),
    }
    missing = [part for part, said in checks.items() if said != "ok"]
    if Part.DATABASE in missing:
        status = Readiness.UNAVAILABLE
    else:
        status = Readiness.DEGRADED if missing else Readiness.READY
    down = status is Readiness.UNAVAILABLE or (whole and status is Readiness.DEGRADED)
    response.status_code = 503 if down else 200
    return Ready(status=status, missing=missing, checks=checks, workers=workers, queued=queued)


@router.get("/metrics", response_class=Response, responses=_MEASURED)
async def get_metrics(request: Request, parts: PartsDep) -> Response:
    """Return measurements for Prometheus, to this host or with the token of the settings."""
    _may_scrape(request, parts.settings)
    try:
        async with asyncio.timeout(CHECK_S), parts.sessions() as session:
            waiting = await queries.waiting(session)
            workers = await queries.workers(session)
    except (SQLAlchemyError, OSError, TimeoutError):
        # What this process measured itself is worth most when the database is away.
        pass
    else:
        _gauge(waiting, workers)
    return Response(measured.exposition(), media_type=measured.CONTENT_TYPE)


async def _database(parts: Parts) -> tuple[str, list[queries.WorkerSeen], int | None]:
    try:
        async with asyncio.timeout(CHECK_S), parts.sessions() as session:
            workers = await queries.workers(session)
            waiting = await queries.waiting(session)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # The message may hold an address or a name: the kind says enough.
        return f"failed: {type(error).__name__}", [], None
    return "ok", workers, waiting.total


async def _redis(parts: Parts) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            await parts.redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"failed: {type(error).__name__}"
    return "ok"


async def _blobs(parts: Parts) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            await parts.blobs.check()
    except (BlobAwayError, TimeoutError) as error:
        return f"failed: {type(error).__name__}"
    return "ok"


def _fit(database: str, workers: list[queries.WorkerSeen]) -> str:
    if database != "ok":
        return "unknown"
    if any(each.fit for each in workers):
        return "ok"
    if not workers:
        return "failed: no worker reports"
    if all(each.self_test == queries.NOT_RUN for each in workers):
        return "failed: no worker has tested its sandbox yet"
    return "failed: no active worker has a sandbox that passed its test"


def _may_scrape(request: Request, settings: Settings) -> None:
    token = settings.metrics_token
    # Behind a proxy on this host everybody seems to be this host.
    forwarded = any(name in request.headers for name in _FORWARDED)
    address = request.client.host if request.client is not None and not forwarded else ""
    if not measured.may_scrape(
        address,
        request.headers.get("authorization", ""),
        token.get_secret_value() if token is not None else None,
    ):
        raise ForbiddenError("metrics are for this host, or for the token of the settings")


def _gauge(waiting: queries.Waiting, workers: list[queries.WorkerSeen]) -> None:
    for queue in Queue:
        measured.QUEUE_DEPTH.labels(queue.value).set(waiting.by_queue.get(queue, 0))
    measured.QUEUE_OLDEST_SECONDS.set(waiting.oldest_s)
    for state in WorkerState:
        measured.WORKERS.labels(state.value).set(sum(each.state is state for each in workers))
    measured.SLOTS.set(sum(each.slots for each in workers if each.state is WorkerState.ACTIVE))
