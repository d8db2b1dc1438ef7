"""`/v1/events/{event}/clarifications`, announcements, and answers that are ready."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from api import paging
from api.auth import Scope
from api.db.models import Clarification
from api.deps import PartsDep, SessionDep
from api.documented import problems
from api.errors import BadRequestError
from api.events.attending import Attendance
from api.events.clarifications import schemas, service
from api.events.rooms.router import AttendanceDep
from api.leaderboards import updating
from api.wiring import Parts

router = APIRouter(prefix="/events/{event}", tags=["rooms"])


@router.get("/clarifications", responses=problems(404))
async def list_clarifications(
    who: AttendanceDep,
    session: SessionDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.ClarificationPage:
    """List one's team's questions, answers to them, and what is for all; to the jury, all."""
    rows = await service.page(session, who, before=_before(cursor), limit=limit + 1)
    found = rows[:limit]
    return schemas.ClarificationPage(
        items=[service.shown(row, who) for row in found],
        next_cursor=paging.encode(str(found[-1].id)) if len(rows) > limit else None,
    )


@router.post("/clarifications", status_code=201, responses=problems(403, 404, 409, 429))
async def ask_jury(
    new: schemas.NewClarification, who: AttendanceDep, session: SessionDep, parts: PartsDep
) -> schemas.ClarificationShown:
    """Ask the jury something; nobody else learns of it."""
    who.user.need_scope(Scope.SUBMIT)
    await parts.questions.one(str(who.user.id), "questions")
    return await _told(session, parts, who, await service.ask(session, who, new))


@router.post(
    "/clarifications/{clarification}/answer", status_code=201, responses=problems(403, 404)
)
async def answer_question(
    clarification: UUID,
    new: schemas.NewAnswer,
    who: AttendanceDep,
    session: SessionDep,
    parts: PartsDep,
) -> schemas.ClarificationShown:
    """Answer a question, to who asked it or to all; for game masters."""
    who.user.need_scope(Scope.WRITE)
    made = await service.answer(session, who, clarification, new)
    return await _told(session, parts, who, made)


@router.post("/announcements", status_code=201, responses=problems(403, 404))
async def announce(
    new: schemas.NewClarification, who: AttendanceDep, session: SessionDep, parts: PartsDep
) -> schemas.ClarificationShown:
    """Tell everybody something; for game masters."""
    who.user.need_scope(Scope.WRITE)
    return await _told(session, parts, who, await service.announce(session, who, new))


@router.get("/canned-answers", responses=problems(403, 404))
async def get_canned_answers(who: AttendanceDep) -> schemas.Canned:
    """Return the answers that are ready; for game masters."""
    who.need_jury()
    return schemas.Canned(answers=service.canned(who))


@router.put("/canned-answers", responses=problems(403, 404))
async def set_canned_answers(
    new: schemas.Canned, who: AttendanceDep, session: SessionDep
) -> schemas.Canned:
    """Put these answers in the place of those that were ready; for game masters."""
    who.need_jury()
    who.user.need_scope(Scope.WRITE)
    event = await updating.locked(session, who.event.id)
    event.extra = {**event.extra, "canned_answers": new.answers}
    return new


async def _told(
    session: AsyncSession, parts: Parts, who: Attendance, row: Clarification
) -> schemas.ClarificationShown:
    """Commit, tell whom it concerns, and return it."""
    found, said = service.shown(row, who), await service.said(session, row)
    await session.commit()
    for topics, update in said:
        parts.announcer.say(topics, update)
    return found


def _before(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
