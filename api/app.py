"""The HTTP application: settings in, ASGI application out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import collecting, contract, errors, logs, routes, tracing, viewer
from api.contestapi.boards import Scoreboards
from api.contestapi.calling import Passwords
from api.contestapi.feeding import Feeds
from api.edge import Edge
from api.events.rooms import presence
from api.live.serving import drained_by_signals
from api.metrics import HttpMetrics
from api.settings import Settings
from api.settings import settings as environment
from api.submissions.desk import Desk
from api.wiring import opened


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its parts are opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        traced = tracing.configure(settings, service="codebattle-api")
        async with opened(settings, application="codebattle api") as parts:
            app.state.parts = parts
            parts.hub.start()
            app.state.contest_passwords = Passwords()
            app.state.scoreboards = Scoreboards(parts.sessions)
            async with (
                aclosing(Desk(parts)) as app.state.desk,
                aclosing(Feeds(parts)) as app.state.feeds,
                presence.kept(parts),
            ):
                with drained_by_signals(parts.hub):
                    yield
        if traced:
            await asyncio.to_thread(tracing.close)

    app = FastAPI(
        title="codebattle",
        version=version("codebattle"),
        generate_unique_id_function=contract.operation_id,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # `api.viewer` has a page that needs no network
        redoc_url=None,
    )
    routes.install(app)
    viewer.install(app)
    errors.install(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(tracing.Tracing)
    app.add_middleware(Edge, settings=settings)
    app.add_middleware(HttpMetrics)
    app.openapi = lambda: contract.document(app)  # type: ignore[method-assign]
    return app


def from_environment() -> FastAPI:
    """Build the application for a server that is given a factory."""
    chosen = environment()
    logs.configure(form=chosen.log_format, level=chosen.log_level)
    made = create_app(chosen)
    collecting.relax()
    return made
