"""The life of a rejudge set: judging, ready, then applied or cancelled.

`settle` makes sets ready, in the workers' sweep. Applying is `api.rejudging.applying`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CursorResult,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser, Role, Scope
from api.db.base import new_id
from api.db.models import Judging, Rejudging, RejudgingState
from api.errors import ConflictError, InvalidError, NotFoundError
from api.logs import logger
from api.rejudging import schemas, selecting
from api.settings import Settings

# As the partial index says it, so that it is used.
UNFINISHED: ColumnElement[bool] = literal_column(
    "judgings.state IN ('queued', 'compiling', 'running')", Boolean
)
ALLOWED: Mapping[RejudgingState, Sequence[str]] = {
    RejudgingState.JUDGING: ("cancel",),
    RejudgingState.READY: ("apply", "cancel"),
    RejudgingState.APPLIED: (),
    RejudgingState.CANCELLED: (),
}
_log = logger(__name__)
_SETTLE = text("""
UPDATE codebattle.rejudgings SET state = 'ready'
WHERE state = 'judging' AND NOT EXISTS (
    SELECT FROM codebattle.judgings
    WHERE rejudging_id = rejudgings.id AND state IN ('queued', 'compiling', 'running')
)
RETURNING id
""")


def need(user: CurrentUser) -> None:
    """Raise unless the caller may rejudge anything at all."""
    user.need(Role.AUTHOR)
    user.need_scope(Scope.WRITE)


async def create(
    session: AsyncSession, settings: Settings, user: CurrentUser, new: schemas.NewRejudging
) -> Rejudging:
    """Choose submissions and queue a judging for each; the caller commits."""
    chosen = await selecting.choose(session, user, new)
    most = settings.rejudging_max
    made = Rejudging(
        id=new_id(),
        reason=new.reason,
        state=RejudgingState.JUDGING,
        selection=new.selection.model_dump(mode="json", exclude_none=True),
        created_by=user.id,
        extra={"against": new.against},
    )
    session.add(made)
    await session.flush()
    selected = await chosen.queue(session, settings, made.id, most + 1)
    if selected > most:
        raise InvalidError(
            f"more than {most} submissions: select less at a time", slug="selection-too-large"
        )
    if selected == 0:
        raise InvalidError("no judged submission is selected", slug="selection-empty")
    made.extra = {**made.extra, "selected": selected}
    audit.record(
        session,
        user,
        "rejudging.created",
        subject=("rejudging", made.id),
        detail={"reason": new.reason, "selection": made.selection, "selected": selected},
    )
    _log.info("rejudging.created", rejudging_id=str(made.id), selected=selected)
    return made


async def find(
    session: AsyncSession, user: CurrentUser, rejudging_id: UUID, *, lock: bool = False
) -> Rejudging:
    """Return a set the caller may know of: game masters all, authors those they made."""
    found = await session.get(Rejudging, rejudging_id, with_for_update=lock)
    if found is None or not (user.jury or found.created_by == user.id):
        raise NotFoundError("there is no such rejudging", slug="rejudging-not-found")
    return found


async def cancel(session: AsyncSession, user: CurrentUser, rejudging_id: UUID) -> Rejudging:
    """Drop a set: what waits goes, what runs can store nothing any more; again is no error."""
    found = await find(session, user, rejudging_id, lock=True)
    if found.state is RejudgingState.CANCELLED:
        return found
    if found.state is RejudgingState.APPLIED:
        raise wrong_state(found, "it was applied; make another to change results again")
    # A worker whose judging is gone has lost its lease, and its token fits nothing.
    removed = await session.execute(
        delete(Judging).where(Judging.rejudging_id == found.id, UNFINISHED)
    )
    assert isinstance(removed, CursorResult)
    found.state = RejudgingState.CANCELLED
    found.finished_at = await session.scalar(select(func.now()))
    found.extra = {**found.extra, "removed": removed.rowcount}
    audit.record(
        session,
        user,
        "rejudging.cancelled",
        subject=("rejudging", found.id),
        detail={"removed": removed.rowcount, "selected": found.extra.get("selected")},
    )
    _log.info("rejudging.cancelled", rejudging_id=str(found.id), removed=removed.rowcount)
    return found


async def settle(session: AsyncSession) -> Sequence[UUID]:
    """Make those sets ready that are judged; returns them."""
    ready = (await session.execute(_SETTLE)).scalars().all()
    await session.commit()
    for each in ready:
        _log.info("rejudging.ready", rejudging_id=str(each))
    return ready


def wrong_state(found: Rejudging, detail: str, **extra: Any) -> ConflictError:
    """Return the refusal of something that cannot be done in this state."""
    return ConflictError(
        detail,
        slug="rejudging-state",
        state=found.state.value,
        allowed=list(ALLOWED[found.state]),
        **extra,
    )
