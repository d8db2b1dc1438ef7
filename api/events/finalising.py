"""What a finalised event leaves: snapshots of its boards, ratings, and awards told to others."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
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
RATED = frozenset({"icpc", "ioi", "battle", "duel"})


async def snapshot(session: AsyncSession, event: Event) -> None:
    """Write the final boards down, update ratings, and tell others; the event is locked.

    Done again it gives the same: rows are replaced and messages have the same ids.
    """
    rows = await _rows(session, event.id)
    await _leaderboard(session, event, rows)
    await _guilds(session, event)
    if event.format in RATED:
        await _ratings(session, event, rows)
    await _tell(session, event, rows)


def experience(awards: Mapping[str, Any], *, rank: int, score: float, of: int) -> int:
    """Return the experience points of a rank by an event's rule.

    `by_rank` lists points of the first ranks, `per_point` is what a point of the score gives,
    `base` what taking part gives; `guild` has the same keys for guilds.
    """
    del of
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


async def _leaderboard(session: AsyncSession, event: Event, rows: list[Ranked]) -> None:
    await session.execute(delete(LeaderboardEntry).where(LeaderboardEntry.event_id == event.id))
    in_room: dict[UUID | None, list[Ranked]] = {}
    made = []
    for row in rows:
        before = in_room.setdefault(row.room_id, [])
        shared = bool(before) and _key(before[-1]) == _key(row)
        ahead = sum(_key(each) != _key(row) for each in before) if shared else len(before)
        before.append(row)
        made.append(
            {
                "event_id": event.id,
                "entry_id": row.entry_id,
                "name": row.name,
                "guild_id": row.guild_id,
                "room_id": row.room_id,
                "rank": row.rank,
                "room_rank": ahead + 1 if row.room_id is not None else None,
                "score": row.score,
                "penalty": row.penalty,
                "last": row.last,
                "cells": [{"problem_id": task, **cell} for task, cell in row.cells.items()],
                "experience": experience(
                    event.awards, rank=row.rank, score=row.score, of=len(rows)
                ),
            }
        )
    if made:
        await session.execute(insert(LeaderboardEntry), made)


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
                    event.awards.get("guild", {}), rank=rank, score=score, of=len(ranked)
                ),
            )
        )
    await session.flush()


async def _ratings(session: AsyncSession, event: Event, rows: list[Ranked]) -> None:
    """Rate everybody once an event; a team's members are rated by its rank."""
    already = await session.scalar(
        select(RatingChange.user_id).where(RatingChange.event_id == event.id).limit(1)
    )
    if already is not None:
        return
    ranks = {row.entry_id: row.rank for row in rows}
    found = await session.execute(
        select(
            EventParticipant.user_id,
            EventParticipant.entry_id,
            func.coalesce(Rating.rating, rating.START),
            func.coalesce(Rating.games, 0),
        )
        .outerjoin(Rating, Rating.user_id == EventParticipant.user_id)
        .where(EventParticipant.event_id == event.id, EventParticipant.entry_id.in_(ranks))
        .with_for_update(of=EventParticipant)
    )
    field = [
        rating.Rated(
            id=str(user_id),
            rank=ranks[entry_id],
            rating=before,
            games=games,
        )
        for user_id, entry_id, before, games in found
    ]
    if not field:
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
    for user_id, row in people:
        await outbox.announce(
            session,
            AWARDED,
            _award(row, event) | {"user_id": str(user_id)},
            key=f"{event.id}:{user_id}",
        )
    guilds = await session.scalars(
        select(GuildLeaderboardEntry).where(GuildLeaderboardEntry.event_id == event.id)
    )
    for guild in guilds:
        await outbox.announce(
            session,
            GUILD_AWARDED,
            _award(guild, event) | {"guild_id": str(guild.guild_id)},
            key=f"{event.id}:{guild.guild_id}",
        )


def _award(row: LeaderboardEntry | GuildLeaderboardEntry, event: Event) -> dict[str, Any]:
    return {
        "event_id": str(event.id),
        "slug": event.slug,
        "rank": row.rank,
        "score": float(row.score),
        "experience": row.experience,
    }


def _key(row: Ranked) -> tuple[float, int, int]:
    return (row.score, row.penalty, row.last)
