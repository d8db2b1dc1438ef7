"""Chooses the parts the service is made of from the settings; nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from api.auth.passwords import Passwords
from api.auth.verifier import Verifier
from api.blobs import BlobStore, LocalBlobs
from api.db.engine import Sessions, engine, sessions
from api.limiting import Local, Rate, Shared
from api.live import Announcer, Hub, Publisher
from api.lookbacks import Lookbacks
from api.queue import Bell
from api.recent import Recent
from api.settings import BlobPlace, Settings

# Boards are never older than a second: this, and what `api.leaderboards.keeping` takes.
RECENT_S = 0.3
EXPORTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What requests and jobs work with."""

    settings: Settings
    verifier: Verifier
    passwords: Passwords
    engine: AsyncEngine
    sessions: Sessions
    redis: Redis
    bell: Bell
    publisher: Publisher
    announcer: Announcer
    hub: Hub
    anonymous: Local
    trials: Shared
    recent: Recent
    lookbacks: Lookbacks
    replays: Recent
    looking: Local
    exports: asyncio.Semaphore
    drafts: Shared
    questions: Shared
    blobs: BlobStore


def blob_store(settings: Settings) -> BlobStore:
    """Return where blobs are kept; raises `EngineError` when S3 is chosen and boto3 missing."""
    if settings.blob_store is BlobPlace.S3:
        # boto3 is large and optional: only who uses it pays for it.
        from api.blobs.s3 import S3Blobs  # noqa: PLC0415

        return S3Blobs(settings)
    return LocalBlobs(settings.blobs_dir)


@asynccontextmanager
async def opened(settings: Settings, *, application: str) -> AsyncIterator[Parts]:
    """Open the parts and close them; nothing connects before it is needed."""
    database = engine(settings, application=application)
    redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=2,
        health_check_interval=15,
    )
    publisher = Publisher(redis)
    parts = Parts(
        settings=settings,
        verifier=Verifier(settings),
        passwords=Passwords(),
        engine=database,
        sessions=sessions(database),
        redis=redis,
        bell=Bell(settings),
        publisher=publisher,
        announcer=Announcer(publisher),
        hub=Hub(redis),
        anonymous=Local(
            Rate(per_minute=settings.anonymous_per_minute, burst=settings.anonymous_burst)
        ),
        trials=Shared(
            redis,
            "trials",
            Rate(per_minute=settings.trials_per_minute, burst=settings.trials_burst),
        ),
        recent=Recent(kept_s=RECENT_S, most=2000),
        # Whole boards: few, and made one at a time.
        lookbacks=Lookbacks(
            Recent(kept_s=60, most=4, at_once=1), Local(Rate(per_minute=30, burst=10))
        ),
        # Pages of virtual boards: few at a time, since each reads how everybody stood.
        replays=Recent(kept_s=RECENT_S, most=200, at_once=4),
        looking=Local(Rate(per_minute=30, burst=10)),
        exports=asyncio.Semaphore(EXPORTS_AT_ONCE),
        drafts=Shared(
            redis,
            "drafts",
            Rate(per_minute=settings.drafts_per_minute, burst=settings.drafts_burst),
        ),
        questions=Shared(
            redis,
            "questions",
            Rate(per_minute=settings.questions_per_minute, burst=settings.questions_burst),
        ),
        blobs=blob_store(settings),
    )
    try:
        yield parts
    finally:
        await parts.hub.stop()
        await parts.announcer.close()
        await parts.bell.close()
        await redis.aclose()
        await database.dispose()
