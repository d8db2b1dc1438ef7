"""What the log says of some entries: the last row of each of their submissions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.leaderboards.desk import Target

_LOG = text("""
SELECT DISTINCT ON (a.entry_id, a.problem_id, a.submission_id)
    a.entry_id, a.problem_id, a.submission_id, a.submitted_at, a.verdict, a.score, a.groups,
    a.cpu_us, a.memory_bytes
FROM unnest(cast(:entries AS uuid[])) AS wanted (entry_id)
JOIN codebattle.event_attempts AS a USING (entry_id)
WHERE a.event_id = :event_id
    -- What became known after an event was finalised changes rows that are apart alone.
    AND (cast(:log_end AS bigint) IS NULL OR a.id <= :log_end OR entry_id = ANY(:unbound))
ORDER BY a.entry_id, a.problem_id, a.submission_id, a.id DESC
""")
Log = Mapping[Target, Sequence[Any]]


async def of(
    session: AsyncSession,
    event_id: UUID,
    entries: Collection[UUID],
    *,
    log_end: int | None = None,
    unbound: Collection[UUID] = (),
) -> Log:
    """Return rows by entry and problem, up to the `log_end` but for entries that are unbound."""
    rows = await session.execute(
        _LOG,
        {
            "event_id": event_id,
            "entries": list(entries),
            "log_end": log_end,
            "unbound": list(unbound),
        },
    )
    bundles: dict[Target, list[Any]] = {}
    for each in rows:
        bundles.setdefault((each.entry_id, each.problem_id), []).append(each)
    return bundles
