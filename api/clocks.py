"""An event's clock and phase: what its row says of time, and what people may see then.

The time is the database's, whoever asks: processes are on many machines, and one whose clock is
ahead would start an event, and give out its problems, before its time.

Everything that shows a submission asks here for the phase of its event before it asks the policy
in `api.redaction`. Submissions outside events cost no question.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event, EventState
from api.redaction import Phase
from judge.scoring.schedule import Interval, Schedule

_BEFORE = frozenset(
    {
        EventState.REQUESTED,
        EventState.REJECTED,
        EventState.APPROVED,
        EventState.ASSIGNED,
        EventState.LOBBY,
    }
)
_THAWED = frozenset({EventState.THAWED, EventState.FINALISED})


async def now(session: AsyncSession) -> datetime:
    """Return what time it is."""
    found: datetime | None = await session.scalar(select(func.clock_timestamp()))
    assert found is not None
    return found


def schedule(event: Event) -> Schedule:
    """Return an event's clock."""
    return Schedule(
        start=event.started_at or event.starts_at,
        duration=timedelta(seconds=event.duration_s),
        freeze=None if event.freeze_s is None else timedelta(seconds=event.freeze_s),
        removed=[
            Interval(start=datetime.fromisoformat(each["start"]), end=_moment(each.get("end")))
            for each in event.removed
        ],
    )


def thawed(event: Event) -> bool:
    """Tell whether everybody may see the whole board."""
    return event.state in _THAWED or event.thawed_at is not None


def freeze_from(event: Event, *, hides: bool = False) -> datetime | None:
    """Return when the public board stands still: as planned, or when somebody froze it earlier.

    With `hides` as if it had not ended.
    """
    if thawed(event) and not hides:
        return None
    clock = schedule(event)
    planned = None
    if clock.freeze is not None:
        planned = clock.moment(clock.duration - clock.freeze)
    return min((each for each in (planned, event.frozen_at) if each is not None), default=None)


def phase(event: Event, at: datetime) -> Phase:
    """Return the phase of an event; a freeze holds from its moment on, however late the clock."""
    if event.state in _BEFORE:
        return Phase.BEFORE
    if event.state in _THAWED:
        return Phase.FINAL
    if event.state is EventState.CANCELLED:
        # What was hidden when it was called off stays so.
        return Phase.BEFORE if event.started_at is None else Phase.FROZEN
    frozen = freeze_from(event)
    if event.state is EventState.FINISHED:
        return Phase.FINAL if frozen is None else Phase.FROZEN
    if event.state is EventState.FROZEN or (frozen is not None and frozen <= at):
        return Phase.FROZEN
    return Phase.RUNNING


def played(event: Event, now: datetime) -> bool:
    """Tell whether an event is over and nothing of it hidden: it may be played again."""
    return phase(event, now) is Phase.FINAL


async def phases(session: AsyncSession, event_ids: Iterable[UUID | None]) -> dict[UUID, Phase]:
    """Return the phases of those of the events that exist."""
    wanted = {each for each in event_ids if each is not None}
    if not wanted:
        return {}
    found = await session.execute(
        select(Event, func.clock_timestamp())
        .where(Event.id.in_(wanted))
        .execution_options(populate_existing=True)
    )
    return {event.id: phase(event, at) for event, at in found}


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
