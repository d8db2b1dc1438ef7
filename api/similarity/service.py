"""Reports asked for: what they compare is settled here, a job of the same id does it."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import CodeSubmission, Event, Job, SimilarityReport
from api.errors import NotFoundError
from api.jobs import service as jobs
from api.problems import queries as problems
from api.settings import Settings
from api.similarity import access, schemas

KIND: Final = "similarity-report"


async def ask(
    session: AsyncSession, settings: Settings, user: CurrentUser, new: schemas.NewReport
) -> Job:
    """Queue a report. The caller commits."""
    scope = new.model_dump(mode="json", exclude_none=True)
    if new.problem is not None:
        found, _ = await problems.one(session, user, new.problem)
        scope["problem_id"] = str(found.id)
    if new.event is not None:
        event = await session.get(Event, new.event)
        if event is None or not await access.may_see(session, user, [event.id]):
            raise NotFoundError("there is no such event for you", slug="event-not-found")
    inside = access.jury(user)
    job = await jobs.enqueue(
        session, settings, KIND, {"scope": scope, "inside": inside}, owner_id=user.id
    )
    session.add(
        SimilarityReport(id=job.id, created_by=user.id, scope=scope, inside=inside, event_ids=[])
    )
    audit.record(
        session, user, "similarity.reported", subject=("similarity_report", job.id), detail=scope
    )
    await session.flush()
    return job


def conditions(scope: dict[str, Any]) -> list[ColumnElement[bool]]:
    """Return which submissions a scope means."""
    found: list[ColumnElement[bool]] = []
    if "event" in scope:
        found.append(CodeSubmission.event_id == UUID(scope["event"]))
    if "problem_id" in scope:
        found.append(CodeSubmission.problem_id == UUID(scope["problem_id"]))
    if "submission_ids" in scope:
        found.append(CodeSubmission.id.in_([UUID(each) for each in scope["submission_ids"]]))
    return found
