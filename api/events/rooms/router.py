"""`/v1/events/{event}/rooms`, the clock, and coming and going."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from api import clocks, paging
from api.auth import Scope
from api.deps import PartsDep, SessionDep, UserDep
from api.documented import problems
from api.errors import BadRequestError
from api.events import statements
from api.events.attending import Attendance, attend
from api.events.machine import RUNNING
from api.events.rooms import presence, queries, schemas, watching
from api.events.rooms.presence import Moved
from api.leaderboards import scoring
from api.wiring import Parts

router = APIRouter(prefix="/events/{event}", tags=["rooms"])
EventName = Annotated[
    str, Path(description="Id or slug.", min_length=1, max_length=64, pattern=r"^[^\x00]*$")
]


async def attendance(event: EventName, session: SessionDep, user: UserDep) -> Attendance:
    """Return the caller at the event that the path names."""
    user.need_scope(Scope.READ)
    return await attend(session, user, event)


AttendanceDep = Annotated[Attendance, Depends(attendance, scope="function")]


@router.get("/clock", responses=problems(404))
async def get_clock(who: AttendanceDep, session: SessionDep) -> schemas.Clock:
    """Return what time it is in an event, by the server's clock."""
    now, event = await clocks.now(session), who.event
    place = who.timed(now)
    clock = place.clock(event) if place is not None else scoring.schedule(event)
    freeze = scoring.rules(event).freeze_from
    return schemas.Clock(
        now=now,
        state=event.state,
        starts_at=clock.start,
        ends_at=clock.end,
        own_ends_at=place.ends_at(event) if place is not None else None,
        freeze_at=freeze,
        elapsed_s=clock.elapsed(now).total_seconds(),
        paused=event.state in RUNNING and clock.paused(now),
        frozen=freeze is not None and freeze <= now,
        open=place is not None and place.open(event, now),
    )


@router.get("/statements", responses=problems(404, 409))
async def get_statements(who: AttendanceDep, session: SessionDep) -> schemas.Statements:
    """Return all problems with statements and samples; 409 before the start, whoever asks."""
    found = await statements.of(session, who.event)
    return schemas.Statements(items=[schemas.ProblemShown.model_validate(each) for each in found])


@router.get("/rooms", responses=problems(404))
async def list_rooms(
    who: AttendanceDep,
    session: SessionDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.RoomPage:
    """List an event's rooms, in order."""
    own = who.official.entry.room_id if who.official is not None else None
    rows = await queries.page(session, who.event, after=_number(cursor), limit=limit + 1)
    shown = rows[:limit]
    return schemas.RoomPage(
        items=[
            schemas.RoomSummary(
                id=room.id,
                name=room.name,
                entries=entries,
                people=people,
                present=present,
                ready=ready,
                own=room.id == own,
            )
            for room, entries, people, present, ready in shown
        ],
        next_cursor=paging.encode(str(shown[-1][0].position)) if len(rows) > limit else None,
    )


@router.get("/rooms/{room}", responses=problems(404))
async def get_room(
    room: UUID,
    who: AttendanceDep,
    session: SessionDep,
    cursor: paging.CursorParam = None,
    limit: paging.LimitParam = paging.PAGE_DEFAULT,
) -> schemas.RoomDetail:
    """Return a room with a page of its entries and where their people are."""
    found = await queries.one(session, who.event, room)
    rows = await queries.inside(session, found, after=_id(cursor), limit=limit + 1)
    shown = rows[:limit]
    after = paging.encode(str(shown[-1].id)) if len(rows) > limit else None
    return queries.detail(found, shown, after)


@router.get("/entries/{entry}/source", responses=problems(404))
async def watch_source(
    entry: UUID,
    who: AttendanceDep,
    session: SessionDep,
    problem: Annotated[
        str,
        Query(
            description="Label, slug or id of a problem of the event.",
            min_length=1,
            max_length=64,
            pattern=r"^[^\x00]*$",
        ),
    ],
) -> schemas.WatchedSource:
    """Return the latest source of an entry that is old enough to be watched.

    Only where the event's `spectator_delay_s` says so, and not to players while it goes on.
    """
    now = await clocks.now(session)
    row, files = await watching.source(session, who, entry, problem, now=now)
    return schemas.WatchedSource(
        submission_id=row.id,
        problem_id=row.problem_id,
        entry_id=entry,
        language=row.language,
        submitted_at=row.submitted_at,
        files={name: content.decode("utf-8", "replace") for name, content in files.items()},
    )


@router.post("/join", responses=problems(403, 404, 409))
async def join_room(
    who: AttendanceDep, session: SessionDep, parts: PartsDep
) -> schemas.PresenceShown:
    """Come into one's room; again, to be heard there, or to come back."""
    who.user.need_scope(Scope.SUBMIT)
    moved = await presence.join(session, who, now=await clocks.now(session))
    return await _shown(session, parts, who, moved)


@router.post("/leave", responses=problems(403, 404, 409))
async def leave_room(
    who: AttendanceDep, session: SessionDep, parts: PartsDep
) -> schemas.PresenceShown:
    """Go out of one's room; joining again brings one back while the event goes on."""
    who.user.need_scope(Scope.SUBMIT)
    moved = await presence.leave(session, who)
    return await _shown(session, parts, who, moved)


@router.put("/ready", responses=problems(403, 404, 409))
async def set_ready(
    said: schemas.Ready, who: AttendanceDep, session: SessionDep, parts: PartsDep
) -> schemas.PresenceShown:
    """Say in the lobby that one is ready, or not any more."""
    who.user.need_scope(Scope.SUBMIT)
    moved = await presence.ready(session, who, yes=said.ready, now=await clocks.now(session))
    return await _shown(session, parts, who, moved)


async def _shown(
    session: SessionDep, parts: Parts, who: Attendance, moved: Moved
) -> schemas.PresenceShown:
    """Commit, tell the others, and return where the caller is."""
    said = await presence.told(session, moved.participant) if moved.changed else []
    await session.commit()
    for topics, update in said:
        parts.announcer.say(topics, update)
    return schemas.PresenceShown(
        event_id=who.event.id,
        entry_id=moved.participant.entry_id,
        room_id=who.playing().entry.room_id,
        presence=moved.participant.presence,
        ready=moved.participant.ready_at is not None,
        heartbeat_s=presence.SILENT_S // 2,
    )


def _number(cursor: str | None) -> int:
    if cursor is None:
        return -1
    (last,) = paging.decode(cursor)
    if not last.isdecimal() or not last.isascii() or len(last) > 9:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return int(last)


def _id(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
