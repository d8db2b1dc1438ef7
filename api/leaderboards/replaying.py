"""Boards of an event that is over: virtual ones among the official as it was, and practice.

A virtual board is of a moment of the event's own time: the official rows by what had been handed
in up to then, and every virtual entry by what it had at the same moment of its own clock. Ranks
are the official ones; a virtual row has the rank it would have had, and takes nobody's.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.auth import CurrentUser
from api.db.models import EntryKind, Event, EventEntry
from api.errors import ConflictError, UnauthenticatedError
from api.leaderboards import apart, instants, overridden, schemas, scoring, viewing
from api.leaderboards.apart import Which
from api.leaderboards.instants import Past
from api.leaderboards.queries import Among, Ranked
from api.leaderboards.viewing import SECOND_US, Asked
from api.wiring import Parts

# The official rows are made anew at most so often in the event's time: what everybody shares.
STEP_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The caller's virtual entry and what time it is there in seconds."""

    entry_id: UUID
    elapsed_s: int


async def practice(session: AsyncSession, user: CurrentUser | None, asked: Asked) -> schemas.Board:
    """Return a page of what was solved after the end, and the caller's own row."""
    event = await _over(session, asked.event_id, user)
    which = Which(event_id=event.id, kind=EntryKind.PRACTICE, guild_id=asked.guild_id)
    found = await apart.page(session, which, limit=asked.limit + 1, after=asked.after)
    own: list[Ranked] = []
    if user is not None:
        entry_id = await viewing.entry_of(session, event.id, user.id, EntryKind.PRACTICE)
        if entry_id is not None:
            own = await apart.page(session, which, limit=1, only=entry_id)
    tasks = await viewing.problems(session, event.id)
    head = await viewing.head(
        session,
        event,
        asked.among,
        tasks,
        firsts={},
        entries=await apart.count(session, which),
    )
    head["kind"] = EntryKind.PRACTICE
    board = _board(head, asked, tasks, rows=found, own=own)
    return await overridden.marked(session, board)


async def virtual(
    parts: Parts, user: CurrentUser | None, asked: Asked, *, elapsed_s: int | None
) -> schemas.Board:
    """Return a page of the virtual board of a moment: the caller's, unless they name one."""
    if user is None:
        raise UnauthenticatedError("a virtual board needs a bearer token")
    async with parts.sessions() as session:
        event = await _over(session, asked.event_id, user)
        own = await _own(session, event, user)
        if elapsed_s is None and own is not None:
            elapsed_s = max(0, own.elapsed_s)
        if elapsed_s is not None and elapsed_s >= event.duration_s:
            # Those who had more time than others are in it with all they did.
            elapsed_s = None
        official = await _official(parts, session, event, elapsed_s)
        theirs = await _virtual(session, event, elapsed_s)
        rows = await asyncio.to_thread(merged, official, theirs, asked.among)
        tasks = await viewing.problems(session, event.id)
        head = await viewing.head(
            session,
            event,
            asked.among,
            tasks,
            firsts=official.firsts,
            entries=len(rows),
        )
        head |= {"kind": EntryKind.VIRTUAL, "elapsed_s": elapsed_s}
        marks = await overridden.of(session, schemas.BoardHead(**head))
    begin = 0
    if asked.after is not None:
        places = [at for at, row in enumerate(rows, start=1) if row.entry_id == asked.after]
        begin = places[0] if places else len(rows)
    board = _board(
        head,
        asked,
        tasks,
        rows=rows[begin : begin + asked.limit + 1],
        own=[row for row in rows if own is not None and row.entry_id == own.entry_id],
    )
    marks.on((*board.rows, board.own))
    return board


def merged(official: Past, theirs: Sequence[Ranked], among: Among) -> list[Ranked]:
    """Return the rows that are meant in order; at equal results the official ones come first."""
    shown = instants.among_them(official, among)
    keys = [row.key for row in shown]
    beside = [replace(row, rank=bisect_left(keys, row.key) + 1) for row in theirs if among.has(row)]
    return sorted(
        (*shown, *beside), key=lambda row: (row.key, row.kind is EntryKind.VIRTUAL, row.entry_id)
    )


async def _over(session: AsyncSession, event_id: UUID, user: CurrentUser | None) -> Event:
    event = await viewing.event(session, event_id, user)
    if not clocks.played(event, await clocks.now(session)):
        raise ConflictError(
            "it has such boards when it is over and its own shows everything",
            slug="event-not-over",
            state=event.state.value,
        )
    return event


async def _own(session: AsyncSession, event: Event, user: CurrentUser) -> _Own | None:
    entry_id = await viewing.entry_of(session, event.id, user.id, EntryKind.VIRTUAL)
    if entry_id is None:
        return None
    entry = await session.get_one(EventEntry, entry_id)
    assert entry.starts_at is not None
    clock = scoring.virtual(scoring.schedule(event), entry.starts_at)
    elapsed = clock.elapsed(await clocks.now(session))
    return _Own(entry_id=entry_id, elapsed_s=int(elapsed.total_seconds()))


async def _official(
    parts: Parts, session: AsyncSession, event: Event, elapsed_s: int | None
) -> Past:
    """Return the official rows of a moment, rounded down to what everybody shares."""
    step = None if elapsed_s is None else elapsed_s - elapsed_s % STEP_S

    async def make() -> Past:
        until_us = None if step is None else step * SECOND_US
        return await instants.board(session, event, public=True, until_us=until_us)

    return await parts.lookbacks.get(("replay", event.id, event.updated_at, step), make)


async def _virtual(session: AsyncSession, event: Event, elapsed_s: int | None) -> list[Ranked]:
    """Return the virtual rows of a moment, in no order and without ranks."""
    found = await session.scalars(
        select(EventEntry).where(
            EventEntry.event_id == event.id, EventEntry.kind == EntryKind.VIRTUAL
        )
    )
    entries = {entry.id: entry for entry in found}
    rules = scoring.rules(event)
    tasks = await scoring.problems(session, event.id)
    until_us = None if elapsed_s is None else elapsed_s * SECOND_US + SECOND_US - 1
    held = await apart.cells_of(session, rules, tasks, entries, until_us=until_us)
    return [
        apart.ranked({**apart.row(rules, entry, held[who]), "name": entry.name}, rank=0)
        for who, entry in entries.items()
    ]


def _board(
    head: dict[str, Any],
    asked: Asked,
    tasks: Sequence[Any],
    *,
    rows: Sequence[Ranked],
    own: Sequence[Ranked],
) -> schemas.Board:
    return schemas.Board(
        **head,
        rows=viewing.shown(rows[: asked.limit], tasks),
        own=next(iter(viewing.shown(own, tasks)), None),
        next_cursor=viewing.following(rows, asked.limit),
    )
