"""What requests for boards say, and what they cost whoever asks: shared by the routes of boards."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from api import paging
from api.auth import CurrentUser
from api.db.base import is_id
from api.db.models import EntryKind
from api.deps import MaybeReaderDep, PartsDep
from api.errors import BadRequestError
from api.events.rooms.router import EventName
from api.leaderboards import viewing
from api.leaderboards.schemas import View
from api.leaderboards.viewing import Asked
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.wiring import Parts

BOARD = "/events/{event}/leaderboard"
LONGEST_S = 366 * 86400
ViewParam = Annotated[View, Query(description="`jury` is for game masters.")]
KindParam = Annotated[
    EntryKind,
    Query(description="`virtual` and `practice` are there when the event is over."),
]
ElapsedParam = Annotated[
    int | None,
    Query(
        ge=0, le=LONGEST_S, description="The event's time of a virtual board; the caller's if none."
    ),
]


async def _event_id(event: EventName, parts: PartsDep) -> UUID:
    """Return which event a path names by its id or its slug."""
    if is_id(event):
        return UUID(event)
    async with parts.sessions() as session:
        return await viewing.named(session, event)


EventIdDep = Annotated[UUID, Depends(_event_id)]


async def _asked(
    event_id: EventIdDep,
    user: MaybeReaderDep,
    view: ViewParam = View.PUBLIC,
    room: Annotated[UUID | None, Query(description="Only this room, ranked in itself.")] = None,
    guild: Annotated[UUID | None, Query(description="Only this guild, ranked in itself.")] = None,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> Asked:
    return Asked(
        event_id=event_id,
        public=viewing.side(user, view),
        room_id=room,
        guild_id=guild,
        limit=limit,
        after=None if cursor is None else _entry(cursor),
    )


AskedDep = Annotated[Asked, Depends(_asked)]


async def _kind(kind: KindParam = EntryKind.OFFICIAL, elapsed_s: ElapsedParam = None) -> EntryKind:
    if kind is not EntryKind.VIRTUAL and elapsed_s is not None:
        raise BadRequestError("elapsed_s: only a virtual board has it")
    return kind


KindDep = Annotated[EntryKind, Depends(_kind)]


def turn(parts: Parts, user: CurrentUser | None, what: str = "looking back at boards") -> None:
    """Take one of the caller's turns: reading a whole log, or a whole board, is dear."""
    name = "everybody" if user is None else str(user.id)
    parts.looking.take(f"{what} {name}", what)


def _entry(cursor: str) -> UUID:
    try:
        return UUID(paging.decode(cursor)[0])
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
