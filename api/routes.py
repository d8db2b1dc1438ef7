"""The one list of routers.

Each goes straight into the application: the framework asks every router on the way to a route
again, so routers within routers cost each request time.
"""

from collections.abc import Callable
from functools import cache

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.accounts.router import router as accounts
from api.contestapi.router import router as contestapi
from api.events.afterwards.router import router as afterwards
from api.events.clarifications.router import router as clarifications
from api.events.drafts.router import router as drafts
from api.events.duels.router import router as duels
from api.events.enrolment.router import router as enrolment
from api.events.life.router import one as event
from api.events.life.router import router as events
from api.events.rooms.router import router as rooms
from api.health.router import router as health
from api.jobs.router import router as jobs
from api.languages.router import router as languages
from api.leaderboards.router import router as leaderboards
from api.live.router import router as live
from api.neighbours.router import router as neighbours
from api.problems.router import router as problems
from api.rejudging.router import router as rejudging
from api.similarity.pattern_router import router as patterns
from api.similarity.router import router as similarity
from api.submissions.router import router as submissions
from api.trials.router import router as trials
from api.workers.router import router as workers

V1 = "/v1"
# Routes are tried in this order: what is asked for most comes first.
_OF_V1: tuple[APIRouter, ...] = (
    submissions,
    problems,
    languages,
    jobs,
    trials,
    live,
    contestapi,
    leaderboards,
    accounts,
    neighbours,
    events,
    event,
    enrolment,
    afterwards,
    rooms,
    drafts,
    clarifications,
    duels,
    rejudging,
    similarity,
    patterns,
    workers,
)


def install(app: FastAPI) -> None:
    """Let an application answer everything there is."""
    app.router.routes.extend(_every(app.router.generate_unique_id_function))


@cache
def _every(name: Callable[[APIRoute], str]) -> tuple[BaseRoute, ...]:
    """Return all routes; the framework studies each once, however many applications there are."""
    routes = APIRouter(generate_unique_id_function=name)
    routes.include_router(health)
    for router in _OF_V1:
        routes.include_router(router, prefix=V1)
    return tuple(routes.routes)
