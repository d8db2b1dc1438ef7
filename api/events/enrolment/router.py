"""`/v1/events/{event}/guilds`, `registration` and `entries`: who takes part."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import select

from api import paging
from api.auth import Scope
from api.db.models import EventParticipant
from api.deps import GameMasterDep, SessionDep, UserDep
from api.documented import problems
from api.errors import NotFoundError
from api.events.attending import attend
from api.events.enrolment import schemas as asked
from api.events.enrolment import service
from api.events.life import queries, schemas
from api.events.rooms.router import AttendanceDep, EventName

router = APIRouter(prefix="/events/{event}", tags=["events"])


@router.get("/guilds", responses=problems(404))
async def list_event_guilds(who: AttendanceDep, session: SessionDep) -> schemas.Guilds:
    """List the guilds that registered, with the members they selected."""
    return await queries.guilds(session, who.event.id)


@router.put("/guilds/{guild_id}", responses=problems(404, 409))
async def register_guild(
    event: EventName, guild_id: UUID, body: asked.NewGuild, session: SessionDep, user: UserDep
) -> schemas.Guilds:
    """Register a guild with these members or teams, in the place of those selected before."""
    user.need_scope(Scope.WRITE)
    who = await attend(session, user, event)
    await service.enrol_guild(session, user, who.event.id, guild_id, body)
    return await queries.guilds(session, who.event.id)


@router.delete("/guilds/{guild_id}", status_code=204, responses=problems(404, 409))
async def withdraw_guild(
    event: EventName, guild_id: UUID, session: SessionDep, user: UserDep
) -> Response:
    """Take a guild out, with its members."""
    user.need_scope(Scope.WRITE)
    who = await attend(session, user, event)
    await service.withdraw_guild(session, user, who.event.id, guild_id)
    return Response(status_code=204)


@router.put("/registration", responses=problems(404, 409))
async def register(
    event: EventName,
    session: SessionDep,
    user: UserDep,
    body: asked.NewRegistration | None = None,
) -> schemas.EventShown:
    """Take part by oneself, with a new team, or in one by its key; again is no error."""
    user.need_scope(Scope.WRITE)
    new = body or asked.NewRegistration()
    who = await attend(session, user, event, key=new.key)
    await service.enrol(session, user, who.event.id, new)
    return queries.shown(await attend(session, user, event))


@router.delete("/registration", status_code=204, responses=problems(404, 409))
async def withdraw(event: EventName, session: SessionDep, user: UserDep) -> Response:
    """Take part no longer; again is no error."""
    user.need_scope(Scope.WRITE)
    who = await attend(session, user, event)
    await service.withdraw(session, user, who.event.id)
    return Response(status_code=204)


@router.get("/entries", responses=problems(404))
async def list_event_entries(
    who: AttendanceDep,
    session: SessionDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.EntryPage:
    """List the official entries with their people."""
    return await queries.entries(session, who, cursor=cursor, limit=limit)


@router.patch("/entries/{entry_id}", responses=problems(404, 409))
async def change_event_entry(
    event: EventName,
    entry_id: UUID,
    body: asked.EntryChanges,
    session: SessionDep,
    user: GameMasterDep,
) -> schemas.EntryShown:
    """Set an entry's extra time."""
    who = await attend(session, user, event)
    changed = await service.give_time(
        session, user, who.event.id, entry_id, extra_s=body.extra_s, reason=body.reason
    )
    if changed is None:
        raise NotFoundError("the event has no such entry", slug="entry-not-found")
    people = await session.scalars(
        select(EventParticipant).where(EventParticipant.entry_id == entry_id)
    )
    members = [schemas.MemberShown(user_id=each.user_id, name=each.name) for each in people]
    return queries.entry(who, changed, members)
