"""Ratings across events: everybody's place, and where somebody's rating comes from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from api import paging
from api.auth import CurrentUser
from api.db.models import (
    Event,
    EventParticipant,
    Rating,
    RatingChange,
    UserProfileRef,
)
from api.errors import BadRequestError, NotFoundError
from api.leaderboards import schemas

_PLAYED_AS = (
    select(EventParticipant.name)
    .where(EventParticipant.user_id == Rating.user_id)
    .order_by(EventParticipant.event_id.desc())
    .limit(1)
    .scalar_subquery()
)
# The profile's name, or the one somebody played under last.
_NAME = func.coalesce(UserProfileRef.name, _PLAYED_AS, "")


async def page(session: AsyncSession, *, limit: int, cursor: str | None) -> schemas.RatingPage:
    """Return ratings, the highest first; equals share a rank."""
    wanted = _rated().order_by(Rating.rating.desc(), Rating.user_id).limit(limit + 1)
    if cursor is not None:
        rating, user_id = _place(cursor)
        wanted = wanted.where(
            or_(
                Rating.rating < rating,
                and_(Rating.rating == rating, Rating.user_id > user_id),
            )
        )
    found = (await session.execute(wanted)).all()
    items: list[schemas.RatingRow] = []
    before = await _before(session, found[0].rating, found[0].user_id) if found else 0
    rank = await _rank(session, found[0].rating) if found else 1
    for place, row in enumerate(found[:limit], start=before + 1):
        if items and items[-1].rating != row.rating:
            rank = place
        items.append(
            schemas.RatingRow(
                rank=rank,
                user_id=row.user_id,
                name=row.name,
                rating=row.rating,
                games=row.games,
            )
        )
    last = items[-1] if len(found) > limit else None
    return schemas.RatingPage(
        items=items,
        next_cursor=None if last is None else paging.encode(str(last.rating), str(last.user_id)),
    )


async def history(
    session: AsyncSession,
    user_id: UUID,
    *,
    by: CurrentUser | None,
    limit: int,
    cursor: str | None,
) -> schemas.RatingHistory:
    """Return somebody's rating and the events behind it that the caller may know of."""
    mine = (await session.execute(_rated().where(Rating.user_id == user_id))).first()
    if mine is None:
        raise NotFoundError("nobody of this id has a rating", slug="rating-not-found")
    wanted = (
        select(RatingChange, Event.slug, Event.title)
        .join(Event, Event.id == RatingChange.event_id)
        .where(RatingChange.user_id == user_id, _known_to(by))
        .order_by(RatingChange.created_at.desc(), RatingChange.event_id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        at, event_id = _moment(cursor)
        wanted = wanted.where(
            or_(
                RatingChange.created_at < at,
                and_(RatingChange.created_at == at, RatingChange.event_id < event_id),
            )
        )
    found = (await session.execute(wanted)).all()
    items = [_change(*row) for row in found[:limit]]
    last = items[-1] if len(found) > limit else None
    return schemas.RatingHistory(
        user_id=user_id,
        name=mine.name,
        rank=await _rank(session, mine.rating),
        rating=mine.rating,
        games=mine.games,
        items=items,
        next_cursor=None
        if last is None
        else paging.encode(last.at.isoformat(), str(last.event_id)),
    )


def _known_to(user: CurrentUser | None) -> ColumnElement[bool]:
    """Return the condition that somebody may know of an event with a board."""
    if user is None:
        return Event.private.is_(False)
    if user.jury:
        return true()
    plays = exists().where(
        EventParticipant.event_id == Event.id, EventParticipant.user_id == user.id
    )
    return or_(Event.private.is_(False), Event.requested_by == user.id, plays)


def _rated() -> Select[UUID, int, int, str]:
    return select(Rating.user_id, Rating.rating, Rating.games, _NAME.label("name")).outerjoin(
        UserProfileRef, UserProfileRef.user_id == Rating.user_id
    )


async def _rank(session: AsyncSession, rating: int) -> int:
    ahead = await session.scalar(select(func.count()).where(Rating.rating > rating))
    return int(ahead or 0) + 1


async def _before(session: AsyncSession, rating: int, user_id: UUID) -> int:
    """Return how many come before somebody in order."""
    equal = await session.scalar(
        select(func.count()).where(Rating.rating == rating, Rating.user_id < user_id)
    )
    return await _rank(session, rating) - 1 + int(equal or 0)


def _change(row: RatingChange, slug: str, title: str) -> schemas.RatingChange:
    return schemas.RatingChange(
        event_id=row.event_id,
        slug=slug,
        title=title,
        rank=row.rank,
        before=row.before,
        after=row.after,
        at=row.created_at,
    )


def _place(cursor: str) -> tuple[int, UUID]:
    rating, user_id = paging.decode(cursor, 2)
    try:
        return max(-(2**62), min(2**62, int(rating))), UUID(user_id)
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error


def _moment(cursor: str) -> tuple[datetime, UUID]:
    at, event_id = paging.decode(cursor, 2)
    try:
        moment, last = datetime.fromisoformat(at), UUID(event_id)
    except ValueError as error:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor") from error
    if moment.tzinfo is None:
        raise BadRequestError("the cursor is not one of ours", slug="bad-cursor")
    return moment, last
