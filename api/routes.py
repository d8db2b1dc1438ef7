"""The one list of routers."""

from fastapi import APIRouter

from api.accounts.router import router as accounts
from api.health.router import router as health
from api.jobs.router import router as jobs
from api.languages.router import router as languages
from api.live.router import router as live
from api.neighbours.router import router as neighbours
from api.problems.router import router as problems
from api.rejudging.router import router as rejudging
from api.submissions.router import router as submissions
from api.trials.router import router as trials
from api.workers.router import router as workers

V1 = "/v1"

v1 = APIRouter(prefix=V1)
# Routes are tried in this order: what is asked for most comes first.
v1.include_router(submissions)
v1.include_router(problems)
v1.include_router(languages)
v1.include_router(jobs)
v1.include_router(trials)
v1.include_router(live)
v1.include_router(accounts)
v1.include_router(neighbours)
v1.include_router(rejudging)
v1.include_router(workers)

router = APIRouter()
router.include_router(health)
router.include_router(v1)
