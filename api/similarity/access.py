"""Who may compare: reviewers and game masters, and reviewers not while an event goes on.

Phases are those of `api.redaction`; who may read a source is said there.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import redaction
from api.auth import CurrentUser, Role
from api.db.models import CodeSubmission, Event, EventState
from api.redaction import Phase

OVER = (EventState.FINISHED, EventState.THAWED, EventState.FINALISED)


def may_compare(user: CurrentUser, phase: Phase) -> bool:
    """Tell whether somebody may know which submissions are alike: no player ever may."""
    return user.jury or (Role.REVIEWER in user.roles and phase.over)


def jury(user: CurrentUser) -> bool:
    """Tell whether somebody may compare whatever goes on."""
    return user.jury


def comparable(user: CurrentUser) -> list[ColumnElement[bool]]:
    """Return conditions on submissions that somebody may compare now."""
    return [] if jury(user) else over()


def over() -> list[ColumnElement[bool]]:
    """Return conditions on submissions that no event needs to keep apart any more."""
    ended = select(Event.id).where(_told())
    return [or_(CodeSubmission.event_id.is_(None), CodeSubmission.event_id.in_(ended))]


def _told() -> ColumnElement[bool]:
    """Return the condition that an event is over and its board stands still no more.

    What is alike was accepted, and that is what a freeze hides.
    """
    open_to_all = and_(Event.freeze_s.is_(None), Event.frozen_at.is_(None))
    return and_(Event.state.in_(OVER), or_(Event.state != EventState.FINISHED, open_to_all))


async def may_see(session: AsyncSession, user: CurrentUser, events: Iterable[UUID | None]) -> bool:
    """Tell whether somebody may see what was found among submissions of these events."""
    named = {each for each in events if each is not None}
    if jury(user) or not named:
        return may_compare(user, Phase.PRACTICE)
    over = set(await session.scalars(select(Event.id).where(Event.id.in_(named), _told())))
    return all(
        may_compare(user, redaction.phase_of(each, Phase.FINAL if each in over else None))
        for each in named
    )
