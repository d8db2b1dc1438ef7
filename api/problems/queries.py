"""What is read of problems. Hidden ones exist only for those who may see them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import CurrentUser, Role
from api.db.base import is_id
from api.db.models import (
    CodeProblem,
    CodeProblemVersion,
    EntryKind,
    Event,
    EventParticipant,
    EventProblem,
    EventState,
    Visibility,
)
from api.errors import NotFoundError

# While an event is in one of these, whoever plays there is a player and no reviewer.
AHEAD = (
    EventState.APPROVED,
    EventState.ASSIGNED,
    EventState.LOBBY,
    EventState.LIVE,
    EventState.FROZEN,
)
_STARTED = (
    EventState.LIVE,
    EventState.FROZEN,
    EventState.FINISHED,
    EventState.THAWED,
    EventState.FINALISED,
)


def visible(user: CurrentUser | None) -> ColumnElement[bool]:
    """Return the condition that a problem may be seen."""
    public = CodeProblem.visibility == Visibility.PUBLIC
    if user is None:
        return public
    if user.jury:
        return true()
    own = or_(public, CodeProblem.owner_id == user.id)
    return or_(own, ~_plays(user)) if Role.REVIEWER in user.roles else own


def readable(user: CurrentUser | None) -> ColumnElement[bool]:
    """Return the condition that somebody may read a problem whose name they know.

    Those who take part in an event may read its problems from the start tick on, hidden ones too.
    """
    if user is None:
        return visible(user)
    played = (
        exists()
        .where(EventProblem.problem_id == CodeProblem.id)
        .where(Event.id == EventProblem.event_id, Event.state.in_(_STARTED))
        .where(EventParticipant.event_id == Event.id, EventParticipant.user_id == user.id)
    )
    return or_(visible(user), played)


def _plays(user: CurrentUser) -> ColumnElement[bool]:
    """Return the condition that somebody plays a problem in an event that is not over."""
    return (
        exists()
        .where(EventProblem.problem_id == CodeProblem.id)
        .where(Event.id == EventProblem.event_id, Event.state.in_(AHEAD))
        .where(EventParticipant.event_id == Event.id, EventParticipant.user_id == user.id)
        .where(EventParticipant.kind == EntryKind.OFFICIAL)
    )


async def page(
    session: AsyncSession,
    user: CurrentUser | None,
    *,
    after: str | None,
    limit: int,
    search: str | None,
    keyword: str | None,
) -> list[tuple[CodeProblem, CodeProblemVersion]]:
    """Return a page of problems by slug."""
    query = _current().where(visible(user)).order_by(CodeProblem.slug).limit(limit)
    if after is not None:
        query = query.where(CodeProblem.slug > after)
    if search:
        pattern = _contains(search)
        query = query.where(
            or_(
                CodeProblem.title.ilike(pattern, escape="\\"),
                CodeProblem.slug.ilike(pattern, escape="\\"),
            )
        )
    if keyword:
        query = query.where(CodeProblem.keywords.contains([keyword.lower()]))
    return [(row[0], row[1]) for row in await session.execute(query)]


async def one(
    session: AsyncSession, user: CurrentUser | None, name: str
) -> tuple[CodeProblem, CodeProblemVersion]:
    """Return a problem by slug or id; raises `NotFoundError`, for hidden ones too."""
    found = None
    if "\0" not in name:
        found = (await session.execute(_current().where(_named(name), readable(user)))).first()
    if found is None:
        raise NotFoundError("there is no such problem", slug="problem-not-found")
    return found[0], found[1]


async def versions(
    session: AsyncSession, problem_id: UUID, *, before: int | None, limit: int
) -> list[CodeProblemVersion]:
    """Return a page of a problem's versions, latest first."""
    query = select(CodeProblemVersion).where(CodeProblemVersion.problem_id == problem_id)
    if before is not None:
        query = query.where(CodeProblemVersion.number < before)
    query = query.order_by(CodeProblemVersion.number.desc()).limit(limit)
    return list(await session.scalars(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a submission has to know of the problem it is for."""

    problem_id: UUID
    version_id: UUID
    kinds: list[str]
    languages: list[str] | None
    source_bytes: int


async def target(session: AsyncSession, user: CurrentUser, name: str) -> Target:
    """Return what to submit to; raises `NotFoundError`, for hidden problems too."""
    row = None
    if "\0" not in name:
        columns = (
            CodeProblem.id,
            CodeProblemVersion.id,
            CodeProblemVersion.kinds,
            CodeProblemVersion.languages,
            CodeProblemVersion.source_bytes,
        )
        query = select(*columns).join(
            CodeProblemVersion, CodeProblemVersion.id == CodeProblem.current_version_id
        )
        row = (await session.execute(query.where(_named(name), readable(user)))).first()
    if row is None:
        raise NotFoundError("there is no such problem", slug="problem-not-found")
    return Target(
        problem_id=row[0], version_id=row[1], kinds=row[2], languages=row[3], source_bytes=row[4]
    )


def _named(name: str) -> ColumnElement[bool]:
    return CodeProblem.id == UUID(name) if is_id(name) else CodeProblem.slug == name


def _current() -> Select[CodeProblem, CodeProblemVersion]:
    return select(CodeProblem, CodeProblemVersion).join(
        CodeProblemVersion, CodeProblemVersion.id == CodeProblem.current_version_id
    )


def _contains(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
