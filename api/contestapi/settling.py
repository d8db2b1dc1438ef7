"""What counts once a contest is over: the judgements that counted when it was finalised.

The specification has nothing change after `end_of_updates`, and the board is written down at that
moment. What a rejudging or an override says later is on the submission, in the service's own API;
here the judging it took the place of goes on to count.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.models import Event

# From what counts now back to what counted then. A set notes if it touched finalised events, so
# that those of all other events are not looked through.
_LATE = text("""
WITH RECURSIVE late AS (
    SELECT id FROM codebattle.rejudgings
    WHERE state = 'applied' AND finished_at > :over
        AND metadata #> '{outcome,finalised}' IS NOT NULL
), chain AS (
    SELECT new.id AS counts, new.id, new.replaces_id, true AS late
    FROM late
    JOIN codebattle.judgings AS new ON new.rejudging_id = late.id AND new.is_current
    JOIN codebattle.code_submissions AS submission
        ON submission.id = new.submission_id AND submission.event_id = :event_id
    UNION ALL
    SELECT chain.counts, old.id, old.replaces_id,
        old.rejudging_id IS NOT NULL AND old.rejudging_id IN (SELECT id FROM late)
    FROM chain JOIN codebattle.judgings AS old ON old.id = chain.replaces_id
    WHERE chain.late
)
SELECT counts, id AS counted FROM chain WHERE NOT late
""").bindparams(
    bindparam("event_id", type_=Uuid()), bindparam("over", type_=DateTime(timezone=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Judgings that count now and did not when the contest was finalised, and those that did."""

    late: frozenset[UUID] = frozenset()
    kept: frozenset[UUID] = frozenset()


OPEN = Settled()


async def settled(session: AsyncSession, event: Event) -> Settled:
    """Return what was changed of an event after it was finalised; nothing before that."""
    if event.finalised_at is None:
        return OPEN
    rows = (await session.execute(_LATE, {"event_id": event.id, "over": event.finalised_at})).all()
    if not rows:
        return OPEN
    return Settled(
        late=frozenset(row.counts for row in rows), kept=frozenset(row.counted for row in rows)
    )
