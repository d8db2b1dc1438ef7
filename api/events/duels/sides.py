"""The two sides of a duel: who is on them, who has still to say yes, and how they are shown.

A captain names who plays beside them. A guild master's own guild is theirs to select from, as for
any event, though no rating moves by that alone (`api.events.rating`); everybody else is on a side
once they have joined it themselves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role
from api.db.models import (
    Duel,
    DuelMember,
    DuelSide,
    Event,
    EventParticipant,
    EventState,
    GuildMemberRef,
    LeaderboardEntry,
    UserProfileRef,
)
from api.errors import InvalidError
from api.events.duels import schemas
from api.events.duels.schemas import DuelOutcome
from api.events.rooms.presence import Said
from api.live import Kind, Topic, Update

NAME_MAX = 100


async def members(
    session: AsyncSession, duels: Collection[UUID]
) -> Mapping[UUID, list[DuelMember]]:
    """Return who is named for some duels, in a fixed order."""
    found: dict[UUID, list[DuelMember]] = {each: [] for each in duels}
    rows = await session.scalars(
        select(DuelMember)
        .where(DuelMember.duel_id.in_(found))
        .order_by(DuelMember.duel_id, DuelMember.side, DuelMember.user_id)
        .execution_options(populate_existing=True)
    )
    for each in rows:
        found[each.duel_id].append(each)
    return found


async def line_up(
    session: AsyncSession,
    captain: CurrentUser,
    duel: Duel,
    side: DuelSide,
    others: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Put those whom a captain names beside them; raises `InvalidError` for who is there twice."""
    taken = {each.user_id for each in (await members(session, [duel.id]))[duel.id]} | {captain.id}
    if len(set(others)) < len(others) or taken & set(others):
        raise InvalidError("somebody is named twice", slug="duel-sides")
    profiles = await session.scalars(
        select(UserProfileRef).where(
            UserProfileRef.user_id.in_(others), UserProfileRef.deleted_at.is_(None)
        )
    )
    names = {each.user_id: each.name for each in profiles}
    selected = await _selected(session, captain, others)
    for each in others:
        session.add(
            DuelMember(
                duel_id=duel.id,
                user_id=each,
                side=side,
                name=names.get(each, "")[:NAME_MAX],
                joined_at=now if each in selected else None,
                selected=each in selected,
            )
        )
    await session.flush()


async def _selected(
    session: AsyncSession, captain: CurrentUser, others: Collection[UUID]
) -> Collection[UUID]:
    """Return those of a guild master's own guild."""
    if not captain.has(Role.GUILD_MASTER):
        return ()
    profile = await session.get(UserProfileRef, captain.id)
    if profile is None or profile.deleted_at is not None or profile.guild_id is None:
        return ()
    found = await session.scalars(
        select(GuildMemberRef.user_id).where(
            GuildMemberRef.guild_id == profile.guild_id,
            GuildMemberRef.user_id.in_(others),
            GuildMemberRef.left_at.is_(None),
        )
    )
    return set(found)


async def shown(session: AsyncSession, duels: Sequence[Duel]) -> list[schemas.DuelShown]:
    """Return duels as those of them see them."""
    people = await members(session, [each.id for each in duels])
    outcomes = await _outcomes(session, duels)
    return [
        schemas.DuelShown(
            id=each.id,
            challenger_id=each.challenger_id,
            opponent_id=each.opponent_id,
            state=each.state,
            terms=schemas.Terms.model_validate(plain(each.terms)),
            sides=[_side(each, side, people[each.id]) for side in DuelSide],
            expires_at=each.expires_at,
            event_id=each.event_id,
            outcome=outcomes.get(each.id),
            created_at=each.created_at,
        )
        for each in duels
    ]


def plain(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms alone, without what else is kept with them."""
    return {name: terms[name] for name in schemas.Terms.model_fields if name in terms}


def name(duel: Duel, side: DuelSide) -> str:
    """Return what a side is called."""
    return str(duel.terms.get(side.value) or side.value.capitalize())


def captain_id(duel: Duel, side: DuelSide) -> UUID:
    """Return who speaks for a side."""
    return duel.challenger_id if side is DuelSide.CHALLENGER else duel.opponent_id


def told(duel: Duel, people: Iterable[DuelMember]) -> list[Said]:
    """Return what is to be published of a duel that changed: to those of it, and nobody else."""
    data = {
        "duel_id": str(duel.id),
        "state": duel.state.value,
        "challenger_id": str(duel.challenger_id),
        "opponent_id": str(duel.opponent_id),
        "event_id": str(duel.event_id) if duel.event_id is not None else None,
        "expires_at": duel.expires_at.isoformat(),
    }
    topics = [Topic.USER.of(each.user_id) for each in people]
    return [(topics, Update(kind=Kind.DUEL, data=data))]


def _side(duel: Duel, side: DuelSide, people: Iterable[DuelMember]) -> schemas.DuelSideShown:
    captain = captain_id(duel, side)
    listed = [
        schemas.DuelMemberShown(
            user_id=each.user_id,
            name=each.name,
            joined=each.joined_at is not None,
            selected=each.selected,
        )
        for each in people
        if each.side is side
    ]
    return schemas.DuelSideShown(
        side=side,
        name=name(duel, side),
        captain_id=captain,
        members=sorted(listed, key=lambda each: each.user_id != captain),
    )


async def _outcomes(session: AsyncSession, duels: Sequence[Duel]) -> Mapping[UUID, DuelOutcome]:
    """Return what came of those that are over."""
    events = {each.event_id: each for each in duels if each.event_id is not None}
    states = await session.execute(select(Event.id, Event.state).where(Event.id.in_(events)))
    found = {
        events[row.id].id: DuelOutcome.CANCELLED
        for row in states
        if row.state is EventState.CANCELLED
    }
    ranks: dict[UUID, dict[UUID, int]] = {}
    board = await session.execute(
        select(EventParticipant.event_id, EventParticipant.user_id, LeaderboardEntry.rank)
        .join(LeaderboardEntry, LeaderboardEntry.entry_id == EventParticipant.entry_id)
        .where(LeaderboardEntry.event_id.in_(events))
    )
    for event_id, user_id, rank in board:
        ranks.setdefault(event_id, {})[user_id] = rank
    for event_id, places in ranks.items():
        duel = events[event_id]
        mine, theirs = places.get(duel.challenger_id), places.get(duel.opponent_id)
        if mine is not None and theirs is not None:
            won = DuelOutcome.CHALLENGER if mine < theirs else DuelOutcome.OPPONENT
            found[duel.id] = DuelOutcome.DRAWN if mine == theirs else won
    return found
