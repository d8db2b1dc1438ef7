"""`/v1/events/{event}/drafts`: one's own and one's team's, nobody else's."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from api.auth import Scope
from api.db.models import Draft, EventProblem
from api.deps import PartsDep, SessionDep
from api.documented import problems
from api.events.drafts import saving, schemas
from api.events.rooms.router import AttendanceDep

router = APIRouter(prefix="/events/{event}/drafts", tags=["rooms"])
ProblemName = Annotated[
    str,
    Path(
        description="Label, slug or id of a problem of the event.",
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00]*$",
    ),
]


@router.get("", responses=problems(404))
async def list_drafts(who: AttendanceDep, session: SessionDep) -> schemas.DraftList:
    """List one's drafts and those of one's team, without their source."""
    rows = await saving.mine(session, who)
    return schemas.DraftList(items=[_summary(*row) for row in rows])


@router.get("/{problem}", responses=problems(404))
async def get_draft(
    problem: ProblemName,
    who: AttendanceDep,
    session: SessionDep,
    by: Annotated[UUID | None, Query(description="Whose; one's own, or of one's team.")] = None,
) -> schemas.DraftShown:
    """Return one's draft of a problem, on whatever machine it was saved."""
    return _shown(*await saving.one(session, who, problem, by=by))


@router.put("/{problem}", responses=problems(403, 404, 409, 429))
async def save_draft(
    problem: ProblemName,
    new: schemas.NewDraft,
    who: AttendanceDep,
    session: SessionDep,
    parts: PartsDep,
) -> schemas.DraftShown:
    """Save what is in the editor; the last one saved is handed in at the bell, if that is asked.

    It is stored when this answers.
    """
    who.user.need_scope(Scope.SUBMIT)
    await parts.drafts.one(str(who.user.id), "drafts")
    return _shown(*await saving.save(session, parts.settings, who, problem, new))


def _summary(draft: Draft, problem: EventProblem) -> schemas.DraftSummary:
    return schemas.DraftSummary(
        user_id=draft.user_id,
        problem_id=draft.problem_id,
        label=problem.label,
        language=draft.language,
        hand_in=draft.hand_in,
        saved_at=draft.saved_at,
        submission_id=draft.submission_id,
    )


def _shown(draft: Draft, problem: EventProblem) -> schemas.DraftShown:
    return schemas.DraftShown(**_summary(draft, problem).model_dump(), source=draft.source)
