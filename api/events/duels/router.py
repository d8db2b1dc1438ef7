"""`/v1/duels`."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, paging
from api.auth import Scope
from api.db.models import Duel
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import located, problems
from api.errors import BadRequestError
from api.events.duels import resigning, schemas, service, sides
from api.wiring import Parts

router = APIRouter(prefix="/duels", tags=["rooms"])


@router.post("", status_code=201, responses=located(201) | problems(409, 429))
async def challenge(
    new: schemas.NewDuel, session: SessionDep, parts: PartsDep, user: UserDep, response: Response
) -> schemas.DuelShown:
    """Challenge somebody to a duel on these terms, alone or with a team."""
    user.need_scope(Scope.SUBMIT)
    await parts.questions.one(str(user.id), "challenges")
    made = await service.challenge(session, user, new, now=await clocks.now(session))
    response.headers["Location"] = f"/v1/duels/{made.id}"
    return await _told(session, parts, made)


@router.get("")
async def list_duels(
    session: SessionDep,
    user: UserDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.DuelPage:
    """List one's own duels, latest first."""
    user.need_scope(Scope.READ)
    rows = await service.page(session, user, before=_before(cursor), limit=limit + 1)
    shown = rows[:limit]
    return schemas.DuelPage(
        items=await sides.shown(session, shown),
        next_cursor=paging.encode(str(shown[-1].id)) if len(rows) > limit else None,
    )


@router.get("/{duel}", responses=problems(404))
async def get_duel(duel: UUID, session: SessionDep, user: UserDep) -> schemas.DuelShown:
    """Return a duel, to those of it."""
    user.need_scope(Scope.READ)
    return (await sides.shown(session, [await service.one(session, user, duel)]))[0]


@router.post("/{duel}/accept", responses=problems(403, 404, 409))
async def accept_duel(
    duel: UUID,
    session: SessionDep,
    parts: PartsDep,
    user: UserDep,
    new: schemas.NewSide | None = None,
) -> schemas.DuelShown:
    """Accept, with as many as the challenger brings.

    Once all who were named have joined, an event of the format `duel` is made and starts after the
    countdown; one against one that is at once.
    """
    user.need_scope(Scope.SUBMIT)
    side = new or schemas.NewSide()
    found = await service.accept(session, user, duel, side, now=await clocks.now(session))
    return await _told(session, parts, found)


@router.post("/{duel}/join", responses=problems(403, 404, 409))
async def join_duel(
    duel: UUID, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.DuelShown:
    """Take the place beside a captain that one was named for."""
    user.need_scope(Scope.SUBMIT)
    found = await service.join(session, user, duel, now=await clocks.now(session))
    return await _told(session, parts, found)


@router.post("/{duel}/decline", responses=problems(403, 404, 409))
async def decline_duel(
    duel: UUID, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.DuelShown:
    """Decline a challenge, or to play beside a captain: for either there is no duel then."""
    user.need_scope(Scope.SUBMIT)
    found = await service.decline(session, user, duel, now=await clocks.now(session))
    return await _told(session, parts, found)


@router.post("/{duel}/withdraw", responses=problems(403, 404, 409))
async def withdraw_duel(
    duel: UUID, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.DuelShown:
    """Take one's own challenge back."""
    user.need_scope(Scope.SUBMIT)
    found = await service.withdraw(session, user, duel, now=await clocks.now(session))
    return await _told(session, parts, found)


@router.post("/{duel}/resign", responses=problems(403, 404, 409))
async def resign_duel(
    duel: UUID, session: SessionDep, parts: PartsDep, user: UserDep
) -> schemas.DuelShown:
    """Give an accepted duel up, as its captain: it is lost, or called off before it starts."""
    user.need_scope(Scope.SUBMIT)
    return await _told(session, parts, await resigning.resign(session, user, duel))


async def _told(session: AsyncSession, parts: Parts, duel: Duel) -> schemas.DuelShown:
    """Commit, tell those of it, and return it."""
    (shown,) = await sides.shown(session, [duel])
    said = sides.told(duel, (await sides.members(session, [duel.id]))[duel.id])
    await session.commit()
    for topics, update in said:
        parts.announcer.say(topics, update)
    return shown


def _before(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
