"""Jobs as clients see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.db.models import Job, JobState
from api.errors import ProblemDetails


class JobSummary(BaseModel):
    """A job in a list."""

    id: UUID
    kind: Annotated[str, Field(description="What is done: `import`, `trial`, …")]
    state: JobState
    progress: Annotated[int, Field(ge=0, le=100)]
    message: Annotated[str, Field(description="What it is at, for a person.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: Annotated[int, Field(description="How often a worker began it.")]


class JobDetail(JobSummary):
    """A job with what came of it."""

    owner_id: UUID | None
    result: Annotated[
        dict[str, Any] | None, Field(description="What it made; its form depends on the kind.")
    ]
    error: Annotated[ProblemDetails | None, Field(description="Why it failed.")]


class JobAccepted(BaseModel):
    """A job that was taken in."""

    id: UUID
    kind: str
    state: JobState
    url: str


class JobPage(BaseModel):
    """A page of jobs, latest first."""

    items: list[JobSummary]
    next_cursor: str | None = None


def summary(job: Job) -> JobSummary:
    """Return a job as a list shows it."""
    return JobSummary(
        id=job.id,
        kind=job.kind,
        state=job.state,
        progress=job.progress,
        message=job.message,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        attempt=job.attempt,
    )


def detail(job: Job) -> JobDetail:
    """Return all of a job but what it was asked, which may hold sources."""
    return JobDetail(
        **summary(job).model_dump(),
        owner_id=job.owner_id,
        result=job.result,
        error=None if job.error is None else ProblemDetails.model_validate(job.error),
    )
