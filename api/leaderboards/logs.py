"""What the log says of some entries: the last row of each of their submissions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db import direct
from api.leaderboards.desk import Logged, Target

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
# $1 event; $2, $3 entries and until when each counts, null for all; $4 where the log of those in
# $5 ends, null for nowhere. Scores come as text: their doubles would not add up.
_UNTIL = """
SELECT json_agg(json_build_array(b.entry_id, b.problem_id, b.rows))::text FROM (
    SELECT l.entry_id, l.problem_id, json_agg(json_build_array(l.submission_id, l.submitted_at,
        l.verdict, l.score::text, l.groups, l.cpu_us, l.memory_bytes)) AS rows
    FROM (
        SELECT DISTINCT ON (a.entry_id, a.problem_id, a.submission_id) a.*
        FROM unnest($2::uuid[], $3::timestamptz[]) AS wanted (entry_id, until)
        JOIN codebattle.event_attempts AS a USING (entry_id)
        WHERE a.event_id = $1::uuid AND (wanted.until IS NULL OR a.submitted_at <= wanted.until)
            AND ($4::bigint IS NULL OR a.id <= $4::bigint OR a.entry_id <> ALL ($5::uuid[]))
        ORDER BY a.entry_id, a.problem_id, a.submission_id, a.id DESC
    ) AS l GROUP BY l.entry_id, l.problem_id
) AS b
"""
Log = Mapping[Target, Sequence[Any]]
Some = Sequence[Logged]


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


async def until(
    session: AsyncSession,
    event_id: UUID,
    ends: Mapping[UUID, datetime | None],
    *,
    log_end: int | None = None,
    bound: Collection[UUID] = (),
) -> str | None:
    """Return a document of what entries handed in up to some time each, for `read`.

    Of those that are `bound` the log is read up to the `log_end`.
    """
    found: str | None = await direct.ask(
        session, _UNTIL, event_id, list(ends), list(ends.values()), log_end, list(bound)
    )
    return found


def read(document: str | None) -> Iterator[tuple[str, str, Some]]:
    """Return entry, problem and rows of a document."""
    for who, task, rows in from_json(document or "[]"):
        yield (
            who,
            task,
            [Logged(first, datetime.fromisoformat(at), *rest) for first, at, *rest in rows],
        )
