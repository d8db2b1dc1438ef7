"""`/v1/trials`: taking them in. How far one is and what came of it is read at `/v1/jobs`."""

from fastapi import APIRouter, Response

from api.auth import Scope
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import located, problems
from api.jobs import service as jobs
from api.jobs.schemas import JobAccepted
from api.trials import schemas, service

router = APIRouter(prefix="/trials", tags=["trials"])


@router.post("", status_code=202, responses=located(202) | problems(404, 429))
async def try_out(
    new: schemas.NewTrial,
    session: SessionDep,
    parts: PartsDep,
    user: UserDep,
    response: Response,
) -> JobAccepted:
    """Run a program on samples or on one's own inputs; it is no submission and counts nowhere.

    The job's `result` holds `compiled`, `reason`, `compile_log`, `total` and `runs`; each run has
    its `verdict` (none for an own input that ran to its end), `cpu_ms`, `memory_bytes`, and the
    beginnings of `stdout` and `stderr`. A run that ran out of time is the last.
    """
    user.need_scope(Scope.SUBMIT)
    await parts.trials.one(str(user.id), "trials")
    job = await service.enqueue(session, parts.settings, user, new)
    # Whoever is rung for must find it.
    await session.commit()
    accepted = jobs.begun(parts, job)
    response.headers["Location"] = accepted.url
    return accepted
