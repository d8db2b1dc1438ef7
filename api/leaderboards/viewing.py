"""What somebody sees of an event's board: which side, which rows, and what stands above them.

The jury's side is for the jury alone (`api.redaction` says who that is); everybody else has the
public one, which holds nothing that a freeze hides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, paging, redaction
from api.auth import CurrentUser
from api.db.models import (
    EntryKind,
    Event,
    EventGuild,
    EventParticipant,
    EventProblem,
    EventState,
    GuildRef,
)
from api.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from api.events.machine import STARTED
from api.leaderboards import queries, schemas, scoring
from api.leaderboards.cells import Shown
from api.leaderboards.momentary import GuildRanked
from api.leaderboards.queries import Among, Ranked
from api.leaderboards.schemas import View
from judge.scoring import Standing
from judge.scoring.guilds import Combining

SECOND_US = 1_000_000
_UNKNOWN = frozenset({EventState.REQUESTED, EventState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which page of which board."""

    event_id: UUID
    public: bool
    room_id: UUID | None = None
    guild_id: UUID | None = None
    limit: int = paging.PAGE_MAX
    after: UUID | None = None

    @property
    def among(self) -> Among:
        """Return which rows are meant."""
        return Among(
            event_id=self.event_id,
            public=self.public,
            room_id=self.room_id,
            guild_id=self.guild_id,
        )


def jury(user: CurrentUser | None) -> bool:
    """Tell whether somebody may see what a freeze hides."""
    return redaction.audience(user, None) is redaction.Audience.JURY


def side(user: CurrentUser | None, view: View) -> bool:
    """Return whether it is the public side; raises unless the caller may have the other."""
    if view is View.PUBLIC:
        return True
    if user is None:
        raise UnauthenticatedError("the jury's board needs a bearer token")
    if not jury(user):
        raise ForbiddenError("only the jury sees what the freeze hides")
    return False


async def named(session: AsyncSession, slug: str) -> UUID:
    """Return the event with this slug; raises `NotFoundError`."""
    found: UUID | None = await session.scalar(select(Event.id).where(Event.slug == slug))
    if found is None:
        raise NotFoundError("there is no such event", slug="event-not-found")
    return found


async def event(session: AsyncSession, event_id: UUID, user: CurrentUser | None) -> Event:
    """Return an event that has a board; there is none before the start."""
    found = await session.get(Event, event_id)
    if found is None or (found.state in _UNKNOWN and not jury(user)):
        raise NotFoundError("there is no such event", slug="event-not-found")
    if found.private:
        await need_part(session, event_id, user)
    if found.state not in STARTED and found.started_at is None:
        raise ConflictError(
            "the event has not started; its board comes with it", slug="event-not-started"
        )
    return found


async def private(session: AsyncSession, event_id: UUID) -> bool:
    """Tell whether few know of an event."""
    return bool(await session.scalar(select(Event.private).where(Event.id == event_id)))


async def need_part(session: AsyncSession, event_id: UUID, user: CurrentUser | None) -> None:
    """Raise `NotFoundError` unless somebody takes part, or is of the jury."""
    if jury(user):
        return
    plays = user is not None and await session.scalar(
        select(EventParticipant.entry_id)
        .where(EventParticipant.event_id == event_id, EventParticipant.user_id == user.id)
        .limit(1)
    )
    if not plays:
        raise NotFoundError("there is no such event", slug="event-not-found")


def frozen_since(row: Event, *, public: bool, now: datetime) -> datetime | None:
    """Return since when a side stands still, or None when it moves."""
    if not public:
        return None
    since = scoring.rules(row).freeze_from
    return since if since is not None and since <= now else None


async def problems(session: AsyncSession, event_id: UUID) -> Sequence[EventProblem]:
    """Return an event's problems in order."""
    found = await session.scalars(
        select(EventProblem)
        .where(EventProblem.event_id == event_id)
        .order_by(EventProblem.position, EventProblem.problem_id)
    )
    return found.all()


async def entry_of(
    session: AsyncSession, event_id: UUID, user_id: UUID, kind: EntryKind = EntryKind.OFFICIAL
) -> UUID | None:
    """Return the entry with which somebody is on a board."""
    found: UUID | None = await session.scalar(
        select(EventParticipant.entry_id).where(
            EventParticipant.event_id == event_id,
            EventParticipant.user_id == user_id,
            EventParticipant.kind == kind,
        )
    )
    return found


async def head(
    session: AsyncSession,
    row: Event,
    among: Among,
    tasks: Sequence[EventProblem],
    *,
    at: datetime | None = None,
    firsts: Mapping[UUID, queries.First] | None = None,
    entries: int | None = None,
) -> dict[str, Any]:
    """Return what stands above rows; what is not given is read."""
    if firsts is None:
        firsts = await queries.firsts(session, among, [task.problem_id for task in tasks])
    if entries is None:
        entries = await queries.count(session, among)
    since = frozen_since(row, public=among.public, now=at or await clocks.now(session))
    return {
        "event_id": row.id,
        "state": row.state,
        "format": row.format,
        "view": View.PUBLIC if among.public else View.JURY,
        "frozen": since is not None,
        "frozen_since": since,
        "revealed": row.revealed,
        "at": at,
        "kind": EntryKind.OFFICIAL,
        "elapsed_s": None,
        "problems": [
            schemas.BoardProblem(
                label=task.label,
                problem_id=task.problem_id,
                points=float(task.points),
                first=_first(firsts.get(task.problem_id)),
            )
            for task in tasks
        ],
        "entries": entries,
    }


async def board(session: AsyncSession, user: CurrentUser | None, asked: Asked) -> schemas.Board:
    """Return a page of the board as it is, without anybody's own row."""
    row = await event(session, asked.event_id, user)
    tasks = await problems(session, row.id)
    found = await queries.page(session, asked.among, limit=asked.limit + 1, after=asked.after)
    return schemas.Board(
        **await head(session, row, asked.among, tasks),
        rows=shown(found[: asked.limit], tasks),
        own=None,
        next_cursor=following(found, asked.limit),
    )


async def own(session: AsyncSession, among: Among, user_id: UUID) -> schemas.BoardRow | None:
    """Return the caller's own row, if it is among those that are shown."""
    entry_id = await entry_of(session, among.event_id, user_id)
    found = None if entry_id is None else await queries.one(session, among, entry_id)
    if found is None:
        return None
    return shown([found], await problems(session, among.event_id))[0]


async def guilds(
    session: AsyncSession, user: CurrentUser | None, event_id: UUID, *, public: bool
) -> schemas.GuildBoard:
    """Return the board of guilds."""
    row = await event(session, event_id, user)
    found = await queries.guilds(session, event_id, public=public)
    official = [
        GuildRanked(
            rank=rank,
            guild_id=guild.guild_id,
            kind=EntryKind.OFFICIAL,
            standing=Standing(score=-Fraction(guild.lost), penalty=guild.penalty, last=guild.last),
        )
        for rank, guild in found
    ]
    return await guild_board(session, row, official, public=public)


async def guild_names(
    session: AsyncSession, event_id: UUID, wanted: Sequence[UUID]
) -> dict[UUID, str]:
    """Return guilds' names as they registered, else as they are called now."""
    known = await session.scalars(select(GuildRef).where(GuildRef.guild_id.in_(wanted)))
    registered = await session.scalars(select(EventGuild).where(EventGuild.event_id == event_id))
    return {each.guild_id: each.name for each in (*known, *registered)}


async def guild_board(
    session: AsyncSession,
    row: Event,
    ranked: Sequence[GuildRanked],
    *,
    public: bool = True,
    kind: EntryKind = EntryKind.OFFICIAL,
    elapsed_s: int | None = None,
) -> schemas.GuildBoard:
    """Return guilds in order with their names, and what stands above them."""
    rules = scoring.rules(row)
    names = await guild_names(session, row.id, [each.guild_id for each in ranked])
    since = frozen_since(row, public=public, now=await clocks.now(session))
    return schemas.GuildBoard(
        event_id=row.id,
        state=row.state,
        view=View.PUBLIC if public else View.JURY,
        frozen=since is not None,
        kind=kind,
        elapsed_s=elapsed_s,
        how=rules.combining.value,
        best=rules.best if rules.combining is Combining.BEST else None,
        rows=[
            schemas.GuildRow(
                rank=each.rank,
                guild_id=each.guild_id,
                kind=each.kind,
                name=names.get(each.guild_id, ""),
                score=float(each.standing.score),
                penalty=each.standing.penalty,
                last=each.standing.last,
            )
            for each in ranked
        ],
    )


def shown(rows: Sequence[Ranked], tasks: Sequence[EventProblem]) -> list[schemas.BoardRow]:
    """Return rows with their cells by label, in the order of the problems."""
    columns = [(str(task.problem_id), task.label) for task in tasks]
    return [
        schemas.BoardRow(
            rank=row.rank,
            entry_id=row.entry_id,
            kind=row.kind,
            name=row.name,
            guild_id=row.guild_id,
            room_id=row.room_id,
            score=row.score,
            penalty=row.penalty,
            last=row.last,
            cells={
                label: cell(Shown._make(row.kept[task]))
                for task, label in columns
                if task in row.kept
            },
        )
        for row in rows
    ]


def cell(kept: Shown) -> schemas.BoardCell:
    """Return a cell as clients see it."""
    return schemas.BoardCell(
        attempts=kept.attempts,
        pending=kept.pending,
        solved=kept.solved,
        first=kept.first,
        score=kept.score,
        penalty=kept.penalty,
        at_s=None if kept.at_us is None else kept.at_us // SECOND_US,
    )


def following(found: Sequence[Ranked], limit: int) -> str | None:
    """Return the cursor of the next page, when one row more was found than a page has."""
    return paging.encode(str(found[limit - 1].entry_id)) if len(found) > limit else None


def _first(found: queries.First | None) -> schemas.FirstSolve | None:
    if found is None:
        return None
    return schemas.FirstSolve(
        entry_id=found.entry_id, at_s=found.solved_us // SECOND_US, settled=found.settled
    )
