"""What a finalised event leaves: snapshots of its boards, ratings, and awards told to others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.db.models import (
    EntryKind,
    Event,
    EventGuild,
    EventParticipant,
    GuildLeaderboardEntry,
    LeaderboardEntry,
    Rating,
    RatingChange,
)
from api.leaderboards import queries
from api.leaderboards.queries import Among, Ranked
from api.neighbours import outbox
from judge.scoring import rating

FINALISED = "event.finalised"
AWARDED = "event.awarded"
GUILD_AWARDED = "event.guild_awarded"
PAGE = 500
# Formats in which people play against each other; practice changes no rating.
DUEL = "duel"
# What a duel's event keeps of the side that gave it up.
RESIGNED = "resigned"
RATED = frozenset({"icpc", "ioi", "battle", DUEL})
# Of the duels in which two meet within so long the first is rated.
DUELS_APART = timedelta(days=1)
_RATING = text("SELECT pg_advisory_xact_lock(hashtext('codebattle.ratings'))")


async def snapshot(session: AsyncSession, event: Event) -> None:
    """Write the final boards down, update ratings, and tell others; the event is locked.

    Done again it gives the same: rows are replaced and messages have the same ids.
    """
    rows = _given_up(event, await _rows(session, event.id))
    await _leaderboard(session, event, rows)
    await _guilds(session, event)
    if event.format in RATED:
        await _ratings(session, event, rows)
    await _tell(session, event, rows)


def experience(awards: Mapping[str, Any], *, rank: int, score: float, took_part: bool) -> int:
    """Return the experience points of a rank by an event's rule.

    `by_rank` lists points of the first ranks, `per_point` is what a point of the score gives,
    `base` what taking part gives; `guild` has the same keys for guilds. Who did nothing gets
    nothing, whatever rank that is.
    """
    if not took_part:
        return 0
    by_rank = awards.get("by_rank", [])
    place = by_rank[rank - 1] if rank <= len(by_rank) else 0
    return (
        int(awards.get("base", 0)) + int(place) + round(float(awards.get("per_point", 0)) * score)
    )


async def _rows(session: AsyncSession, event_id: UUID) -> list[Ranked]:
    rows: list[Ranked] = []
    after = None
    among = Among(event_id=event_id, public=False)
    while True:
        page = await queries.page(session, among, limit=PAGE, after=after)
        rows += page
        if len(page) < PAGE:
            return rows
        after = page[-1].entry_id


def _given_up(event: Event, rows: list[Ranked]) -> list[Ranked]:
    """Return the rows of a duel with the side last that gave it up."""
    resigned = event.extra.get(RESIGNED)
    if resigned is None:
        return rows
    ordered = sorted(rows, key=lambda row: str(row.entry_id) == resigned)
    return [replace(row, rank=rank) for rank, row in enumerate(ordered, start=1)]


async def _leaderboard(session: AsyncSession, event: Event, rows: list[Ranked]) -> None:
    await session.execute(delete(LeaderboardEntry).where(LeaderboardEntry.event_id == event.id))
    # A duel has one room.
    resigned = RESIGNED in event.extra
    places = {row.entry_id: row.rank for row in rows} if resigned else _room_ranks(rows)
    made = [
        {
            "event_id": event.id,
            "entry_id": row.entry_id,
            "name": row.name,
            "guild_id": row.guild_id,
            "room_id": row.room_id,
            "rank": row.rank,
            "room_rank": places.get(row.entry_id),
            "score": -row.lost,
            "penalty": row.penalty,
            "last": row.last,
            "cells": [
                {"problem_id": task, "solved": cell.solved, **cell._asdict()}
                for task, cell in row.cells.items()
            ],
            "experience": experience(
                event.awards, rank=row.rank, score=row.score, took_part=bool(row.kept)
            ),
        }
        for row in rows
    ]
    if made:
        await session.execute(insert(LeaderboardEntry), made)


def _room_ranks(rows: list[Ranked]) -> dict[UUID, int]:
    """Return everybody's rank in their room; rows come in order."""
    before: dict[UUID, list[Ranked]] = {}
    ranks: dict[UUID, int] = {}
    for row in rows:
        if row.room_id is None:
            continue
        room = before.setdefault(row.room_id, [])
        shared = bool(room) and room[-1].key == row.key
        ranks[row.entry_id] = ranks[room[-1].entry_id] if shared else len(room) + 1
        room.append(row)
    return ranks


async def _guilds(session: AsyncSession, event: Event) -> None:
    await session.execute(
        delete(GuildLeaderboardEntry).where(GuildLeaderboardEntry.event_id == event.id)
    )
    names = {
        guild.guild_id: guild.name
        for guild in await session.scalars(
            select(EventGuild).where(EventGuild.event_id == event.id)
        )
    }
    busy = await _busy(session, event.id)
    ranked = await queries.guilds(session, event.id, public=False)
    for rank, row in ranked:
        score = float(-row.lost) or 0.0
        session.add(
            GuildLeaderboardEntry(
                event_id=event.id,
                guild_id=row.guild_id,
                name=names.get(row.guild_id, ""),
                rank=rank,
                score=-row.lost,
                penalty=row.penalty,
                last=row.last,
                experience=experience(
                    event.awards.get("guild", {}),
                    rank=rank,
                    score=score,
                    took_part=row.guild_id in busy,
                ),
            )
        )
    await session.flush()


async def _busy(session: AsyncSession, event_id: UUID) -> set[UUID]:
    """Return the guilds of which somebody did anything."""
    found = await session.scalars(
        select(LeaderboardEntry.guild_id)
        .where(LeaderboardEntry.event_id == event_id, LeaderboardEntry.cells != [])
        .distinct()
    )
    return {each for each in found if each is not None}


async def _ratings(session: AsyncSession, event: Event, rows: list[Ranked]) -> None:
    """Rate everybody once an event; the members of an entry are rated as a team."""
    already = await session.scalar(
        select(RatingChange.user_id).where(RatingChange.event_id == event.id).limit(1)
    )
    if already is not None:
        return
    # One event after the other: each goes by the ratings that the one before it left.
    await session.execute(_RATING)
    duel = event.format == DUEL
    # Of a duel both have agreed to it. Elsewhere who did nothing beat nobody and lost to nobody,
    # so that whoever registers others, or many of their own, moves no rating.
    ranks = {row.entry_id: row.rank for row in rows if row.kept or duel}
    found = await session.execute(
        select(
            EventParticipant.user_id,
            EventParticipant.entry_id,
            func.coalesce(Rating.rating, rating.START),
            func.coalesce(Rating.games, 0),
        )
        .outerjoin(Rating, Rating.user_id == EventParticipant.user_id)
        .where(EventParticipant.event_id == event.id, EventParticipant.kind == EntryKind.OFFICIAL)
    )
    field = [
        rating.Rated(
            id=str(user_id),
            rank=ranks[entry_id],
            rating=before,
            games=games,
            side=str(entry_id),
        )
        for user_id, entry_id, before, games in found
        if entry_id in ranks
    ]
    if not field or (duel and await _again(session, field)):
        return
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


async def _again(session: AsyncSession, field: Sequence[rating.Rated]) -> bool:
    """Tell whether some of both sides met in a rated duel lately: friends could lose on purpose."""
    first = field[0].side
    mine, theirs = aliased(EventParticipant), aliased(EventParticipant)
    met = and_(theirs.event_id == mine.event_id, theirs.entry_id != mine.entry_id)
    found = await session.scalar(
        select(RatingChange.event_id)
        .join(Event, Event.id == RatingChange.event_id)
        .join(
            mine,
            and_(mine.event_id == RatingChange.event_id, mine.user_id == RatingChange.user_id),
        )
        .join(theirs, met)
        .where(
            Event.format == DUEL,
            RatingChange.created_at > func.now() - DUELS_APART,
            mine.kind == EntryKind.OFFICIAL,
            theirs.kind == EntryKind.OFFICIAL,
            mine.user_id.in_([UUID(each.id) for each in field if each.side == first]),
            theirs.user_id.in_([UUID(each.id) for each in field if each.side != first]),
        )
        .limit(1)
    )
    return found is not None


async def _tell(session: AsyncSession, event: Event, rows: list[Ranked]) -> None:
    """Leave one message for the event, each participant and each guild."""
    await outbox.announce(
        session,
        FINALISED,
        {"event_id": str(event.id), "slug": event.slug, "entries": len(rows)},
        key=event.id,
    )
    people = await session.execute(
        select(EventParticipant.user_id, LeaderboardEntry)
        .join(LeaderboardEntry, LeaderboardEntry.entry_id == EventParticipant.entry_id)
        .where(LeaderboardEntry.event_id == event.id)
    )
    await _announced(
        session,
        AWARDED,
        {
            f"{event.id}:{user_id}": _award(row, event) | {"user_id": str(user_id)}
            for user_id, row in people
        },
    )
    guilds = await session.scalars(
        select(GuildLeaderboardEntry).where(GuildLeaderboardEntry.event_id == event.id)
    )
    await _announced(
        session,
        GUILD_AWARDED,
        {
            f"{event.id}:{row.guild_id}": _award(row, event) | {"guild_id": str(row.guild_id)}
            for row in guilds
        },
    )


async def _announced(
    session: AsyncSession, kind: str, payloads: Mapping[str, Mapping[str, Any]]
) -> None:
    """Note any number of happenings, so many in a statement."""
    pairs = list(payloads.items())
    for start in range(0, len(pairs), PAGE):
        await outbox.announce_all(session, kind, dict(pairs[start : start + PAGE]))


def _award(row: LeaderboardEntry | GuildLeaderboardEntry, event: Event) -> dict[str, Any]:
    return {
        "event_id": str(event.id),
        "slug": event.slug,
        "rank": row.rank,
        "score": float(row.score),
        "experience": row.experience,
    }
