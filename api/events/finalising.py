"""What a finalised event leaves: snapshots of its boards, ratings, and awards told to others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import (
    Event,
    EventGuild,
    EventParticipant,
    GuildLeaderboardEntry,
    LeaderboardEntry,
)
from api.events import rating
from api.leaderboards import queries
from api.leaderboards.queries import Among, Ranked
from api.neighbours import outbox

FINALISED = "event.finalised"
AWARDED = "event.awarded"
GUILD_AWARDED = "event.guild_awarded"
PAGE = 500
# What a duel's event keeps of the side that gave it up.
RESIGNED = "resigned"


async def snapshot(session: AsyncSession, event: Event) -> None:
    """Write the final boards down, update ratings, and tell others; the event is locked.

    Done again it gives the same: rows are replaced and messages have the same ids.
    """
    rows = _given_up(event, await _rows(session, event.id))
    await _leaderboard(session, event, rows)
    await _guilds(session, event)
    await rating.rate(session, event, rows)
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
