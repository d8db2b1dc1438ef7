"""Boards of an event that is over: virtual ones among the official as it was, and practice.

A virtual board is of a moment of the event's own time: the official rows by what had been handed
in up to then, and every virtual entry by what it had at the same moment of its own clock. Ranks
are the official ones; a virtual row has the rank it would have had, and takes nobody's. What is
the same for everybody is made once for all who ask (`api.recent`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks
from api.auth import CurrentUser
from api.db.models import EntryKind, Event, EventEntry, EventProblem
from api.errors import ConflictError, UnauthenticatedError
from api.leaderboards import (
    apart,
    momentary,
    moments,
    overridden,
    schemas,
    scoring,
    timelines,
    viewing,
)
from api.leaderboards.apart import Which
from api.leaderboards.momentary import Then
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

    async def make() -> schemas.Board:
        async with parts.sessions() as session:
            return await _virtual(session, asked, then)

    async def mine() -> schemas.BoardRow | None:
        async with parts.sessions() as session:
            event = await session.get_one(Event, asked.event_id)
            assert own_id is not None
            found = await momentary.one(session, event, among, then, own_id)
            tasks = await viewing.problems(session, event.id)
            rows = viewing.shown(found, tasks)
            (await overridden.of(session, page)).on(rows)
            return next(iter(rows), None)

    page = await parts.replays.get(("page", asked, then), make)
    if own_id is None:
        return page
    own = await parts.replays.get(("own", among, then, own_id), mine)
    return page.model_copy(update={"own": own})


async def virtual_guilds(
    parts: Parts, user: CurrentUser | None, event_id: UUID, *, elapsed_s: int | None
) -> schemas.GuildBoard:
    """Return the guilds of a moment: those of the event, and those that play it virtually."""
    looked = await look(parts, user, event_id, elapsed_s=elapsed_s)

    async def make() -> schemas.GuildBoard:
        async with parts.sessions() as session:
            event = await session.get_one(Event, event_id)
            found = await momentary.guilds(session, event, looked.then)
            return await viewing.guild_board(
                session, event, found, kind=EntryKind.VIRTUAL, elapsed_s=looked.then.elapsed_s
            )

    return await parts.replays.get(("guilds", event_id, looked.then), make)


async def look(
    parts: Parts, user: CurrentUser | None, event_id: UUID, *, elapsed_s: int | None
) -> Looked:
    """Return what moment somebody asks for: their own, unless they name one.

    Afterwards the event's moments are made.
    """
    if user is None:
        raise UnauthenticatedError("a virtual board needs a bearer token")
    async with parts.sessions() as session:
        event = await _over(session, event_id, user)
        own = await _own(session, event, user)
        made = await moments.made_of(session, event.id)
    if elapsed_s is None and own is not None:
        elapsed_s = max(0, own.elapsed_s)
    if elapsed_s is not None and elapsed_s >= event.duration_s:
        # Those who had more time than others are in it with all they did.
        elapsed_s = None
    if not made:

        async def make() -> None:
            await timelines.ensure(parts.sessions, event_id)

        await parts.lookbacks.get(("moments", event_id), make)
    return Looked(then=Then(elapsed_s=elapsed_s), own=None if own is None else own.entry_id)


async def _over(session: AsyncSession, event_id: UUID, user: CurrentUser | None) -> Event:
    event = await viewing.event(session, event_id, user)
    await need_over(session, event)
    return event


async def need_over(session: AsyncSession, event: Event) -> None:
    """Raise `ConflictError` while an event goes on, or its board hides something."""
    if not clocks.played(event, await clocks.now(session)):
        raise ConflictError(
            "it has such boards when it is over and its own shows everything",
            slug="event-not-over",
            state=event.state.value,
        )


async def _own(session: AsyncSession, event: Event, user: CurrentUser) -> _Own | None:
    entry_id = await viewing.entry_of(session, event.id, user.id, EntryKind.VIRTUAL)
    if entry_id is None:
        return None
    entry = await session.get_one(EventEntry, entry_id)
    assert entry.starts_at is not None
    clock = scoring.virtual(scoring.schedule(event), entry.starts_at)
    elapsed = clock.elapsed(await clocks.now(session))
    return _Own(entry_id=entry_id, elapsed_s=int(elapsed.total_seconds()))


async def _virtual(session: AsyncSession, asked: Asked, then: Then) -> schemas.Board:
    event = await session.get_one(Event, asked.event_id)
    found = await momentary.page(
        session, event, asked.among, then, limit=asked.limit + 1, after=asked.after
    )
    tasks = await viewing.problems(session, event.id)
    head = await virtual_head(session, event, asked.among, tasks, then)
    board = _board(head, asked, tasks, rows=found, own=())
    return await overridden.marked(session, board)


async def virtual_head(
    session: AsyncSession,
    event: Event,
    among: Among,
    tasks: Sequence[EventProblem],
    then: Then,
) -> dict[str, Any]:
    """Return what stands above the rows of a virtual board."""
    entries = await momentary.count(session, among, then)
    firsts = await momentary.firsts(session, event.id, [task.problem_id for task in tasks], then)
    head = await viewing.head(session, event, among, tasks, firsts=firsts, entries=entries)
    return head | {"kind": EntryKind.VIRTUAL, "elapsed_s": then.elapsed_s}


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
