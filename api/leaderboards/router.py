"""`/v1/events/{event}/leaderboard`, what belongs to it, and `/v1/ratings`: docs/leaderboards.md.

A board is read over and over by everybody: a page is made a few times a second at most, and who
has it already is told so (`ETag`).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from api import clocks
from api.accounts.router import Moment
from api.auth import CurrentUser
from api.db.models import EntryKind
from api.deps import MaybeReaderDep, PartsDep, SessionDep
from api.documented import Responses, problems
from api.errors import (
    BadRequestError,
    InvalidError,
    UnauthenticatedError,
)
from api.leaderboards import (
    asking,
    instants,
    overridden,
    ratings,
    replaying,
    schemas,
    viewing,
)
from api.leaderboards.asking import (
    BOARD,
    AskedDep,
    ElapsedParam,
    EventIdDep,
    KindDep,
    ViewParam,
)
from api.leaderboards.export_router import router as exports
from api.leaderboards.instants import Past
from api.leaderboards.resolver_router import router as resolver
from api.leaderboards.schemas import View
from api.leaderboards.viewing import Asked
from api.paging import PAGE_DEFAULT, CursorParam, LimitParam
from api.wiring import Parts

router = APIRouter(tags=["leaderboards"])
router.include_router(exports)
router.include_router(resolver)
# What became known so lately may still be on its way into the log.
SETTLED = timedelta(seconds=10)
REVALIDATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
Known = Annotated[
    str | None, Header(alias="If-None-Match", max_length=500, description="`ETag` of what is held.")
]
_UNCHANGED: Responses = {304: {"description": "It is as the caller has it."}}


@router.get(
    BOARD,
    response_model=schemas.Board,
    responses=_UNCHANGED | problems(401, 403, 409, 429, 503),
)
async def get_leaderboard(
    asked: AskedDep,
    user: MaybeReaderDep,
    parts: PartsDep,
    kind: KindDep,
    at: Annotated[Moment | None, Query(description="As it was then; for those signed in.")] = None,
    elapsed_s: ElapsedParam = None,
    known: Known = None,
) -> Response:
    """Return a page of an event's board, and the caller's own row."""
    if kind is not EntryKind.OFFICIAL and at is not None:
        raise BadRequestError("at: only the official board has a history")
    if kind is EntryKind.VIRTUAL:
        asking.turn(parts, user)
        return _answer(await replaying.virtual(parts, user, asked, elapsed_s=elapsed_s), known)
    if kind is EntryKind.PRACTICE:
        return _answer(await _practice(parts, user, asked), known)
    if at is None:
        return _sent(await _now(parts, user, asked), known)
    return _answer(await _then(parts, user, asked, at), known)


@router.get(
    f"{BOARD}/guilds",
    response_model=schemas.GuildBoard,
    responses=_UNCHANGED | problems(400, 401, 403, 409, 429),
)
async def get_guild_leaderboard(
    event_id: EventIdDep,
    user: MaybeReaderDep,
    parts: PartsDep,
    kind: KindDep,
    view: ViewParam = View.PUBLIC,
    elapsed_s: ElapsedParam = None,
    known: Known = None,
) -> Response:
    """Return an event's board of guilds; of a virtual one, with those that play it virtually."""
    if kind is EntryKind.PRACTICE:
        raise BadRequestError("kind: guilds do not practise")
    if kind is EntryKind.VIRTUAL:
        asking.turn(parts, user)
        made = await replaying.virtual_guilds(parts, user, event_id, elapsed_s=elapsed_s)
        return _answer(made, known)
    public = viewing.side(user, view)

    async def make() -> schemas.GuildBoard:
        async with parts.sessions() as session:
            return await viewing.guilds(session, user, event_id, public=public)

    await _may_know(parts, user, event_id)
    made = await parts.recent.get(("guilds", event_id, public), make)
    return _answer(made, known)


@router.get("/ratings")
async def list_ratings(
    user: MaybeReaderDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> schemas.RatingPage:
    """List ratings across events, the highest first."""
    del user
    return await ratings.page(session, limit=limit, cursor=cursor)


@router.get("/ratings/{user_id}")
async def get_rating(
    user_id: UUID,
    user: MaybeReaderDep,
    session: SessionDep,
    limit: LimitParam = PAGE_DEFAULT,
    cursor: CursorParam = None,
) -> schemas.RatingHistory:
    """Return somebody's rating and the events it comes from, as far as the caller may know them."""
    return await ratings.history(session, user_id, by=user, limit=limit, cursor=cursor)


async def _practice(parts: Parts, user: CurrentUser | None, asked: Asked) -> schemas.Board:
    async def make() -> schemas.Board:
        async with parts.sessions() as session:
            return await replaying.practice(session, user, asked)

    who = None if user is None else user.id
    return await parts.recent.get(("practice", asked, who), make)


async def _now(parts: Parts, user: CurrentUser | None, asked: Asked) -> str:
    """Return the board as it is, as JSON: everybody gets the same but for the row of their own."""

    async def make() -> tuple[schemas.Board, str]:
        async with parts.sessions() as session:
            page = await overridden.marked(session, await viewing.board(session, user, asked))
        return page, page.model_dump_json(exclude={"own"})

    await _may_know(parts, user, asked.event_id)
    page, written = await parts.recent.get(("board", asked), make)
    own = "null" if user is None else await _own(parts, user.id, asked, page)
    return f'{written.removesuffix("}")},"own":{own}}}'


async def _own(parts: Parts, user_id: UUID, asked: Asked, page: schemas.Board) -> str:
    among = asked.among

    async def make() -> str:
        async with parts.sessions() as session:
            row = await viewing.own(session, among, user_id)
            (await overridden.of(session, page)).on([row])
            return "null" if row is None else row.model_dump_json()

    return await parts.recent.get(("own", among, user_id), make)


async def _may_know(parts: Parts, user: CurrentUser | None, event_id: UUID) -> None:
    """Raise for who may not know of an event: what is kept is given to all who ask."""

    async def read() -> bool:
        async with parts.sessions() as session:
            return await viewing.private(session, event_id)

    if await parts.recent.get(("private", event_id), read):
        async with parts.sessions() as session:
            await viewing.need_part(session, event_id, user)


async def _then(
    parts: Parts, user: CurrentUser | None, asked: Asked, at: datetime
) -> schemas.Board:
    if user is None:
        raise UnauthenticatedError("looking back needs a bearer token")
    among = asked.among
    async with parts.sessions() as session:
        now = await clocks.now(session)
        if at > now:
            raise InvalidError("at: that is still to come")
        event = await viewing.event(session, asked.event_id, user)

    async def make() -> Past:
        async with parts.sessions() as session:
            return await instants.board(session, event, public=asked.public, until=at)

    # What is long past changes no more, but for the event itself.
    settled = at < now - SETTLED
    key = ("past", event.id, asked.public, at, event.updated_at, settled or object())
    # Whoever waits for a turn keeps no connection from others.
    past = await parts.lookbacks.get(user.id, key, make)
    async with parts.sessions() as session:
        tasks = await viewing.problems(session, event.id)
        rows = instants.page(past, among, limit=asked.limit + 1, after=asked.after)
        whole = instants.among_them(past, among)
        entry_id = await viewing.entry_of(session, event.id, user.id)
        own = [row for row in whole if row.entry_id == entry_id]
        board = schemas.Board(
            **await viewing.head(
                session, event, among, tasks, at=at, firsts=past.firsts, entries=len(whole)
            ),
            rows=viewing.shown(rows[: asked.limit], tasks),
            own=next(iter(viewing.shown(own, tasks)), None),
            next_cursor=viewing.following(rows, asked.limit),
        )
        return await overridden.marked(session, board)


def _answer(made: BaseModel, known: str | None) -> Response:
    return _sent(made.model_dump_json(), known)


def _sent(written: str, known: str | None) -> Response:
    body = written.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = REVALIDATE | {"ETag": tag}
    if known is not None and tag in {each.strip() for each in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
