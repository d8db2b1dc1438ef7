"""Workers and the queue as clients see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.db.models import FindingKind, JudgingState, Queue, WorkerState

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class Why(BaseModel):
    """Why somebody does it; the audit log keeps it."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class HeldShown(BaseModel):
    """A judging that a worker is at."""

    judging_id: UUID
    submission_id: UUID
    state: JudgingState
    queue: Queue
    started_at: datetime | None


class FindingShown(BaseModel):
    """What speaks against a worker and was not settled by a release."""

    judging_id: UUID
    kind: FindingKind
    at: datetime


class WorkerShown(BaseModel):
    """A worker with all the jury may know of it."""

    id: UUID
    host: str
    process_id: int
    version: str
    backend: str
    slots: int
    state: WorkerState
    started_at: datetime
    heartbeat_at: datetime
    self_test: dict[str, Any] | None
    images: Annotated[
        dict[str, Any], Field(description="Digests of the images it has judged with, by name.")
    ]
    quarantine_reason: str
    judging: list[HeldShown]
    findings: list[FindingShown]


class WorkerPage(BaseModel):
    """Workers, latest first."""

    items: list[WorkerShown]
    next_cursor: str | None = None


class QueueShown(BaseModel):
    """One queue."""

    queue: Queue
    queued: int
    estimated_wait_s: Annotated[
        float | None, Field(description="For what is handed in now; null when nobody judges.")
    ]


class QueuesShown(BaseModel):
    """What waits, and who is there to judge it."""

    slots: int
    judging_s: Annotated[
        float | None, Field(description="Mean of the latest judgings; null before the first.")
    ]
    queues: list[QueueShown]
