"""The one list of routers."""

from fastapi import APIRouter

from api.errors import responses
from api.health.router import router as health

V1 = "/v1"

v1 = APIRouter(prefix=V1, responses=responses(400, 401, 403, 404, 413, 415, 422, 429, 503))

router = APIRouter()
router.include_router(health)
router.include_router(v1)
