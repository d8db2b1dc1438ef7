"""Whose ratings a finalised event moves, and by how much.

Elsewhere than in duels whoever handed nothing in beat nobody and lost to nobody, so that whoever
registers others, or many of their own, moves no rating. In a duel those are rated who said yes to
it themselves, whatever they did then: else who is about to lose would hand nothing in. Whom a guild
master selected and who said nothing is rated if they came by the start or handed something in.
Coming later says nothing: it could be had for a duel that is won already. Giving up is no
exception, for either side.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, not_, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.db.models import (
    CodeSubmission,
    Duel,
    DuelMember,
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    Rating,
    RatingChange,
)
from api.leaderboards.queries import Ranked
from judge.scoring import rating
from judge.scoring.rating import Rated

DUEL = "duel"
# Formats in which people play against each other; practice changes no rating.
RATED = frozenset({"icpc", "ioi", "battle", DUEL})
# Of the duels in which two are rated against each other within so long the first is.
DUELS_APART = timedelta(days=1)
_ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtext('codebattle.ratings'))")


async def rate(session: AsyncSession, event: Event, rows: Iterable[Ranked]) -> None:
    """Rate everybody once an event; the members of an entry are rated as a team.

    `rows` are its final ones. The event is locked.
    """
    if event.format not in RATED:
        return
    already = await session.scalar(
        select(RatingChange.user_id).where(RatingChange.event_id == event.id).limit(1)
    )
    if already is not None:
        return
    # One event after the other: each goes by the ratings that the one before it left.
    await session.execute(_ONE_BY_ONE)
    duel = event.format == DUEL
    field = await _field(
        session, event, {row.entry_id: row.rank for row in rows if row.kept or duel}
    )
    if not field or (duel and not await _counts(session, field)):
        return
    await _store(session, event, field)


async def _field(session: AsyncSession, event: Event, ranks: dict[UUID, int]) -> Sequence[Rated]:
    wanted = (
        select(
            EventParticipant.user_id,
            EventParticipant.entry_id,
            func.coalesce(Rating.rating, rating.START),
            func.coalesce(Rating.games, 0),
        )
        .outerjoin(Rating, Rating.user_id == EventParticipant.user_id)
        .where(EventParticipant.event_id == event.id, EventParticipant.kind == EntryKind.OFFICIAL)
    )
    if event.format == DUEL:
        wanted = _who_took_part(wanted, event)
    return [
        Rated(id=str(user_id), rank=ranks[entry_id], rating=before, games=games, side=str(entry_id))
        for user_id, entry_id, before, games in await session.execute(wanted)
        if entry_id in ranks
    ]


def _who_took_part(
    wanted: Select[UUID, UUID, int, int], event: Event
) -> Select[UUID, UUID, int, int]:
    """Leave out whom a guild master put there and who did nothing of their own."""
    challenged = and_(
        DuelMember.user_id == EventParticipant.user_id,
        DuelMember.duel_id == select(Duel.id).where(Duel.event_id == event.id).scalar_subquery(),
    )
    # Not every event of the format is somebody's challenge: in others guilds select.
    selected = func.coalesce(DuelMember.selected, EventEntry.guild_id.is_not(None))
    handed_in = exists().where(
        CodeSubmission.event_id == event.id,
        CodeSubmission.entry_id == EventParticipant.entry_id,
        CodeSubmission.user_id == EventParticipant.user_id,
    )
    return (
        wanted.join(EventEntry, EventEntry.id == EventParticipant.entry_id)
        .outerjoin(DuelMember, challenged)
        .where(or_(not_(selected), EventParticipant.came_at <= event.started_at, handed_in))
    )


async def _counts(session: AsyncSession, field: Sequence[Rated]) -> bool:
    """Tell whether a duel is rated: there are two sides, and no two of them were rated lately."""
    first = {UUID(each.id) for each in field if each.side == field[0].side}
    others = {UUID(each.id) for each in field} - first
    return bool(others) and not await _met(session, first, others)


async def _met(session: AsyncSession, some: set[UUID], others: set[UUID]) -> bool:
    """Tell whether one of some and one of others were rated on two sides of a duel lately.

    Friends could lose to each other on purpose. It is the same whichever side is asked about first,
    and whoever of them took no part has met nobody.
    """
    mine, theirs = aliased(RatingChange), aliased(RatingChange)
    my_side, their_side = aliased(EventParticipant), aliased(EventParticipant)
    found = await session.scalar(
        select(mine.event_id)
        .join(theirs, theirs.event_id == mine.event_id)
        .join(Event, Event.id == mine.event_id)
        .join(my_side, _played(mine, my_side))
        .join(their_side, _played(theirs, their_side))
        .where(
            Event.format == DUEL,
            mine.created_at > func.now() - DUELS_APART,
            mine.user_id.in_(some),
            theirs.user_id.in_(others),
            my_side.entry_id != their_side.entry_id,
        )
        .limit(1)
    )
    return found is not None


def _played(change: type[RatingChange], participant: type[EventParticipant]) -> ColumnElement[bool]:
    return and_(
        participant.event_id == change.event_id,
        participant.user_id == change.user_id,
        participant.kind == EntryKind.OFFICIAL,
    )


async def _store(session: AsyncSession, event: Event, field: Sequence[Rated]) -> None:
    new = rating.updated(field)
    statement = upsert(Rating)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Rating.user_id],
            set_={"rating": statement.excluded.rating, "games": statement.excluded.games},
        ),
        [
            {"user_id": UUID(each.id), "rating": new[each.id], "games": each.games + 1}
            for each in field
        ],
    )
    await session.execute(
        insert(RatingChange),
        [
            {
                "event_id": event.id,
                "user_id": UUID(each.id),
                "before": each.rating,
                "after": new[each.id],
                "rank": each.rank,
            }
            for each in field
        ],
    )
