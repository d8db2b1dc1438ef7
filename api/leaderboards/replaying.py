"""Boards of an event that is over: virtual ones among the official as it was, and practice.

A virtual board is of a moment of the event's own time: the official rows by what had been handed
in up to then, and every virtual entry by what it had at the same moment of its own clock. Ranks
are the official ones; a virtual row has the rank it would have had, and takes nobody's. What is
the same for everybody is made once for all who ask (`api.recent`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.auth import CurrentUser
from api.db.models import EntryKind, Event, EventEntry, EventParticipant, EventProblem
from api.errors import ConflictError, UnauthenticatedError
from api.leaderboards import (
    apart,
    momentary,
    overridden,
    schemas,
    scoring,
    timelines,
    viewing,
)
from api.leaderboards.apart import Which
from api.leaderboards.momentary import Ground, Then
from api.leaderboards.overridden import Marks
from api.leaderboards.queries import Among, Ranked
from api.leaderboards.viewing import Asked
from api.wiring import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """The caller's virtual entry and what time it is there in seconds."""

    entry_id: UUID
    elapsed_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Which moment is looked at, and which virtual entry is the caller's."""

    then: Then
    own: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What is the same at every moment of an event that is over."""

    ground: Ground
    entries: int
    head: Mapping[str, Any]
    marks: Marks

    def head_at(self, then: Then, *, entries: int) -> dict[str, Any]:
        """Return what stands above the rows of a moment: nobody is first before they were."""
        late = {
            task for task, first in self.ground.firsts.items() if first.solved_us > then.official_us
        }
        problems = [
            each.model_copy(update={"first": None}) if each.problem_id in late else each
            for each in self.head["problems"]
        ]
        said = {"problems": problems, "entries": entries, "elapsed_s": then.elapsed_s}
        return {**self.head, **said}


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
    head = await practice_head(session, event, asked.among, tasks)
    board = _board(head, asked, tasks, rows=found, own=own)
    return await overridden.marked(session, board)


async def practice_head(
    session: AsyncSession, event: Event, among: Among, tasks: Sequence[EventProblem]
) -> dict[str, Any]:
    """Return what stands above the rows of practice."""
    which = Which(event_id=event.id, kind=EntryKind.PRACTICE, guild_id=among.guild_id)
    entries = await apart.count(session, which)
    head = await viewing.head(session, event, among, tasks, firsts={}, entries=entries)
    return head | {"kind": EntryKind.PRACTICE}


async def virtual(
    parts: Parts, user: CurrentUser | None, asked: Asked, *, elapsed_s: int | None
) -> schemas.Board:
    """Return a page of the virtual board of a moment: the caller's, unless they name one."""
    looked = await look(parts, user, asked.event_id, elapsed_s=elapsed_s)
    then, among, own_id = looked.then, asked.among, looked.own
    over = await _whole(parts, asked.event_id)

    async def make() -> schemas.Board:
        async with parts.sessions() as session:
            found = await momentary.page(
                session, over.ground, among, then, limit=asked.limit + 1, after=asked.after
            )
            entries = over.entries
            if among.filters:
                entries = await momentary.count(session, among)
        head = over.head_at(then, entries=entries)
        board = _board(head, asked, over.ground.tasks, rows=found, own=())
        over.marks.on(board.rows)
        return board

    async def mine() -> schemas.BoardRow | None:
        assert own_id is not None
        async with parts.sessions() as session:
            found = await momentary.one(session, over.ground, among, then, own_id)
        rows = viewing.shown(found, over.ground.tasks)
        over.marks.on(rows)
        return next(iter(rows), None)

    if own_id is None:
        return await parts.replays.get(("page", asked, then), make)
    # Neither needs the other.
    page, own = await asyncio.gather(
        parts.replays.get(("page", asked, then), make),
        parts.replays.get(("own", among, then, own_id), mine),
    )
    return page.model_copy(update={"own": own})


async def virtual_guilds(
    parts: Parts, user: CurrentUser | None, event_id: UUID, *, elapsed_s: int | None
) -> schemas.GuildBoard:
    """Return the guilds of a moment: those of the event, and those that play it virtually."""
    then = (await look(parts, user, event_id, elapsed_s=elapsed_s)).then
    over = await _whole(parts, event_id)

    async def make() -> schemas.GuildBoard:
        async with parts.sessions() as session:
            found = await momentary.guilds(session, over.ground, then)
            return await viewing.guild_board(
                session,
                over.ground.event,
                found,
                kind=EntryKind.VIRTUAL,
                elapsed_s=then.elapsed_s,
            )

    return await parts.replays.get(("guilds", event_id, then), make)


async def look(
    parts: Parts, user: CurrentUser | None, event_id: UUID, *, elapsed_s: int | None
) -> Looked:
    """Return what moment somebody asks for: their own, unless they name one."""
    if user is None:
        raise UnauthenticatedError("a virtual board needs a bearer token")
    async with parts.sessions() as session:
        event = await viewing.event(session, event_id, user)
        now = await need_over(session, event)
        own = await _own(session, event, user, now)
    if elapsed_s is None and own is not None:
        elapsed_s = max(0, own.elapsed_s)
    if elapsed_s is not None and elapsed_s >= event.duration_s:
        # Those who had more time than others are in it with all they did.
        elapsed_s = None
    return Looked(then=Then(elapsed_s=elapsed_s), own=None if own is None else own.entry_id)


async def _over(session: AsyncSession, event_id: UUID, user: CurrentUser | None) -> Event:
    event = await viewing.event(session, event_id, user)
    await need_over(session, event)
    return event


async def need_over(session: AsyncSession, event: Event) -> datetime:
    """Return what time it is; raises while an event goes on, or its board hides something."""
    now = await clocks.now(session)
    if not clocks.played(event, now):
        raise ConflictError(
            "it has such boards when it is over and its own shows everything",
            slug="event-not-over",
            state=event.state.value,
        )
    return now


async def _own(
    session: AsyncSession, event: Event, user: CurrentUser, now: datetime
) -> _Own | None:
    entry = await session.scalar(
        select(EventEntry)
        .join(EventParticipant, EventParticipant.entry_id == EventEntry.id)
        .where(
            EventParticipant.event_id == event.id,
            EventParticipant.user_id == user.id,
            EventParticipant.kind == EntryKind.VIRTUAL,
        )
    )
    if entry is None:
        return None
    assert entry.starts_at is not None
    clock = scoring.virtual(scoring.schedule(event), entry.starts_at)
    return _Own(entry_id=entry.id, elapsed_s=int(clock.elapsed(now).total_seconds()))


async def whole(session: AsyncSession, event: Event) -> Whole:
    """Return what is the same at every moment of an event that is over; its moments are made."""
    ground = await momentary.ground(session, event)
    head = await viewing.head(
        session, event, ground.all, ground.tasks, firsts=ground.firsts, entries=0
    )
    head["kind"] = EntryKind.VIRTUAL
    marks = await overridden.of(session, schemas.BoardHead(**head))
    entries = await momentary.count(session, ground.all)
    return Whole(ground=ground, entries=entries, head=head, marks=marks)


async def _whole(parts: Parts, event_id: UUID) -> Whole:
    async def make() -> Whole:
        await timelines.ensure(parts.sessions, event_id)
        async with parts.sessions() as session:
            return await whole(session, await session.get_one(Event, event_id))

    return await parts.replays.get(("whole", event_id), make)


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
