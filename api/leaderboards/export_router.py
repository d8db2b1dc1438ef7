"""`/v1/events/{event}/leaderboard.csv` and `.json`: whole boards, of any kind.

One is written to the end before any of it is sent, so that whoever reads slowly keeps neither a
connection to the database nor a board in memory.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser
from api.db.models import EntryKind, Event
from api.deps import MaybeReaderDep, PartsDep
from api.documented import Responses, problems
from api.leaderboards import asking, exporting, overridden, replaying, schemas, timelines, viewing
from api.leaderboards.asking import BOARD, ElapsedParam, EventIdDep, KindDep, ViewParam
from api.leaderboards.queries import Among
from api.leaderboards.replaying import Looked
from api.leaderboards.schemas import View
from api.wiring import Parts

router = APIRouter()
# A board that is larger is in a file that has no name.
MEMORY_MAX = 1 << 20
PIECE = 1 << 16
_CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_JSON: Responses = {200: {"model": schemas.WholeBoard}}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which whole board is asked for."""

    among: Among
    kind: EntryKind
    looked: Looked | None = None


async def _wanted(
    event_id: EventIdDep,
    user: MaybeReaderDep,
    parts: PartsDep,
    kind: KindDep,
    elapsed_s: ElapsedParam = None,
    view: ViewParam = View.PUBLIC,
) -> _Wanted:
    among = Among(event_id=event_id, public=viewing.side(user, view))
    asking.turn(parts, user, "exports of boards")
    looked = None
    if kind is EntryKind.VIRTUAL:
        looked = await replaying.look(parts, user, event_id, elapsed_s=elapsed_s)
    return _Wanted(among=among, kind=kind, looked=looked)


WantedDep = Annotated[_Wanted, Depends(_wanted)]


@router.get(
    f"{BOARD}.csv",
    response_class=StreamingResponse,
    responses=_CSV | problems(400, 401, 403, 409, 429),
)
async def export_leaderboard_csv(
    wanted: WantedDep, user: MaybeReaderDep, parts: PartsDep
) -> StreamingResponse:
    """Export a whole board as CSV; nothing in it is a formula."""
    return await _exported(parts, user, wanted, "csv")


@router.get(
    f"{BOARD}.json",
    response_class=StreamingResponse,
    responses=_JSON | problems(400, 401, 403, 409, 429),
)
async def export_leaderboard_json(
    wanted: WantedDep, user: MaybeReaderDep, parts: PartsDep
) -> StreamingResponse:
    """Export a whole board as JSON."""
    return await _exported(parts, user, wanted, "json")


async def _exported(
    parts: Parts, user: CurrentUser | None, wanted: _Wanted, form: str
) -> StreamingResponse:
    async with parts.sessions() as session:
        # What is refused is refused before anything is sent.
        event = await viewing.event(session, wanted.among.event_id, user)
        if wanted.kind is not EntryKind.OFFICIAL:
            await replaying.need_over(session, event)
    if wanted.looked is not None:
        await timelines.ensure(parts.sessions, event.id)

    # Each reads a board of any size at once: a few at a time leave the database to others.
    async with parts.exports:
        written = await _written(parts, event, wanted, form)
    return StreamingResponse(
        _pieces(written),
        media_type="text/csv; charset=utf-8" if form == "csv" else "application/json",
        headers={"Content-Disposition": f'attachment; filename="{event.slug}.{form}"'},
    )


async def _written(parts: Parts, event: Event, wanted: _Wanted, form: str) -> IO[bytes]:
    """Return a whole board as it is at one moment, ready to be read."""
    with ExitStack() as unless_done:
        file = unless_done.enter_context(SpooledTemporaryFile(MEMORY_MAX))
        async with parts.sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            tasks = await viewing.problems(session, event.id)
            head, pages = await _board(session, event, wanted)
            marks = await overridden.of(session, schemas.BoardHead(**head))
            if form == "csv":
                of_kind = wanted.kind is not EntryKind.OFFICIAL
                lines = exporting.as_csv(tasks, pages, marks, kinds=of_kind)
            else:
                lines = exporting.as_json(head, tasks, pages, marks)
            async for part in lines:
                await asyncio.to_thread(file.write, part)
        file.seek(0)
        unless_done.pop_all()
    return file


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _board(
    session: AsyncSession, event: Event, wanted: _Wanted
) -> tuple[dict[str, Any], exporting.Rows]:
    """Return what stands above a board, and its rows page by page."""
    among = wanted.among
    if wanted.looked is not None:
        then, over = wanted.looked.then, await replaying.whole(session, event)
        rows = exporting.of_virtual(session, over.ground, among, then)
        return over.head_at(then, entries=over.entries), rows
    tasks = await viewing.problems(session, event.id)
    if wanted.kind is EntryKind.PRACTICE:
        head = await replaying.practice_head(session, event, among, tasks)
        return head, exporting.of_practice(session, event.id)
    return await viewing.head(session, event, among, tasks), exporting.rows(session, among)
