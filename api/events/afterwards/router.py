"""`/v1/events/{event}/virtual` and `…/practice`: playing an event that is over."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel

from api import clocks
from api.auth import Scope
from api.db.models import Entries, Event
from api.deps import SessionDep, UserDep
from api.documented import Responses, problems
from api.events.afterwards import schemas, service
from api.events.attending import Place, attend
from api.events.rooms.router import AttendanceDep, EventName

router = APIRouter(prefix="/events/{event}", tags=["events"])


def _begun(model: type[BaseModel]) -> Responses:
    """Return how beginning answers, beside that it was begun now."""
    before: Responses = {200: {"model": model, "description": "It was begun before."}}
    return before | problems(403, 404, 409)


@router.post(
    "/virtual",
    status_code=status.HTTP_201_CREATED,
    responses=_begun(schemas.VirtualShown),
)
async def begin_virtual(
    event: EventName,
    session: SessionDep,
    user: UserDep,
    response: Response,
    body: schemas.NewVirtual | None = None,
) -> schemas.VirtualShown:
    """Begin to play an event that is over, on a clock of one's own; again changes nothing.

    An event is over for this when nothing on its board is hidden any more.
    """
    user.need_scope(Scope.SUBMIT)
    new = body or schemas.NewVirtual()
    who = await attend(session, user, event, key=new.key)
    begun = await service.begin(session, user, who.event.id, new)
    response.status_code = _status(begun)
    return _shown(begun.event, begun.places[0], await clocks.now(session))


@router.get("/virtual", responses=problems(404))
async def get_virtual(who: AttendanceDep, session: SessionDep) -> schemas.VirtualShown:
    """Return one's virtual participation and its clock."""
    return _shown(who.event, service.own(who), await clocks.now(session))


@router.delete("/virtual", status_code=204, responses=problems(404, 409))
async def call_virtual_off(event: EventName, session: SessionDep, user: UserDep) -> Response:
    """Take a virtual participation back before it starts; again is no error."""
    user.need_scope(Scope.SUBMIT)
    who = await attend(session, user, event)
    await service.call_off(session, user, who.event.id)
    return Response(status_code=204)


@router.post(
    "/virtual/guilds/{guild_id}",
    status_code=status.HTTP_201_CREATED,
    responses=_begun(schemas.GuildVirtualShown),
)
async def begin_guild_virtual(
    event: EventName,
    guild_id: UUID,
    body: schemas.NewGuildVirtual,
    session: SessionDep,
    user: UserDep,
    response: Response,
) -> schemas.GuildVirtualShown:
    """Begin for members or teams of one's guild, all on one clock; again changes nothing."""
    user.need_scope(Scope.WRITE)
    who = await attend(session, user, event)
    begun = await service.begin_guild(session, user, who.event.id, guild_id, body)
    response.status_code = _status(begun)
    now = await clocks.now(session)
    items = [_shown(begun.event, place, now) for place in begun.places]
    return schemas.GuildVirtualShown(event_id=begun.event.id, guild_id=guild_id, items=items)


@router.post(
    "/practice",
    status_code=status.HTTP_201_CREATED,
    responses=_begun(schemas.PracticeShown),
)
async def begin_practice(
    event: EventName, session: SessionDep, user: UserDep, response: Response
) -> schemas.PracticeShown:
    """Begin to practise with the problems of an event that is over, without a clock."""
    user.need_scope(Scope.SUBMIT)
    who = await attend(session, user, event)
    begun = await service.practise(session, user, who.event.id)
    response.status_code = _status(begun)
    entry = begun.places[0].entry
    return schemas.PracticeShown(
        event_id=begun.event.id, entry_id=entry.id, kind=entry.kind, name=entry.name
    )


def _status(begun: service.Begun) -> int:
    return status.HTTP_201_CREATED if begun.new else status.HTTP_200_OK


def _shown(event: Event, place: Place, now: datetime) -> schemas.VirtualShown:
    clock, ends_at = place.clock(event), place.ends_at(event)
    # Nothing interrupts a clock of one's own, so it has an end.
    assert ends_at is not None
    if now < clock.start:
        stage = schemas.Stage.WAITING
    else:
        stage = schemas.Stage.RUNNING if now < ends_at else schemas.Stage.OVER
    return schemas.VirtualShown(
        event_id=event.id,
        entry_id=place.entry.id,
        user_id=place.participant.user_id,
        name=place.participant.name,
        team=place.entry.name if event.entries is Entries.TEAM else None,
        team_key=place.entry.join_key if stage is not schemas.Stage.OVER else None,
        guild_id=place.entry.guild_id,
        stage=stage,
        now=now,
        starts_at=clock.start,
        ends_at=ends_at,
        elapsed_s=clock.elapsed(now).total_seconds(),
    )
