"""`/v1/events`: asking for events, planning them, and what people do to them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import audit, clocks, paging
from api.auth import CurrentUser, Role, Scope
from api.db.models import Event, EventState
from api.deps import SessionDep, UserDep
from api.documented import located, problems
from api.errors import ForbiddenError, InvalidError
from api.events import acting, choosing
from api.events.acting import Done
from api.events.attending import Attendance, attend
from api.events.life import planning, queries, schemas
from api.events.machine import Act
from api.events.rooms.router import AttendanceDep, EventName
from api.leaderboards import updating

router = APIRouter(prefix="/events", tags=["events"])
one = APIRouter(prefix="/events/{event}", tags=["events"])
_Change = Callable[[Event, datetime], Awaitable[Done]]
States = Annotated[list[EventState] | None, Query(max_length=11, description="Only in these.")]


@router.post("", status_code=201, responses=located(201) | problems(409))
async def create_event(
    new: schemas.NewEvent, session: SessionDep, user: UserDep, response: Response
) -> schemas.EventShown:
    """Make an event: a game master's is approved at once, a guild master's is a request."""
    user.need_scope(Scope.WRITE)
    event = await planning.create(session, user, new)
    response.headers["Location"] = f"/v1/events/{event.id}"
    return queries.shown(Attendance(event=event, user=user, places=()))


@router.get("")
async def list_events(
    session: SessionDep,
    user: UserDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
    state: States = None,
    *,
    mine: Annotated[bool, Query(description="Only those one plays in or asked for.")] = False,
) -> schemas.EventPage:
    """List events, the latest start first."""
    user.need_scope(Scope.READ)
    return await queries.page(
        session, user, cursor=cursor, limit=limit, states=state or (), mine=mine
    )


@one.get("", responses=problems(404))
async def get_event(who: AttendanceDep) -> schemas.EventShown:
    """Return an event by id or slug."""
    return queries.shown(who)


@one.patch("", responses=problems(404, 409))
async def change_event(
    event: EventName, body: schemas.Changes, session: SessionDep, user: UserDep
) -> schemas.EventShown:
    """Change an event before it starts."""
    user.need_scope(Scope.WRITE)
    who = await attend(session, user, event)
    return queries.shown(who, await planning.change(session, user, who.event, body))


@one.get("/problems", responses=problems(404, 409))
async def list_event_problems(who: AttendanceDep, session: SessionDep) -> schemas.Problems:
    """Return an event's problems; before the start only to its game masters."""
    return await queries.problems(session, who)


@one.put("/problems", responses=problems(404, 409))
async def choose_event_problems(
    event: EventName, body: schemas.Choices, session: SessionDep, user: UserDep
) -> schemas.Problems:
    """Choose an event's problems, in order, in the place of those it had."""
    who = await _master(session, user, event)
    locked = await updating.locked(session, who.event.id)
    await choosing.alone(session)
    await choosing.choose(session, locked, await queries.choices(session, body.items))
    audit.record(
        session,
        user,
        "event.problems",
        subject=("event", locked.id),
        detail={"problems": [each.problem for each in body.items]},
    )
    return await queries.problems(session, who)


@one.post("/problems/draw", responses=problems(404, 409))
async def draw_event_problems(
    event: EventName, body: schemas.Draw, session: SessionDep, user: UserDep
) -> schemas.Problems:
    """Draw problems by topics: the same seed and problems give the same draw."""
    who = await _master(session, user, event)
    locked = await updating.locked(session, who.event.id)
    if body.topics is not None:
        locked.topics = [each.model_dump(mode="json") for each in body.topics]
    if body.seed is not None:
        locked.seed = body.seed
    if not locked.topics:
        raise InvalidError("the event has no topics to draw by", slug="event-problems")
    await choosing.choose(session, locked, await choosing.drawn(session, locked))
    drawn = await queries.problems(session, who)
    if body.dry_run:
        await session.rollback()
        return drawn
    audit.record(
        session,
        user,
        "event.drawn",
        subject=("event", locked.id),
        detail={"seed": locked.seed, "problems": [each.slug for each in drawn.items]},
    )
    return drawn


@one.post("/acts/{act}", responses=problems(404, 409))
async def act_on_event(
    event: EventName,
    act: Act,
    session: SessionDep,
    user: UserDep,
    body: schemas.Doing | None = None,
) -> schemas.EventShown:
    """Move an event on; doing again what is done changes nothing, what is not allowed is a 409."""
    said = body or schemas.Doing()
    if act is Act.REJECT and not said.reason:
        raise InvalidError("say why it is rejected", slug="reason-missing")
    if said.force and not said.reason:
        raise InvalidError("say why it is forced", slug="reason-missing")

    async def change(found: Event, _asked: datetime) -> Done:
        # Its moment is one at which nobody is handing in.
        held = await acting.held(session, found.id, act)
        if held.state is not EventState.REQUESTED:
            # Whoever asked for it cancels a request, and not what was approved meanwhile.
            _need_master(user)
        now = await clocks.now(session)
        return await acting.act(
            session,
            found.id,
            act,
            by=user,
            now=now,
            reason=said.reason,
            force=said.force,
            revision=said.revision,
        )

    own = act is Act.CANCEL
    return await _changed(session, user, event, change, requester=own)


@one.post("/pause", responses=problems(404, 409))
async def pause_event(
    event: EventName, session: SessionDep, user: UserDep, body: schemas.Why | None = None
) -> schemas.EventShown:
    """Stop an event's clock: nobody hands anything in, and the time is not counted."""
    reason = body.reason if body is not None else ""

    async def change(found: Event, _asked: datetime) -> Done:
        # What is on the board by then was handed in before the pause.
        await updating.locked(session, found.id)
        now = await clocks.now(session)
        return await acting.pause(session, found.id, by=user, now=now, reason=reason)

    return await _changed(session, user, event, change)


@one.post("/resume", responses=problems(404, 409))
async def resume_event(
    event: EventName, session: SessionDep, user: UserDep, body: schemas.Why | None = None
) -> schemas.EventShown:
    """Let an event's clock go on."""
    reason = body.reason if body is not None else ""

    async def change(found: Event, _asked: datetime) -> Done:
        # As for the pause, so that one who asked first and waited does not end it before it began.
        await updating.locked(session, found.id)
        now = await clocks.now(session)
        return await acting.resume(session, found.id, by=user, now=now, reason=reason)

    return await _changed(session, user, event, change)


@one.post("/extend", responses=problems(404, 409))
async def extend_event(
    event: EventName, body: schemas.Longer, session: SessionDep, user: UserDep
) -> schemas.EventShown:
    """Give everybody more time: `ends_at` may be sent twice, `seconds` come on top each time."""

    async def change(found: Event, now: datetime) -> Done:
        del now
        return await acting.extend(
            session,
            found.id,
            by=user,
            seconds=body.seconds,
            ends_at=body.ends_at,
            reason=body.reason,
        )

    return await _changed(session, user, event, change)


async def _changed(
    session: SessionDep,
    user: CurrentUser,
    name: str,
    change: _Change,
    *,
    requester: bool = False,
) -> schemas.EventShown:
    """Change an event as a game master, or as who asked for it while it is a request."""
    who = await attend(session, user, name)
    asked = who.event.state is EventState.REQUESTED and who.event.requested_by == user.id
    if requester and asked:
        user.need_scope(Scope.WRITE)
    else:
        _need_master(user)
    done = await change(who.event, await clocks.now(session))
    return queries.shown(who, done.event)


async def _master(session: SessionDep, user: CurrentUser, name: str) -> Attendance:
    who = await attend(session, user, name)
    _need_master(user)
    return who


def _need_master(user: CurrentUser) -> None:
    if Role.GAME_MASTER not in user.roles:
        raise ForbiddenError("only game masters may do that")
    user.need_scope(Scope.ADMIN)
