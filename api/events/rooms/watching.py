"""Source for those who watch, some time after it was handed in, where the event's setting says so.

Never to whoever plays for time, in the event or virtually after it, or plays the same problem in
another one that goes on; nothing of a freeze before the thaw; never what is younger than the
setting.
`api.redaction.may_watch_source` is the rule.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import clocks, redaction
from api.db.models import (
    CodeSubmission,
    EntryKind,
    Event,
    EventEntry,
    EventParticipant,
    EventProblem,
)
from api.errors import NotFoundError
from api.events import statements
from api.events.attending import Attendance
from api.events.machine import RUNNING
from api.submissions import queries


async def source(
    session: AsyncSession, who: Attendance, entry_id: UUID, problem: str, *, now: datetime
) -> tuple[CodeSubmission, dict[str, bytes]]:
    """Return the latest that an entry handed in for a problem and that the caller may see.

    Raises `NotFoundError` where there is none, or none yet.
    """
    chosen = await statements.named(session, who.event, problem)
    entry = await session.get(EventEntry, entry_id)
    if entry is None or entry.event_id != who.event.id:
        raise NotFoundError("there is no such entry", slug="entry-not-found")
    frozen = clocks.freeze_from(who.event)
    playing = who.racing(now) or await _plays(session, who.user.id, chosen.problem_id)
    found = await session.scalars(
        select(CodeSubmission)
        .where(
            CodeSubmission.event_id == who.event.id,
            CodeSubmission.entry_id == entry_id,
            CodeSubmission.problem_id == chosen.problem_id,
        )
        .order_by(CodeSubmission.submitted_at.desc(), CodeSubmission.id.desc())
        .limit(100)
    )
    for row in found:
        if who.jury or redaction.may_watch_source(
            row.submitted_at,
            delay_s=who.event.spectator_delay_s,
            frozen_from=frozen,
            playing=playing,
            now=now,
        ):
            return row, await queries.source(session, row.id)
    raise NotFoundError("there is nothing to see, or not yet", slug="source-not-shown")


async def _plays(session: AsyncSession, user_id: UUID, problem_id: UUID) -> bool:
    """Tell whether somebody has a problem before them in an event that goes on.

    Of events to come it is nobody's to find out here which problems they will have.
    """
    found = await session.scalar(
        select(
            exists().where(
                EventParticipant.user_id == user_id,
                EventParticipant.kind == EntryKind.OFFICIAL,
                Event.id == EventParticipant.event_id,
                Event.state.in_(RUNNING),
                EventProblem.event_id == Event.id,
                EventProblem.problem_id == problem_id,
            )
        )
    )
    return bool(found)
